/*
 * The hash of sockets (Windows) alone: any number of sockets are looked up, taken and dropped in any
 * order, in a table of SLOTS places. Where descriptors are registered, drive.c does the rest.
 */
#include "core/places.h"
#include "kernel.h"

static uint64_t memory[SLOTS * IO_PLACES_BYTES_PER_FD / 8];
static volatile int64_t result;

int main(void)
{
    io_places places;
    io_places_init(&places, memory, SLOTS);
    //@ loop widen_hints "all", 1, SLOTS;
    while (maybe()) {
        io_fd fd = Frama_C_long_interval(LONG_MIN, LONG_MAX);
        switch (Frama_C_int_interval(0, 2)) {
        case 0:
            result = io_places_find(&places, fd);
            break;
        case 1:
            result = io_places_take(&places, fd);
            break;
        default:
            io_places_drop(&places, fd);
            break;
        }
    }
    return 0;
}
