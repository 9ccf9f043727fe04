/* Values that the analysis knows nothing about but their range. */
#ifndef EVA_KERNEL_H
#define EVA_KERNEL_H

#include <__fc_builtin.h>
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

#endif
