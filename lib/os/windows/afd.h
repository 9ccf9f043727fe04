/* Windows: polling sockets through \Device\Afd, which is what Winsock's select is made of. It is not
 * documented by its maker, but has been the same since Windows Vista. */
#ifndef IOATOM_OS_WINDOWS_AFD_H
#define IOATOM_OS_WINDOWS_AFD_H

#include "wait.h"

#include <winternl.h>

#ifndef SIO_BASE_HANDLE
#define SIO_BASE_HANDLE 0x48000022
#endif

/* What a poll asks for and answers. */
enum {
    IO_OS_AFD_RECEIVE = 0x001,
    IO_OS_AFD_URGENT = 0x002,
    IO_OS_AFD_SEND = 0x004,
    IO_OS_AFD_END = 0x008,    /* the peer sends no more */
    IO_OS_AFD_RESET = 0x010,  /* by the peer */
    IO_OS_AFD_CLOSED = 0x020, /* the socket, here */
    IO_OS_AFD_ACCEPT = 0x080,
    IO_OS_AFD_REFUSED = 0x100 /* connecting has failed */
};

enum { IO_OS_AFD_POLL = 0x00012024 }; /* the control code */

/* The question, and in the same place the answer. */
typedef struct io_os_afd_poll {
    LARGE_INTEGER timeout; /* in 100 ns, absolute */
    ULONG count;
    ULONG exclusive;
    HANDLE handle;
    ULONG events;
    LONG status;
} io_os_afd_poll;

/* One poll: the system writes here until it is over, and reports it by its address. */
typedef struct io_os_afd_request {
    IO_STATUS_BLOCK block;
    io_os_afd_poll poll;
} io_os_afd_request;

_Static_assert(sizeof(IO_STATUS_BLOCK) <= sizeof(OVERLAPPED),
               "CancelIoEx looks at the former only");

/* A status of the kernel; Winsock gives them its own names. */
static inline int io_os_status(NTSTATUS status)
{
    return NT_SUCCESS(status) ? 0 : -io_os_errno((int)RtlNtStatusToDosError(status));
}

/* A completion port, and a handle of the device whose polls are reported there. Neither is
 * inherited. */
static inline int io_os_afd_open(io_afd *afd)
{
    static const WCHAR path[] = L"\\Device\\Afd\\IoAtom";
    UNICODE_STRING name = {.Length = sizeof(path) - sizeof(path[0]),
                           .MaximumLength = sizeof(path),
                           .Buffer = (WCHAR *)path};
    OBJECT_ATTRIBUTES attributes = {.Length = sizeof(attributes), .ObjectName = &name};
    IO_STATUS_BLOCK block;
    HANDLE device;
    NTSTATUS status = NtCreateFile(&device, SYNCHRONIZE, &attributes, &block, NULL, 0,
                                   FILE_SHARE_READ | FILE_SHARE_WRITE, FILE_OPEN, 0, NULL, 0);
    if (!NT_SUCCESS(status)) {
        return -ENOSYS;
    }
    afd->device = device;
    afd->port = CreateIoCompletionPort(device, NULL, 0, 0);
    if (!afd->port) {
        (void)CloseHandle(device);
        return -ENOMEM;
    }
    return 0;
}

static inline void io_os_afd_close(io_afd *afd)
{
    (void)CloseHandle(afd->device);
    (void)CloseHandle(afd->port);
}

/* The socket as the device knows it, below what may have been layered over it. 0, or -EBADF. */
static inline int io_os_afd_base(io_fd fd, io_fd *base)
{
    SOCKET socket = INVALID_SOCKET;
    DWORD size = 0;
    int r = io_os_outcome(
        WSAIoctl((SOCKET)fd, SIO_BASE_HANDLE, NULL, 0, &socket, sizeof(socket), &size, NULL, NULL));
    *base = (io_fd)socket;
    return r;
}

/* Begin a poll. 0: it is on its way, or over already, and is going to be reported; else nothing is. */
static inline int io_os_afd_begin(const io_afd *afd, io_os_afd_request *request, io_fd base,
                                  uint32_t events)
{
    request->poll = (io_os_afd_poll){
        .timeout.QuadPart = INT64_MAX, .count = 1, .handle = (HANDLE)base, .events = events};
    request->block.Status = STATUS_PENDING;
    return io_os_status(NtDeviceIoControlFile(afd->device, NULL, NULL, request, &request->block,
                                              IO_OS_AFD_POLL, &request->poll, sizeof(request->poll),
                                              &request->poll, sizeof(request->poll)));
}

/* Ask for a poll to end soon. It is reported all the same. */
static inline void io_os_afd_cancel(const io_afd *afd, io_os_afd_request *request)
{
    (void)CancelIoEx(afd->device, (OVERLAPPED *)(void *)request);
}

/* What the port says of polls that are over. */
typedef OVERLAPPED_ENTRY io_os_afd_report;

/* The number of reports, 0 after timeout_ms (negative: never). */
static inline int io_os_afd_wait(const io_afd *afd, io_os_afd_report *reports, int room,
                                 int timeout_ms)
{
    ULONG found = 0;
    DWORD timeout = timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms;
    if (!GetQueuedCompletionStatusEx(afd->port, reports, (ULONG)room, &found, timeout, FALSE)) {
        return GetLastError() == WAIT_TIMEOUT ? 0 : -io_os_errno((int)GetLastError());
    }
    return (int)found;
}

static inline io_os_afd_request *io_os_afd_request_of(const io_os_afd_report *report)
{
    return (io_os_afd_request *)(void *)report->lpOverlapped;
}

/* What a poll that is over has found; 0 if it was ended, and then its events mean nothing. */
static inline uint32_t io_os_afd_events(const io_os_afd_request *request)
{
    return NT_SUCCESS(request->block.Status) ? request->poll.events : 0;
}

#endif
