/* What the stubs of the kernel are made of: values of which the analysis knows nothing but their range,
 * and results of calls. */
#ifndef EVA_KERNEL_H
#define EVA_KERNEL_H

#include <__fc_builtin.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>

static inline int any_int(void)
{
    return Frama_C_int_interval(INT_MIN, INT_MAX);
}

static inline int maybe(void)
{
    return Frama_C_int_interval(0, 1);
}

static inline uint32_t any_u32(void)
{
    return Frama_C_unsigned_int_interval(0, UINT_MAX);
}

static inline uint64_t any_u64(void)
{
    return Frama_C_unsigned_long_interval(0, ULONG_MAX);
}

/* Where a stub puts what the call is said to read. */
extern volatile uint64_t sink;

/* errno(3): any positive number, not only those that a page lists. (A1: positive.) */
static inline int failure(void)
{
    errno = Frama_C_int_interval(1, INT_MAX);
    return -1;
}

/* A call that says nothing but whether it worked. */
static inline int done_or_failure(void)
{
    return maybe() ? 0 : failure();
}

/* A call that opens something: any number, one that the process has registered included. */
static inline int number_or_failure(void)
{
    return maybe() ? Frama_C_int_interval(0, INT_MAX) : failure();
}

#endif
