#include "timer_model.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide_time;

void timer_model_begin(timer_model *model, int places)
{
    memset(model, 0, sizeof(*model));
    model->places = places;
}

static int index_of(const timer_model *model, int id)
{
    for (int i = 0; i < model->count; i++) {
        if (model->list[i].id == id) {
            return i;
        }
    }
    return -1;
}

const timer_model_entry *timer_model_find(const timer_model *model, int id)
{
    int i = index_of(model, id);
    return i < 0 ? NULL : &model->list[i];
}

static void delete_at(timer_model *model, int i)
{
    model->count--;
    memmove(&model->list[i], &model->list[i + 1],
            (size_t)(model->count - i) * sizeof(model->list[0]));
}

static void insert(timer_model *model, timer_model_entry entry)
{
    int i = model->count;
    while (i > 0 && model->list[i - 1].deadline_ns > entry.deadline_ns) {
        model->list[i] = model->list[i - 1];
        i--;
    }
    model->list[i] = entry;
    model->count++;
}

int timer_model_set(timer_model *model, int id, uint64_t deadline_ns, uint64_t interval_ns)
{
    int i = index_of(model, id);
    if (i < 0 && model->count == model->places) {
        return -ERANGE;
    }
    if (i >= 0) {
        delete_at(model, i);
    }
    insert(model, (timer_model_entry){id, model->in_round, deadline_ns, interval_ns});
    return 0;
}

int timer_model_cancel(timer_model *model, int id)
{
    int i = index_of(model, id);
    if (i < 0) {
        return -ENOENT;
    }
    delete_at(model, i);
    return 0;
}

static uint64_t as_deadline(wide_time time)
{
    return time < UINT64_MAX ? (uint64_t)time : UINT64_MAX; /* IO-TIMER-7 */
}

uint64_t timer_model_after(uint64_t now_ns, uint64_t delay_ns)
{
    return as_deadline((wide_time)now_ns + delay_ns);
}

uint64_t timer_model_first(const timer_model *model)
{
    return model->count > 0 ? model->list[0].deadline_ns : UINT64_MAX;
}

static int is_due(const timer_model *model, const timer_model_entry *entry)
{
    return entry->deadline_ns <= model->round_ns && entry->deadline_ns != UINT64_MAX;
}

void timer_model_round(timer_model *model, uint64_t now_ns)
{
    model->in_round = 1;
    model->round_ns = now_ns;
}

const char *timer_model_fires(timer_model *model, int id, uint64_t missed)
{
    int i = index_of(model, id);
    if (i < 0) {
        return "IO-TIMER-14";
    }
    timer_model_entry entry = model->list[i];
    if (entry.is_new) {
        return "IO-TIMER-11";
    }
    if (!is_due(model, &entry)) {
        return entry.deadline_ns == UINT64_MAX ? "IO-TIMER-7" : "IO-TIMER-6";
    }
    for (int k = 0; k < i; k++) {
        if (!model->list[k].is_new && model->list[k].deadline_ns < entry.deadline_ns) {
            return "IO-TIMER-10";
        }
    }
    delete_at(model, i);
    uint64_t over = 0;
    if (entry.interval_ns > 0) {
        over = (model->round_ns - entry.deadline_ns) / entry.interval_ns;
        wide_time next = entry.deadline_ns + ((wide_time)over + 1) * entry.interval_ns;
        entry.deadline_ns = as_deadline(next);
        insert(model, entry);
    }
    return missed == over ? NULL : "IO-TIMER-13";
}

const char *timer_model_rests(timer_model *model)
{
    const char *broken = NULL;
    for (int i = 0; i < model->count; i++) {
        if (!model->list[i].is_new && is_due(model, &model->list[i])) {
            broken = "IO-TIMER-10";
        }
        model->list[i].is_new = 0;
    }
    model->in_round = 0;
    return broken;
}
