#include "facts.h"

enum { HEADER = -1 };
enum { LIFE = 4, SUSPECT = 6, INTEREST = 8, KEPT = 12, HELD = 16, NO_MUST = 20 }; /* bits of a */

void facts_trace(const model *m, uint64_t waited_ms)
{
    if (!trace_is_read()) {
        return;
    }
    trace_add(TRACE_FACTS, HEADER,
              waited_ms == FACTS_NO_WAIT ? 0 : 1 + (int32_t)(waited_ms % INT32_MAX));
    for (int i = 0; i < MODEL_ATOMS; i++) {
        const model_atom *a = &m->atoms[i];
        if (a->registered) {
            trace_add(TRACE_FACTS,
                      i | (int)a->life << LIFE | a->suspect << SUSPECT |
                          (a->interest & 15) << INTEREST | a->kept << KEPT | a->held << HELD |
                          a->no_must << NO_MUST,
                      (a->bits & 0x7fff) | (a->bits_before & 0x7fff) << 16);
        }
    }
}

int facts_is_header(const trace_entry *e, int *waited)
{
    *waited = e->b;
    return e->kind == TRACE_FACTS && e->a == HEADER;
}

int facts_read(const trace_entry *e, facts *f)
{
    *f = (facts){
        .registered = 1,
        .bits = e->b & 0xffff,
        .bits_before = e->b >> 16,
        .life = (model_life)(e->a >> LIFE & 3),
        .suspect = e->a >> SUSPECT & 1,
        .interest = e->a >> INTEREST & 15,
        .kept = e->a >> KEPT & MODEL_EVENTS,
        .held = e->a >> HELD & MODEL_EVENTS,
        .no_must = e->a >> NO_MUST & MODEL_EVENTS,
    };
    return e->a & 15;
}
