/* Groups that the decay after a reset disturbs, row after row of an integration. */
#include "common.h"
#include "dq.h"

#define WIDTH 1024 /* columns that are worked on at once, so that their counts stay in the cache */

/* How many groups are left out in each pixel of a row; `lowered` where fewer than usual, `none` where none. */
static void count_left_out(const uint8_t *restrict groupdq, int64_t groups, int64_t step, int64_t n, int32_t skip,
                           int32_t *restrict left_out, bool *restrict lowered, bool *restrict none)
{
    memset(left_out, 0, (size_t)n * sizeof *left_out);
    for (int64_t g = 1; g < smaller(skip + 2, groups); g++) {
        const uint8_t *restrict flags = groupdq + g * step;
        for (int64_t c = 0; c < n; c++)
            left_out[c] += (flags[c] & SATURATED) != 0;
    }
    for (int64_t c = 0; c < n; c++) {
        int32_t late = left_out[c] < skip ? left_out[c] : skip;
        left_out[c] = groupdq[c] & SATURATED ? skip : skip - late;
    }
    for (int64_t c = 0; c < n; c++) {
        lowered[c] |= left_out[c] < skip;
        none[c] |= (left_out[c] < skip) & (left_out[c] == 0);
    }
}

static void flag(const uint8_t *restrict before, int64_t n, int32_t group, const int32_t *restrict left_out,
                 uint8_t *restrict after)
{
    for (int64_t c = 0; c < n; c++)
        after[c] = (uint8_t)(before[c] | (group < left_out[c] ? DO_NOT_USE : 0));
}

/* `found` gets the pixels with fewer groups left out, and those with none, of integrations from `start` to `stop`. */
KERNEL(void, rscd_leave_out, (const uint8_t *restrict groupdq, int64_t start, int64_t stop, int64_t skip,
                              uint8_t *restrict flagged, bool *restrict found,
                              int64_t integrations, int64_t groups, int64_t rows, int64_t columns))
{
    int64_t step = rows * columns;
    int32_t left_out[WIDTH];
    for (int64_t i = start; i < stop; i++) {
        for (int64_t at = 0; at < step; at += WIDTH) {
            int64_t n = smaller(WIDTH, step - at);
            const uint8_t *before = groupdq + i * groups * step + at;
            uint8_t *after = flagged + i * groups * step + at;
            count_left_out(before, groups, step, n, (int32_t)skip, left_out, found + at, found + step + at);
            for (int64_t g = 0; g < groups; g++) {
                if (g < skip)
                    flag(before + g * step, n, (int32_t)g, left_out, after + g * step);
                else
                    memcpy(after + g * step, before + g * step, (size_t)n);
            }
        }
    }
}
