/* What lib/os/windows needs of the system's headers: the values and layouts of 64-bit Windows. */
#ifndef EVA_WINDOWS_H
#define EVA_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

typedef int32_t LONG, BOOL, NTSTATUS;
typedef uint32_t DWORD, ULONG, u_int;
typedef uint16_t USHORT, WORD;
typedef wchar_t WCHAR;
typedef void *HANDLE, *PVOID;
typedef uintptr_t ULONG_PTR, SOCKET;

#define CALLBACK
#define FALSE 0
#define INFINITE 0xffffffffu
#define NO_ERROR 0
#define WAIT_TIMEOUT 258
#define ERROR_NO_SYSTEM_RESOURCES 1450
#define ERROR_NOT_ENOUGH_QUOTA 1816
#define FILE_TYPE_UNKNOWN 0
#define FILE_SHARE_READ 1
#define FILE_SHARE_WRITE 2
#define FILE_OPEN 1
#define SYNCHRONIZE 0x00100000
#define STATUS_PENDING 0x103
#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)

typedef union LARGE_INTEGER {
    struct {
        DWORD LowPart;
        LONG HighPart;
    } u;
    int64_t QuadPart;
} LARGE_INTEGER;

typedef struct OVERLAPPED {
    ULONG_PTR Internal;
    ULONG_PTR InternalHigh;
    void *Pointer;
    HANDLE hEvent;
} OVERLAPPED;

typedef struct OVERLAPPED_ENTRY {
    ULONG_PTR lpCompletionKey;
    OVERLAPPED *lpOverlapped;
    ULONG_PTR Internal;
    DWORD dwNumberOfBytesTransferred;
} OVERLAPPED_ENTRY;

typedef struct IO_STATUS_BLOCK {
    union {
        NTSTATUS Status;
        void *Pointer;
    };
    ULONG_PTR Information;
} IO_STATUS_BLOCK;

typedef struct UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    WCHAR *Buffer;
} UNICODE_STRING;

typedef struct OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    UNICODE_STRING *ObjectName;
    ULONG Attributes;
    void *SecurityDescriptor;
    void *SecurityQualityOfService;
} OBJECT_ATTRIBUTES;

typedef union INIT_ONCE {
    void *Ptr;
} INIT_ONCE, *PINIT_ONCE;
#define INIT_ONCE_STATIC_INIT {0}

BOOL InitOnceExecuteOnce(INIT_ONCE *once, BOOL (*init)(INIT_ONCE *, void *, void **),
                         void *parameter, void **context);
BOOL QueryPerformanceFrequency(LARGE_INTEGER *frequency);
BOOL QueryPerformanceCounter(LARGE_INTEGER *count);
void Sleep(DWORD timeout_ms);
DWORD GetLastError(void);
void SetLastError(DWORD code);
DWORD GetFileType(HANDLE file);
BOOL CloseHandle(HANDLE handle);
HANDLE CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads);
BOOL CancelIoEx(HANDLE file, OVERLAPPED *overlapped);
BOOL GetQueuedCompletionStatusEx(HANDLE port, OVERLAPPED_ENTRY *entries, ULONG count, ULONG *found,
                                 DWORD timeout_ms, BOOL alertable);
NTSTATUS NtCreateFile(HANDLE *file, ULONG access, OBJECT_ATTRIBUTES *attributes,
                      IO_STATUS_BLOCK *block, LARGE_INTEGER *allocation, ULONG file_attributes,
                      ULONG share, ULONG disposition, ULONG options, void *ea, ULONG ea_length);
NTSTATUS NtDeviceIoControlFile(HANDLE file, HANDLE event, void *proc, void *context,
                               IO_STATUS_BLOCK *block, ULONG code, void *in, ULONG in_length,
                               void *out, ULONG out_length);
ULONG RtlNtStatusToDosError(NTSTATUS status);

/* Winsock. */
#define INVALID_SOCKET ((SOCKET)~0)
#define SOCKET_ERROR (-1)
#define FD_SETSIZE 64
#define MAKEWORD(low, high) ((WORD)((low) | (high) << 8))
#define SOL_SOCKET 0xffff
#define SO_ACCEPTCONN 0x0002
#define SO_TYPE 0x1008
#define SOCK_DGRAM 2
#define POLLERR 0x0001
#define POLLHUP 0x0002
#define POLLNVAL 0x0004
#define POLLOUT 0x0010
#define POLLRDNORM 0x0100
#define POLLRDBAND 0x0200
#define POLLIN (POLLRDNORM | POLLRDBAND)
#define POLLPRI 0x0400
#define POLLWRNORM POLLOUT

#define WSA_INVALID_HANDLE 6
#define WSA_NOT_ENOUGH_MEMORY 8
#define WSAEINTR 10004
#define WSAEBADF 10009
#define WSAEACCES 10013
#define WSAEFAULT 10014
#define WSAEINVAL 10022
#define WSAEMFILE 10024
#define WSAEWOULDBLOCK 10035
#define WSAEINPROGRESS 10036
#define WSAEALREADY 10037
#define WSAENOTSOCK 10038
#define WSAEDESTADDRREQ 10039
#define WSAEMSGSIZE 10040
#define WSAEPROTOTYPE 10041
#define WSAENOPROTOOPT 10042
#define WSAEPROTONOSUPPORT 10043
#define WSAESOCKTNOSUPPORT 10044
#define WSAEOPNOTSUPP 10045
#define WSAEPFNOSUPPORT 10046
#define WSAEAFNOSUPPORT 10047
#define WSAEADDRINUSE 10048
#define WSAEADDRNOTAVAIL 10049
#define WSAENETDOWN 10050
#define WSAENETUNREACH 10051
#define WSAENETRESET 10052
#define WSAECONNABORTED 10053
#define WSAECONNRESET 10054
#define WSAENOBUFS 10055
#define WSAEISCONN 10056
#define WSAENOTCONN 10057
#define WSAESHUTDOWN 10058
#define WSAETIMEDOUT 10060
#define WSAECONNREFUSED 10061
#define WSAEHOSTDOWN 10064
#define WSAEHOSTUNREACH 10065
#define WSASYSNOTREADY 10091
#define WSAVERNOTSUPPORTED 10092

typedef struct WSADATA {
    WORD wVersion;
    WORD wHighVersion;
    char rest[396];
} WSADATA;

typedef struct fd_set {
    u_int fd_count;
    SOCKET fd_array[FD_SETSIZE];
} fd_set;

struct timeval {
    long tv_sec; /* 32 bits there: Eva's long is Linux's, and nothing depends on it */
    long tv_usec;
};

struct sockaddr {
    USHORT sa_family;
    char sa_data[14];
};

struct sockaddr_storage {
    USHORT ss_family;
    char rest[126];
};

typedef struct WSAPOLLFD {
    SOCKET fd;
    short events;
    short revents;
} WSAPOLLFD;

int WSAStartup(WORD version, WSADATA *data);
int WSAGetLastError(void);
int WSAIoctl(SOCKET socket, DWORD code, void *in, DWORD in_size, void *out, DWORD out_size,
             DWORD *size, void *overlapped, void *proc);
int WSAPoll(WSAPOLLFD *entries, ULONG count, int timeout_ms);
int getsockopt(SOCKET socket, int level, int option, char *value, int *length);
int getpeername(SOCKET socket, struct sockaddr *name, int *length);
int select(int unused, fd_set *in, fd_set *out, fd_set *except, const struct timeval *timeout);

#endif
