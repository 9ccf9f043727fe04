#include "sample.h"

_Static_assert(SIZE == 8, "a constant is not touched");

static const int table[SIZE] = {1, 2, 3};

typedef struct pair {
    int left;
    const char *right;
} pair;

/* A comment with a semicolon; and an operator: a < b. */
static int first(const int *array, int count)
{
    for (int i = 0; i < count; i++) {
        if (array[i] /* here: < */ > 2) {
            return i;
        }
    }
    return -1;
}

static void fill(int *array, int with)
{
    int i = SIZE;
    (void)with;
    while (i > 0) {
        i--;
        array[i] = with;
    }
}

static const char *name(int x)
{
    pair p = {x, 0};
    return p.left && !p.right ? "yes" : (const char *)0;
}

static int classify(int x)
{
    static int calls = 3;
    int result = 0;
    switch (x) {
    case LIMIT:
        result = 7;
        break;
    case 1:
    default:
        result |= IO_READ | IO_WRITE;
    }
    do {
        result = result * 3;
        x--;
    } while (x > TEN);
    if (x == 2)
        result++;
    else if (!(x & 1))
        result -= (int)sizeof(int);
    return result % SUM + calls;
}

int sample(int x, int y)
{
    int array[SIZE] = {0};
    unsigned bits = 1u << 3;
    fill(array, y);
    if (within(x) || (x > 2 * TEN && y)) {
        array[x & 7] = TWICE(x);
    }
    if (!(bits & ~8u) && y != 1) {
        array[0] += table[y & 7];
    }
    return first(array, SIZE) + classify(x) * 100 + (name(x) != 0);
}
