/* Counts the calls that the library makes to wait, and has them fail: see spied.h. */
#define IOATOM_TESTS_WINDOWS_SPIED_C
#include "spied.h"

#include "../unit/spy.h"

#define IOATOM_TESTS_WINDOWS_POSIX_C
#include "posix/posix.h"

spy_state spy = {.last_timeout_ms = -2};

static spied_calls made;
static unsigned cancelled; /* polls whose reports are taken in next */

spied_calls spied_made(void)
{
    return made;
}

/* What Winsock says for an errno value that a test wants. */
static int code_of(int number)
{
    switch (number) {
    case EINTR:
        return WSAEINTR;
    case ENOMEM:
        return WSA_NOT_ENOUGH_MEMORY;
    case EBADF:
        return WSAENOTSOCK;
    default:
        return WSAEINVAL;
    }
}

/* What a wait returns instead of asking the system; 1: ask it. */
static int answer(spy_call *call, int timeout_ms)
{
    spy.last_timeout_ms = timeout_ms;
    made.waits += !cancelled;
    made.blocking_waits += !cancelled && timeout_ms != 0;
    cancelled = 0;
    int result = spy_wait(call);
    if (result < 0) {
        SetLastError((DWORD)code_of(errno));
    }
    return result;
}

int WSAAPI spied_select(int end, fd_set *in, fd_set *out, fd_set *except, PTIMEVAL timeout)
{
    int timeout_ms = timeout ? (int)(timeout->tv_sec * 1000 + timeout->tv_usec / 1000) : -1;
    int result = answer(&spy.select, timeout_ms);
    return result == 1 ? select(end, in, out, except, timeout) : result;
}

/* In the place of a select of nothing. */
void WINAPI spied_sleep(DWORD time_ms)
{
    if (answer(&spy.select, (int)time_ms) == 1) {
        Sleep(time_ms);
    }
}

int WSAAPI spied_poll(WSAPOLLFD *fds, ULONG count, INT timeout_ms)
{
    if (spy_faulty(&spy.poll)) {
        SetLastError((DWORD)code_of(errno));
        return SOCKET_ERROR;
    }
    return WSAPoll(fds, count, timeout_ms);
}

BOOL WINAPI spied_port(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG room, ULONG *count,
                       DWORD timeout_ms, BOOL alertable)
{
    int result = answer(&spy.epoll, (int)timeout_ms);
    if (result == 1) {
        return GetQueuedCompletionStatusEx(port, entries, room, count, timeout_ms, alertable);
    }
    if (result == 0) {
        SetLastError(WAIT_TIMEOUT);
    }
    return FALSE;
}

BOOL WINAPI spied_cancel(HANDLE device, OVERLAPPED *request)
{
    cancelled = 1;
    return CancelIoEx(device, request);
}

HANDLE WINAPI spied_create(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads)
{
    return spy_faulty(&spy.create) ? NULL : CreateIoCompletionPort(file, port, key, threads);
}

NTSTATUS NTAPI spied_control(HANDLE device, HANDLE event, PIO_APC_ROUTINE routine, void *context,
                             IO_STATUS_BLOCK *block, ULONG code, void *in, ULONG in_size, void *out,
                             ULONG out_size)
{
    made.controls++;
    if (spy_faulty(&spy.ctl)) {
        return STATUS_NO_MEMORY;
    }
    return NtDeviceIoControlFile(device, event, routine, context, block, code, in, in_size, out,
                                 out_size);
}

int WSAAPI spied_ioctl(SOCKET fd, long code, u_long *value)
{
    return code == (long)FIONBIO ? posix_set_blocking((io_fd)fd, *value == 0)
                                 : ioctlsocket(fd, code, value);
}
