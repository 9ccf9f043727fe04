/* One program with the library over both kernels. */
#include "both.h"

#include <stdio.h>

int main(void)
{
    static const int types[] = {IO_POLLER_EPOLL, IO_POLLER_POLL, IO_POLLER_SELECT};
    int failed = 0;
    for (int i = 0; i < 3; i++) {
        int real = both_run_real(types[i]);
        int simulated = both_run_simulated(types[i]);
        printf("type %d: real %d, simulated %d\n", types[i], real, simulated);
        failed += real != IO_READ || simulated != IO_READ;
    }
    return failed;
}
