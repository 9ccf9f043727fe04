#include "table_model.h"

#include "lib/core/core.h"

#include <errno.h>
#include <string.h>

/* A fuzzer is to find the ways through the core, not those through this. */
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif

static const int flag_of[TABLE_FLAGS] = {IO_READ, IO_WRITE, IO_EXCEPT};

static void put(int flags[TABLE_FLAGS], int value)
{
    for (int f = 0; f < TABLE_FLAGS; f++) {
        flags[f] = (value & flag_of[f]) != 0;
    }
}

static int any(const int flags[TABLE_FLAGS])
{
    return flags[TABLE_READ] || flags[TABLE_WRITE] || flags[TABLE_EXCEPT];
}

/* What is left of a registration: its generation, and its place. */
static void empty(table_row *row)
{
    uint32_t generation = row->generation;
    int place = row->place;
    memset(row, 0, sizeof(*row));
    row->atom = TABLE_NOBODY;
    row->generation = generation;
    row->place = place;
}

void table_model_init(table_model *m, int mode, int row_count)
{
    memset(m, 0, sizeof(*m));
    m->mode = mode;
    m->row_count = row_count;
    for (int i = 0; i < TABLE_ROWS; i++) {
        m->rows[i].atom = TABLE_NOBODY;
    }
}

table_row *table_model_find(table_model *m, int atom, int fd)
{
    for (int i = 0; i < m->row_count; i++) {
        if (m->rows[i].atom == atom && i == fd) {
            return &m->rows[i];
        }
    }
    return NULL;
}

static int is_good(int flags)
{
    return flags >= 0 && flags <= (IO_READ | IO_WRITE | IO_EXCEPT | IO_ONESHOT);
}

int table_model_add(table_model *m, int atom, int fd, int has_proc, int flags)
{
    if (!is_good(flags) || !has_proc) {
        return -EINVAL; /* IO-ADD-3 */
    }
    if (fd < 0) {
        return -EBADF; /* IO-ADD-4 */
    }
    if (fd >= m->row_count) {
        return -ERANGE; /* IO-ADD-5 */
    }
    table_row *row = &m->rows[fd];
    if (row->atom != TABLE_NOBODY) {
        return -EEXIST; /* IO-ADD-6 */
    }
    empty(row);
    row->atom = atom;
    row->generation++; /* IO-REMOVE-6 */
    put(row->interest, flags);
    row->oneshot = (flags & IO_ONESHOT) != 0;
    put(row->armed, flags); /* IO-ADD-2 */
    return 0;
}

/* The kernel tells it by itself when it is ready (IO-MASK-1, IO-MASK-2). */
static int is_covered(const table_model *m, const table_row *row, int f)
{
    if (!row->armed[f]) {
        return 0;
    }
    if (m->mode != IO_MODE_EDGE) {
        return 1;
    }
    /* Its edge is still to come, and is not the one of a hang-up or error that was told. */
    return row->exhausted[f] && (f == TABLE_EXCEPT || (!row->hang_up && !row->error));
}

int table_model_set(table_model *m, int atom, int fd, int flags)
{
    table_row *row = table_model_find(m, atom, fd);
    if (!is_good(flags)) {
        return -EINVAL; /* IO-SET-5 */
    }
    if (!row) {
        return -ENOENT; /* IO-SET-4 */
    }
    put(row->interest, flags);
    row->oneshot = (flags & IO_ONESHOT) != 0;
    int ask = row->rests;
    for (int f = 0; f < TABLE_FLAGS; f++) {
        row->pending[f] = row->pending[f] && row->interest[f]; /* IO-SET-1, IO-SET-3 */
        ask = ask || (row->interest[f] && !is_covered(m, row, f));
    }
    if (row->dead) {
        return 0; /* IO-SET-6 */
    }
    if (ask) {
        put(row->armed, flags);
    }
    /* The kernel, asked again, tells a hang-up again; one of levels does so anyway (IO-EVENT-8). And
     * what is not yet exhausted has been asked for again. */
    if (ask || m->mode != IO_MODE_EDGE) {
        row->hang_up = row->error = row->rests = row->trace = 0;
    }
    return ask;
}

int table_model_remove(table_model *m, int atom, int fd)
{
    table_row *row = table_model_find(m, atom, fd);
    if (!row) {
        return -ENOENT; /* IO-REMOVE-4 */
    }
    empty(row);
    row->generation++;
    return 0;
}

int table_model_exhausted(table_model *m, int atom, int fd, int flags)
{
    table_row *row = table_model_find(m, atom, fd);
    int ask = 0;
    if (flags < 0 || flags > (IO_READ | IO_WRITE | IO_EXCEPT)) {
        return -EINVAL; /* IO-EDGE-4 */
    }
    if (!row) {
        return -ENOENT;
    }
    for (int f = 0; f < TABLE_FLAGS; f++) {
        if (!(flags & flag_of[f])) {
            continue;
        }
        row->exhausted[f] = 1;
        /* What was held back is watched again (IO-EDGE-3). */
        if (m->mode == IO_MODE_EMULATED && !row->dead && row->interest[f] && !row->armed[f]) {
            row->armed[f] = 1;
            ask = 1;
        }
    }
    return ask;
}

int table_model_alarms(const table_model *m, int row)
{
    return m->rows[row].hang_up || m->rows[row].error;
}

void table_model_calm(table_model *m, int row, int bits)
{
    if (!(bits & IO_BIT_HUP)) {
        m->rows[row].hang_up = 0;
    }
    if (!(bits & IO_BIT_ERR)) {
        m->rows[row].error = 0;
    }
}

