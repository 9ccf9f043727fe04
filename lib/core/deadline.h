/* Times: milliseconds in, nanoseconds of the monotonic clock inside, and never early (IO-WAIT-3).
 */
#ifndef IOATOM_CORE_DEADLINE_H
#define IOATOM_CORE_DEADLINE_H

#include <limits.h>
#include <stdint.h>

#ifdef IO_OS_SIM
#include <ioatom/sim_names.h>
#endif

#define IO_NEVER UINT64_MAX
#define IO_NS_PER_MS 1000000u

/* The time at which a wait that begins now is over; IO_NEVER for a negative timeout or INT_MAX
 * (IO-WAIT-4). */
/*@ terminates \true; exits \false; assigns \nothing;
    ensures IO_WAIT_4_never: timeout_ms < 0 || timeout_ms == INT_MAX ==> \result == IO_NEVER;
    ensures IO_WAIT_3_late: 0 <= timeout_ms < INT_MAX ==>
      \result == now_ns + timeout_ms * IO_NS_PER_MS || \result == IO_NEVER - 1; */
uint64_t io_deadline(uint64_t now_ns, int timeout_ms);

/* The milliseconds from now to the deadline: rounded up, at most INT_MAX - 1, -1 for IO_NEVER. */
/*@ terminates \true; exits \false; assigns \nothing;
    ensures IO_WAIT_4_for_ever: deadline_ns == IO_NEVER <==> \result == -1;
    ensures IO_WAIT_5_due: deadline_ns != IO_NEVER ==> (deadline_ns <= now_ns <==> \result == 0);
    ensures IO_WAIT_3_not_early: 0 < \result < INT_MAX - 1 ==> now_ns + \result * IO_NS_PER_MS >=
   deadline_ns; */
int io_timeout_ms(uint64_t deadline_ns, uint64_t now_ns);

#endif
