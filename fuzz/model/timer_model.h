/* Timers, said a second time: a list in the order of the deadlines. From lib/SPEC.md, IO-TIMER-5 to
 * IO-TIMER-14, and the comments of ioatom/timer.h. */
#ifndef IOATOM_FUZZ_MODEL_TIMER_MODEL_H
#define IOATOM_FUZZ_MODEL_TIMER_MODEL_H

#include <stdint.h>

enum { TIMER_MODEL_MAX = 12 };

typedef struct timer_model_entry {
    int id;
    int is_new; /* a timer's callback has armed it in this round (IO-TIMER-11) */
    uint64_t deadline_ns;
    uint64_t interval_ns;
} timer_model_entry;

typedef struct timer_model {
    timer_model_entry list[TIMER_MODEL_MAX]; /* by deadline */
    int count;
    int places;
    int in_round;
    uint64_t round_ns; /* the clock at its beginning */
} timer_model;

/* Nothing is armed. */
void timer_model_begin(timer_model *model, int places);

/* The armed timer, or null. */
const timer_model_entry *timer_model_find(const timer_model *model, int id);

/* What the functions return: 0, -ERANGE, -ENOENT. */
int timer_model_set(timer_model *model, int id, uint64_t deadline_ns, uint64_t interval_ns);
int timer_model_cancel(timer_model *model, int id);

/* A deadline so much later. */
uint64_t timer_model_after(uint64_t now_ns, uint64_t delay_ns);

/* When io_wait has to return; UINT64_MAX: for no timer. */
uint64_t timer_model_first(const timer_model *model);

/* A round begins; a callback is called in it; it is over. The latter two return null, or the clause
 * that is broken. */
void timer_model_round(timer_model *model, uint64_t now_ns);
const char *timer_model_fires(timer_model *model, int id, uint64_t missed);
const char *timer_model_rests(timer_model *model);

#endif
