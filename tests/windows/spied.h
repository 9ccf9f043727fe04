/* Stands between the library and the calls of Windows with which it waits, and makes them fail on
 * demand (tests/unit/spy.h): each source file of the library is compiled with this in front of it. */
#ifndef IOATOM_TESTS_WINDOWS_SPIED_H
#define IOATOM_TESTS_WINDOWS_SPIED_H

#include <winsock2.h>
#include <ws2tcpip.h>

#include <windows.h>

#include <winternl.h>

int WSAAPI spied_select(int end, fd_set *in, fd_set *out, fd_set *except, PTIMEVAL timeout);
int WSAAPI spied_poll(WSAPOLLFD *fds, ULONG count, INT timeout_ms);
BOOL WINAPI spied_port(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG room, ULONG *count,
                       DWORD timeout_ms, BOOL alertable);
HANDLE WINAPI spied_create(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads);
NTSTATUS NTAPI spied_control(HANDLE device, HANDLE event, PIO_APC_ROUTINE routine, void *context,
                             IO_STATUS_BLOCK *block, ULONG code, void *in, ULONG in_size, void *out,
                             ULONG out_size);
void WINAPI spied_sleep(DWORD time_ms);
int WSAAPI spied_ioctl(SOCKET fd, long code, u_long *value);

BOOL WINAPI spied_cancel(HANDLE device, OVERLAPPED *request);

/* How often the library did what, since the process began. Taking in the report of a poll that was
 * cancelled, which is owed at once, is no wait. */
typedef struct spied_calls {
    unsigned waits, blocking_waits, controls;
} spied_calls;
spied_calls spied_made(void);

#ifndef IOATOM_TESTS_WINDOWS_SPIED_C
#define CancelIoEx spied_cancel
#define select spied_select
#define WSAPoll spied_poll
#define GetQueuedCompletionStatusEx spied_port
#define CreateIoCompletionPort spied_create
#define NtDeviceIoControlFile spied_control
#define Sleep spied_sleep
#define ioctlsocket spied_ioctl
#endif

#endif
