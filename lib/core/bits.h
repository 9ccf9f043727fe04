/* Sets of flags as bytes. One-line functions, so that each operation has a contract of its own. */
#ifndef IOATOM_CORE_BITS_H
#define IOATOM_CORE_BITS_H

#include "core.h"

/*@ TOTAL assigns \nothing; ensures is: \result == (x & y); ensures left: subset(\result, x); ensures right: subset(\result, y); */
static inline uint8_t io_and(uint8_t x, uint8_t y)
{
    return (uint8_t)(x & y);
}

/*@ TOTAL assigns \nothing; ensures is: \result == (x | y); ensures left: subset(x, \result); ensures right: subset(y, \result); */
static inline uint8_t io_or(uint8_t x, uint8_t y)
{
    return (uint8_t)(x | y);
}

/*@ TOTAL assigns \nothing; ensures left: subset(\result, x); ensures none: (\result & y) == 0; */
static inline uint8_t io_without(uint8_t x, uint8_t y)
{
    return (uint8_t)(x & ~y);
}

/*@ TOTAL assigns \nothing; ensures is: \result != 0 <==> (x & y) == x; */
static inline int io_within(uint8_t x, uint8_t y)
{
    return (x & y) == x;
}

#endif
