/* Four numbers in a register, which every variant has. */
#ifndef GPIPE_IRS2_FOURS_H
#define GPIPE_IRS2_FOURS_H

#include "common.h"

#define FOUR 4

typedef float Four __attribute__((vector_size(16)));

#if defined(__clang__)
#define CHOSEN(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
typedef int32_t Places __attribute__((vector_size(16)));
#define CHOSEN(a, b, i, j, k, l) __builtin_shuffle(a, b, (Places){i, j, k, l})
#endif

INLINED Four load(const float *from)
{
    Four x;
    memcpy(&x, from, sizeof x);
    return x;
}

INLINED void store(Four x, float *to)
{
    memcpy(to, &x, sizeof x);
}

/* Four rows of four numbers, `from_step` elements apart, become columns of rows that are `to_step` elements apart. */
INLINED void turn_four(const float *from, int64_t from_step, float *to, int64_t to_step)
{
    Four a = load(from), b = load(from + from_step), c = load(from + 2 * from_step), d = load(from + 3 * from_step);
    Four ab = CHOSEN(a, b, 0, 4, 1, 5), ab_later = CHOSEN(a, b, 2, 6, 3, 7);
    Four cd = CHOSEN(c, d, 0, 4, 1, 5), cd_later = CHOSEN(c, d, 2, 6, 3, 7);
    store(CHOSEN(ab, cd, 0, 1, 4, 5), to);
    store(CHOSEN(ab, cd, 2, 3, 6, 7), to + to_step);
    store(CHOSEN(ab_later, cd_later, 0, 1, 4, 5), to + 2 * to_step);
    store(CHOSEN(ab_later, cd_later, 2, 3, 6, 7), to + 3 * to_step);
}

#endif
