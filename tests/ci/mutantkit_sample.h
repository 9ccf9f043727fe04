/* What tests/ci/mutantkit_test.py makes mutants of. */
#ifndef SAMPLE_H
#define SAMPLE_H

enum { IO_READ = 1, IO_WRITE = 2, IO_EXCEPT = 4, LIMIT = 5, SIZE = LIMIT + 3 };

#define TEN 10
#define SUM (TEN + 1)
#define TWICE(x) ((x) + (x))

static inline int within(int x)
{
    return x < LIMIT;
}

int sample(int x, int y);

#endif
