/* Groups that the decay after a reset disturbs, row after row of an integration. */
#include "common.h"
#include "dq.h"

#define WIDTH 4096 /* columns that are worked on at once, so that their counts stay in the cache */

/* How many groups are left out in each pixel of a row; `lowered` where fewer than usual, `none` where none. */
static void count_left_out(const uint8_t *restrict groupdq, int64_t groups, int64_t step, int64_t n, uint8_t skip,
                           uint8_t *restrict left_out, uint8_t *restrict lowered, uint8_t *restrict none)
{
    memset(left_out, 0, (size_t)n);
    for (int64_t g = 1; g < smaller(skip + 2, groups); g++) {
        const uint8_t *restrict flags = groupdq + g * step;
        for (int64_t c = 0; c < n; c++)
            left_out[c] = (uint8_t)(left_out[c] + ((flags[c] & SATURATED) != 0));
    }
    for (int64_t c = 0; c < n; c++) {
        uint8_t late = left_out[c] < skip ? left_out[c] : skip;
        left_out[c] = groupdq[c] & SATURATED ? skip : (uint8_t)(skip - late);
        lowered[c] |= left_out[c] < skip;
        none[c] |= (left_out[c] < skip) & (left_out[c] == 0);
    }
}

static void flag(const uint8_t *restrict before, int64_t n, uint8_t group, const uint8_t *restrict left_out,
                 uint8_t *restrict after)
{
    for (int64_t c = 0; c < n; c++)
        after[c] = before[c] | (group < left_out[c] ? DO_NOT_USE : 0);
}

/* The groups of one integration that are left out in some pixels, a stretch of pixels at a time. */
static void flag_first_groups(const uint8_t *before, int64_t groups, int64_t pixels, int64_t skip, uint8_t *after,
                              uint8_t *found)
{
    uint8_t left_out[WIDTH];
    for (int64_t at = 0; at < pixels; at += WIDTH) {
        int64_t n = smaller(WIDTH, pixels - at);
        count_left_out(before + at, groups, pixels, n, (uint8_t)skip, left_out, found + at, found + pixels + at);
        for (int64_t g = 0; g < smaller(skip, groups); g++)
            flag(before + g * pixels + at, n, (uint8_t)g, left_out, after + g * pixels + at);
    }
}

/* `found` gets the pixels with fewer groups left out, and those with none, of integrations from `start` to `stop`. */
KERNEL(void, rscd_leave_out, (const uint8_t *restrict groupdq, int64_t start, int64_t stop, int64_t skip,
                              uint8_t *restrict flagged, bool *restrict found,
                              int64_t integrations, int64_t groups, int64_t rows, int64_t columns))
{
    int64_t pixels = rows * columns;
    for (int64_t i = start; i < stop; i++) {
        const uint8_t *before = groupdq + i * groups * pixels;
        uint8_t *after = flagged + i * groups * pixels;
        flag_first_groups(before, groups, pixels, skip, after, (uint8_t *)found); /* loops with bool stay scalar */
        int64_t done = smaller(skip, groups) * pixels;
        memcpy(after + done, before + done, (size_t)(groups * pixels - done));
    }
}
