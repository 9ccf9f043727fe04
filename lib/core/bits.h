/* Sets of flags as bytes. One-line functions, so that each operation has a contract of its own. */
#ifndef IOATOM_CORE_BITS_H
#define IOATOM_CORE_BITS_H

#include "core.h"

/*@ TOTAL
    assigns \nothing;
    ensures is: \result == (x & y);
    ensures bits: IS_AND(\result, x, y); */
static inline uint8_t io_and(uint8_t x, uint8_t y)
{
    return (uint8_t)(x & y);
}

/*@ TOTAL
    assigns \nothing;
    ensures is: \result == (x | y);
    ensures bits: IS_OR(\result, x, y);
    ensures none: y == 0 ==> \result == x; */
static inline uint8_t io_or(uint8_t x, uint8_t y)
{
    return (uint8_t)(x | y);
}

/*@ TOTAL
    assigns \nothing;
    ensures bits: IS_WITHOUT(\result, x, y); */
static inline uint8_t io_without(uint8_t x, uint8_t y)
{
    return (uint8_t)(x & ~y);
}

/* Whether there is an event among the flags. */
/*@ TOTAL
    assigns \nothing;
    ensures bits: \result != 0 <==> SOME(x);
    ensures codes: \result \in {0, 1}; */
static inline int io_any(uint8_t x)
{
    return (x & IO_READ) || (x & IO_WRITE) || (x & IO_EXCEPT);
}

#endif
