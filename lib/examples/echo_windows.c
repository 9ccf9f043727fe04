/* The echo server's needs on Windows. */
#ifdef _WIN32
#include "echo_system.h"

#include <errno.h>
#include <windows.h>

static SOCKET signal_socket;

int64_t echo_now_ms(void)
{
    return (int64_t)GetTickCount64();
}

long echo_descriptor_limit(void)
{
    return 0; /* there is none that a process could ask for */
}

/* Runs in a thread of its own. */
static BOOL WINAPI handle_control(DWORD event)
{
    (void)event; /* Ctrl-C, Ctrl-Break, the window is closed, the session ends */
    send(signal_socket, "", 1, 0);
    return TRUE;
}

/* A datagram socket that is connected to itself is to a socket what a pipe is to a file. */
io_fd echo_open_signals(void)
{
    struct sockaddr_in self = {.sin_family = AF_INET};
    int length = sizeof self;
    u_long on = 1;

    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    signal_socket = socket(AF_INET, SOCK_DGRAM, 0);
    if (signal_socket == INVALID_SOCKET ||
        bind(signal_socket, (struct sockaddr *)&self, sizeof self) != 0 ||
        getsockname(signal_socket, (struct sockaddr *)&self, &length) != 0 ||
        connect(signal_socket, (struct sockaddr *)&self, length) != 0 ||
        ioctlsocket(signal_socket, FIONBIO, &on) != 0 ||
        !SetConsoleCtrlHandler(handle_control, TRUE)) {
        return -EIO;
    }
    return (io_fd)signal_socket;
}

void echo_remove_path(const char *path)
{
    (void)path; /* there are no unix sockets */
}

#else
typedef int echo_windows_is_not_used; /* C has no empty files */
#endif
