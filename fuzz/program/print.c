/* Programs as text. */
#include "table.h"

static void print_flags(uint8_t flags, FILE *out)
{
    const char *between = " ";
    if (!(flags & PROGRAM_FLAGS)) {
        fputs(" none", out);
    }
    for (unsigned i = 0; i < PROGRAM_FLAG_COUNT; i++) {
        if (flags & 1u << i) {
            fprintf(out, "%s%s", between, program_flags[i]);
            between = ",";
        }
    }
}

static void print_arg(arg_type type, uint8_t arg, FILE *out)
{
    switch (type) {
    case ARG_KIND:
        fprintf(out, " %s", program_kinds[arg % KIND_CODES]);
        break;
    case ARG_HOW:
        fprintf(out, " %s", program_hows[arg % HOW_CODES]);
        break;
    case ARG_FLAGS:
        print_flags(arg, out);
        break;
    case ARG_SIZE:
        fprintf(out, " %u", (unsigned)program_sizes[arg % PROGRAM_SIZES]);
        break;
    case ARG_SPAN:
        fprintf(out, " %s", program_spans[arg % WAIT_CODES]);
        break;
    case ARG_SPECIAL:
        if (arg != SPECIAL_SLOT) {
            fprintf(out, " %s", program_specials[arg % SPECIAL_CODES]);
        }
        break;
    case ARG_ERROR:
        fprintf(out, " %s", program_error_names[arg % ERROR_CODES]);
        break;
    default:
        break;
    }
}

void program_print_op(const op *o, FILE *out)
{
    const op_shape *shape = &program_shapes[o->code % OP_CODES];
    fputs(shape->name, out);
    if (shape->a == 'n') {
        fprintf(out, " %u", (o->a & 7u) + 1);
    } else if (shape->a) {
        fprintf(out, " %c%u", shape->a, o->a & 7u);
    }
    if (program_has_b(shape, o->arg)) {
        fprintf(out, " %c%u", shape->b, o->b & 7u);
    }
    print_arg(shape->arg, o->arg, out);
}

static void print_list(const op_list *list, const char *indent, FILE *out)
{
    for (unsigned i = 0; i < list->count && i < PROGRAM_MAX_OPS; i++) {
        fputs(indent, out);
        program_print_op(&list->ops[i], out);
        fputc('\n', out);
    }
}

void program_print(const program *p, FILE *out)
{
    for (unsigned i = 0; i < PROGRAM_ATOMS; i++) {
        if (p->callback[i].count > 0) {
            fprintf(out, "on a%u\n", i);
            print_list(&p->callback[i], "    ", out);
            fputs("end\n", out);
        }
    }
    print_list(&p->main, "", out);
}
