/* Windows, like kernel.c: completion ports, the AFD device, and what of Winsock is used to wait. */
#include "kernel.h"

#include "os/windows/afd.h"

volatile uint64_t sink;

/* GetLastError, WSAGetLastError: any number (A1 does not hold here, and need not). */
DWORD GetLastError(void)
{
    return any_u32();
}

int WSAGetLastError(void)
{
    return any_int();
}

void SetLastError(DWORD code)
{
    sink = code;
}

ULONG RtlNtStatusToDosError(NTSTATUS status)
{
    sink = (uint64_t)status;
    return any_u32();
}

/* The clock: any count of a frequency that is positive (A4). */
BOOL QueryPerformanceFrequency(LARGE_INTEGER *frequency)
{
    frequency->QuadPart = Frama_C_long_interval(1, LONG_MAX);
    return 1;
}

BOOL QueryPerformanceCounter(LARGE_INTEGER *count)
{
    count->QuadPart = Frama_C_long_interval(LONG_MIN, LONG_MAX);
    return 1;
}

/* InitOnceExecuteOnce: it was done before, or is done now. */
BOOL InitOnceExecuteOnce(INIT_ONCE *once, BOOL (*init)(INIT_ONCE *, void *, void **),
                         void *parameter, void **context)
{
    return maybe() ? 1 : init(once, parameter, context);
}

int WSAStartup(WORD version, WSADATA *data)
{
    sink = version;
    data->wVersion = version;
    return any_int();
}

/* Handles are any numbers. */
HANDLE CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads)
{
    sink = (uint64_t)file + (uint64_t)port + key + threads;
    return (HANDLE)any_u64();
}

BOOL CloseHandle(HANDLE handle)
{
    sink = (uint64_t)handle;
    return maybe();
}

DWORD GetFileType(HANDLE file)
{
    sink = (uint64_t)file;
    return any_u32();
}

/* NtCreateFile: 0 and a handle, or any failure (A10). */
NTSTATUS NtCreateFile(HANDLE *file, ULONG access, OBJECT_ATTRIBUTES *attributes,
                      IO_STATUS_BLOCK *block, LARGE_INTEGER *allocation, ULONG file_attributes,
                      ULONG share, ULONG disposition, ULONG options, void *ea, ULONG ea_length)
{
    sink = (uint64_t)access + file_attributes + share + disposition + options + ea_length;
    sink = (uint64_t)allocation + (uint64_t)ea + attributes->Length;
    sink = (uint64_t)attributes->ObjectName->Buffer[0] + attributes->ObjectName->Length;
    if (maybe()) {
        return Frama_C_int_interval(INT_MIN, -1);
    }
    *file = (HANDLE)any_u64();
    block->Status = 0;
    return 0;
}

/* The requests that were begun, of which there are two at most: as many as sockets. */
static io_os_afd_request *begun[2];
extern io_poller *subject;

/* A failure of any kind, or the request is begun. The system reads it, and writes to it until it has
 * reported it; here that is when it does report it. */
NTSTATUS NtDeviceIoControlFile(HANDLE file, HANDLE event, void *proc, void *context,
                               IO_STATUS_BLOCK *block, ULONG code, void *in, ULONG in_length,
                               void *out, ULONG out_length)
{
    io_os_afd_request *request = context;
    const io_os_afd_poll *poll = in;
    sink = (uint64_t)file + (uint64_t)event + (uint64_t)proc + code + in_length + out_length;
    sink = (uint64_t)poll->timeout.QuadPart + poll->count + poll->exclusive + poll->events;
    sink = (uint64_t)poll->handle + (uint64_t)poll->status;
    if (maybe()) {
        return Frama_C_int_interval(INT_MIN, -1);
    }
    begun[begun[0] && begun[0] != request] = request;
    block->Status = STATUS_PENDING;
    ((io_os_afd_poll *)out)->status = any_int();
    return Frama_C_int_interval(0, INT_MAX);
}

BOOL CancelIoEx(HANDLE file, OVERLAPPED *overlapped)
{
    sink = (uint64_t)file + (uint64_t)overlapped;
    return maybe();
}

/* A failure of any kind, or as many reports as it says, which are at most count (A2), in any order, one
 * of them as often as it likes: of requests that were begun or, where none was, of the first place's
 * (A10). What they found is any bits. All entries are written, as in epoll_wait. */
BOOL GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG count, ULONG *found,
                                 DWORD timeout_ms, BOOL alertable)
{
    sink = (uint64_t)port + timeout_ms + (uint64_t)alertable;
    //@ loop unroll 64;
    for (ULONG i = 0; i < count; i++) {
        io_os_afd_request *request = begun[maybe()];
        request = request ? request : subject->area;
        request->block.Status = any_int();
        request->block.Information = any_u64();
        request->poll.events = any_u32();
        entries[i].lpOverlapped = (OVERLAPPED *)(void *)request;
        entries[i].lpCompletionKey = any_u64();
        entries[i].Internal = any_u64();
        entries[i].dwNumberOfBytesTransferred = any_u32();
    }
    *found = Frama_C_unsigned_int_interval(0, count);
    return maybe();
}

/* Winsock: 0, or SOCKET_ERROR; what is asked for is any bits. */
int WSAIoctl(SOCKET socket, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size,
             DWORD *size, void *overlapped, void *proc)
{
    sink = socket + code + (uint64_t)in + in_size + out_size + (uint64_t)overlapped;
    sink = (uint64_t)proc;
    if (maybe()) {
        return SOCKET_ERROR;
    }
    *(SOCKET *)out = any_u64();
    *size = any_u32();
    return 0;
}

int getsockopt(SOCKET socket, int level, int option, char *value, int *length)
{
    sink = socket + (uint64_t)level + (uint64_t)option + (uint64_t)*length;
    if (maybe()) {
        return SOCKET_ERROR;
    }
    *(int *)(void *)value = any_int();
    return 0;
}

int WSAPoll(WSAPOLLFD *entries, ULONG count, int timeout_ms)
{
    sink = (uint64_t)timeout_ms + count + entries->fd + (uint64_t)entries->events;
    entries->revents = Frama_C_short_interval(SHRT_MIN, SHRT_MAX);
    return maybe() ? SOCKET_ERROR : Frama_C_int_interval(0, 1);
}
