/* Rows of which every pixel is DO_NOT_USE; nearly all are told by their first pixels. */
#include "common.h"
#include "dq.h"

#define STRETCH 64

static bool is_unusable(const uint8_t *restrict flags, int64_t columns)
{
    int64_t c = 0;
    for (; c + STRETCH <= columns; c += STRETCH) {
        uint8_t all = DO_NOT_USE;
        for (int64_t k = 0; k < STRETCH; k++)
            all &= flags[c + k];
        if (!all)
            return false;
    }
    for (; c < columns; c++)
        if (!(flags[c] & DO_NOT_USE))
            return false;
    return true;
}

KERNEL(void, unusable_rows, (const uint8_t *restrict groupdq, int64_t groupdq_by_integrations,
                             int64_t groupdq_by_groups, int64_t groupdq_by_rows, bool *restrict found,
                             int64_t integrations, int64_t groups, int64_t rows, int64_t columns))
{
    for (int64_t i = 0; i < integrations; i++)
        for (int64_t g = 0; g < groups; g++)
            for (int64_t r = 0; r < rows; r++) {
                const uint8_t *row =
                    groupdq + i * groupdq_by_integrations + g * groupdq_by_groups + r * groupdq_by_rows;
                *found++ = is_unusable(row, columns);
            }
}
