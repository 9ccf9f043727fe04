/* The core as it was when the innermost function with a contract was entered. The runtime takes it,
 * and eacsl.py puts this text into contracts.h, whose clauses read it. */
#ifndef IOATOM_PROOFS_SNAPSHOT_H
#define IOATOM_PROOFS_SNAPSHOT_H

typedef struct io_eacsl_snapshot {
    io_slot *slots;
    uint32_t *queue;
    uint64_t slot_count;
    uint64_t queue_count;
    uint64_t cursor;
    uint16_t dispatching;
    uint16_t mode;
    uint16_t rested;
    io_slot *own_slots;
    uint32_t *own_queue;
    struct io_eacsl_snapshot *outer;
} io_eacsl_snapshot;

extern io_eacsl_snapshot *io_pre;

#endif
