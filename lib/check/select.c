/* What the backend for select(2) notes in its area: three sets of bits, of which it gives copies to
 * select(2). */
#include "../os/platform.h"

#include "check.h"

#ifdef IO_CHECK

#include "../backends/backend.h"
#include "slots.h"

#ifdef USE_SELECT

#include <limits.h>

IO_CHECK_BEGIN

enum { BITS = sizeof(unsigned long) * CHAR_BIT };

enum { SETS = 3 };
static const int flag_of[SETS] = {IO_READ, IO_WRITE, IO_EXCEPT};

/* Add the flags of the descriptors in this word to what its bits should be. */
static void put_wanted(const io_core *core, uint64_t word, unsigned long wanted[SETS])
{
    uint64_t fd = io_check_next(core, word * BITS);
    for (; fd < core->slot_count && fd / BITS == word; fd = io_check_next(core, fd + 1)) {
        int flags = io_check_levels_of(core, fd);
        for (int i = 0; i < SETS; i++) {
            wanted[i] |= flags & flag_of[i] ? 1ul << fd % BITS : 0;
        }
    }
}

const char *io_select_check(const io_poller *poller)
{
    const unsigned long *sets = (const unsigned long *)poller->area;
    uint64_t words = (poller->core.slot_count + BITS - 1) / BITS;
    for (uint64_t word = 0; word < words; word++) {
        unsigned long wanted[SETS] = {0};
        put_wanted(&poller->core, word, wanted);
        for (int i = 0; i < SETS; i++) {
            unsigned long noted = sets[(uint64_t)i * words + word];
            if (noted & ~wanted[i]) {
                return "select.silent";
            }
            if (noted != wanted[i]) {
                return "select.armed";
            }
            uint64_t end = poller->fd_end > word * BITS ? poller->fd_end - word * BITS : 0;
            if (end < BITS && noted >> end != 0) {
                return "select.fd_end";
            }
        }
    }
    return NULL;
}

IO_CHECK_END

#endif
#endif
