/* Words that the kernel reads and writes at the same time (io_uring). What was written before a
 * release is seen after the acquire that reads it. */
#ifndef IOATOM_OS_OS_ATOMIC_H
#define IOATOM_OS_OS_ATOMIC_H

#include <stdint.h>

#ifdef __FRAMAC__

/* For an analysis a word has another value each time that it is read. */
typedef volatile uint32_t io_os_word;

static inline uint32_t io_os_acquire(const io_os_word *word)
{
    return *word;
}

static inline void io_os_release(io_os_word *word, uint32_t value)
{
    *word = value;
}

#else

#include <stdatomic.h>

typedef _Atomic uint32_t io_os_word;
_Static_assert(sizeof(io_os_word) == sizeof(uint32_t), "a word of the kernel's");

static inline uint32_t io_os_acquire(io_os_word *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static inline void io_os_release(io_os_word *word, uint32_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

#endif

#endif