int table_model_request(const table_model *m, int row)
{
    const table_row *r = &m->rows[row];
    int request = 0;
    for (int f = 0; f < TABLE_FLAGS; f++) {
        request += r->armed[f] ? flag_of[f] : 0;
    }
    /* Edges only, or nothing at all: no level of an atom that asks for nothing, or rests
     * (IO-EVENT-7, IO-EVENT-8). */
    if (m->mode == IO_MODE_EDGE || request == 0 || r->rests) {
        request += IO_REQUEST_QUIET;
    }
    return request;
}

int table_model_wake(table_model *m, int row)
{
    int rested = m->rows[row].rests;
    m->rows[row].rests = 0;
    return rested;
}

/* What a report makes ready (IO-EVENT-1 to IO-EVENT-4), but for an alarm that had its answer
 * (IO-EVENT-8). */
static void find_reported(const table_model *m, const table_row *row, int bits,
                          int reported[TABLE_FLAGS])
{
    int hang_up = (bits & IO_BIT_HUP) != 0;
    int error = (bits & IO_BIT_ERR) != 0;
    int is_new = (hang_up && !row->hang_up) || (error && (m->mode == IO_MODE_EDGE || !row->error));
    reported[TABLE_READ] = (bits & (IO_BIT_IN | IO_BIT_RDHUP)) != 0;
    reported[TABLE_WRITE] = (bits & IO_BIT_OUT) != 0;
    reported[TABLE_EXCEPT] = (bits & IO_BIT_PRI) != 0;
    for (int f = TABLE_READ; (hang_up || error) && f <= TABLE_WRITE; f++) {
        if (is_new || !row->exhausted[f]) {
            reported[f] = 1;
        }
    }
}

/* The last event of a descriptor that was closed: what is not held back (IO-CLOSE-5). */
static int harvest_closed(table_row *row)
{
    for (int f = TABLE_READ; f <= TABLE_WRITE; f++) {
        if (row->interest[f] && row->armed[f]) {
            row->pending[f] = 1;
            row->place = 1;
        }
    }
    put(row->armed, 0);
    row->hang_up = row->error = row->rests = 0;
    row->dead = 1;
    return IO_HARVEST_MODIFY;
}

/* The kernel forgets a flag that was told, if it would repeat it and is not to; and one that was
 * dropped when its event comes, with all others that were dropped. */
static void disarm(const table_model *m, table_row *row, const int reported[TABLE_FLAGS])
{
    int dropped = 0;
    for (int f = 0; f < TABLE_FLAGS; f++) {
        dropped = dropped || (row->armed[f] && reported[f] && !row->interest[f]);
    }
    for (int f = 0; f < TABLE_FLAGS; f++) {
        if (m->mode == IO_MODE_EMULATED ? reported[f] : dropped && !row->interest[f]) {
            row->armed[f] = 0;
        }
    }
}

static int harvest_open(table_model *m, table_row *row, int bits)
{
    int number = (int)(row - m->rows);
    int before = table_model_request(m, number);
    int told = 0;
    int reported[TABLE_FLAGS];
    find_reported(m, row, bits, reported);
    for (int f = 0; f < TABLE_FLAGS; f++) {
        int held_back = m->mode == IO_MODE_EMULATED && !row->armed[f]; /* IO-EDGE-3 */
        if (reported[f] && row->interest[f] && !held_back) {
            row->pending[f] = row->place = told = 1; /* IO-LOST-1 */
        }
        if (reported[f]) {
            row->exhausted[f] = 0;
        }
    }
    disarm(m, row, reported);
    row->hang_up = (bits & IO_BIT_HUP) != 0;
    row->error = (bits & IO_BIT_ERR) != 0;
    /* A kernel of levels would repeat for ever what tells nothing. */
    row->rests =
        m->mode != IO_MODE_EDGE && (row->hang_up || row->error) && !told && any(row->armed);
    m->rested = m->rested || row->rests;
    return table_model_request(m, number) == before ? IO_HARVEST_DONE : IO_HARVEST_MODIFY;
}

int table_model_harvest(table_model *m, uint32_t fd, uint32_t generation, int bits, int full)
{
    if (m->dispatching) {
        return -EBUSY;
    }
    if (fd >= (uint32_t)m->row_count) {
        return IO_HARVEST_STALE;
    }
    table_row *row = &m->rows[fd];
    if (row->atom == TABLE_NOBODY || row->generation != generation || row->dead) {
        return IO_HARVEST_STALE; /* IO-REMOVE-6 */
    }
    if (full && !row->place) {
        return -ENOSPC;
    }
    return bits & IO_BIT_NVAL ? harvest_closed(row) : harvest_open(m, row, bits);
}

int table_model_pending_flags(const table_row *row)
{
    int flags = 0;
    for (int f = 0; f < TABLE_FLAGS; f++) {
        flags += row->pending[f] ? flag_of[f] : 0;
    }
    return flags;
}

int table_model_pending(const table_model *m)
{
    int count = 0;
    for (int i = 0; i < m->row_count; i++) {
        count += any(m->rows[i].pending); /* IO-WAIT-1 */
    }
    return count;
}

void table_model_take(table_row *row)
{
    put(row->pending, 0);
    row->place = 0;
    if (row->oneshot) {
        put(row->interest, 0);
        row->oneshot = 0;
    }
}

void table_model_no_places(table_model *m)
{
    for (int i = 0; i < m->row_count; i++) {
        m->rows[i].place = 0;
    }
}

#ifdef __clang__
#pragma clang attribute pop
#endif
