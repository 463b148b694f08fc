/* Jumps: first differences of a tile. */
#ifndef GPIPE_JUMP_DIFFERENCES_H
#define GPIPE_JUMP_DIFFERENCES_H

#include "jump/search.h"

/* Copy flags; all that there are. */
static uint8_t copy_flags(const uint8_t *restrict from, uint8_t *restrict to, int64_t n)
{
    uint8_t found = 0;
    for (int64_t c = 0; c < n; c++) {
        to[c] = from[c];
        found |= from[c];
    }
    return found;
}

static void take_electrons(const float *restrict data, const uint8_t *restrict flags, const float *restrict gain,
                           float *restrict electrons, int64_t n)
{
    for (int64_t c = 0; c < n; c++)
        electrons[c] = electrons_of(data[c], flags[c], gain[c]);
}

/* What each sample has gained over the one before, whose electrons give way to its own. */
static void take_difference(const float *restrict data, const uint8_t *restrict flags, const float *restrict gain,
                            float *restrict electrons, float *restrict difference, int64_t n)
{
    for (int64_t c = 0; c < n; c++) {
        float now = electrons_of(data[c], flags[c], gain[c]);
        difference[c] = now - electrons[c];
        electrons[c] = now;
    }
}

/* Samples of the next tile, which lie behind those of this one: the processor itself does not follow so many lines. */
static void fetch(const float *data, const uint8_t *flags, int64_t n)
{
    for (int64_t c = 0; c < n; c += 16)
        __builtin_prefetch(data + n + c, 0, 2);
    for (int64_t c = 0; c < n; c += 64)
        __builtin_prefetch(flags + n + c, 0, 2);
}

/* Read the samples of an integration; `values` are its differences. */
static void read_integration(const Search *search, int64_t integration, Tile *tile, float *values)
{
    const Exposure *of = &search->exposure;
    const float *gain = of->gain + tile->row * of->columns + tile->column;
    int64_t y = tile->row, x = tile->column, n = tile->n;
    float electrons[WIDEST];
    for (int64_t g = 0; g < of->groups; g++) {
        const float *data = of->data + integration * of->data_by[0] + g * of->data_by[1] + y * of->data_by[2] + x;
        const uint8_t *flags = of->groupdq + integration * of->groupdq_by[0] + g * of->groupdq_by[1]
                               + y * of->groupdq_by[2] + x;
        fetch(data, flags, n);
        uint8_t *copy = flags_of(&search->slots, y, integration * of->groups + g) + x;
        tile->flags |= copy_flags(flags, copy, n);
        if (g == 0) {
            take_electrons(data, flags, gain, electrons, n);
            continue;
        }
        take_difference(data, flags, gain, electrons, values, n);
        for (int64_t c = n; c < tile->whole; c++)
            values[c] = NOT_A_NUMBER;
        values += tile->pitch;
    }
}

static void read_tile(const Search *search, Tile *tile)
{
    const Exposure *of = &search->exposure;
    const float *restrict gain = of->gain + tile->row * of->columns + tile->column;
    const float *restrict readnoise = of->readnoise + tile->row * of->columns + tile->column;
    tile->flags = 0;
    for (int64_t c = 0; c < tile->n; c++)
        tile->variance[c] = variance_of_reading(readnoise[c], gain[c], search->rules.frames);
    for (int64_t c = tile->n; c < tile->whole; c++)
        tile->variance[c] = 0.0f;
    for (int64_t i = 0; i < of->integrations; i++)
        read_integration(search, i, tile, tile->values + i * (of->groups - 1) * tile->pitch);
}

/* How many samples of a tile have JUMP_DET before any is looked for, which is rare. */
static int64_t count_jumps(const Search *search, const Tile *tile)
{
    int64_t count = 0;
    for (int64_t line = 0; line < search->slots.flag_lines; line++) {
        const uint8_t *flags = flags_of(&search->slots, tile->row, line) + tile->column;
        for (int64_t c = 0; c < tile->n; c++)
            count += (flags[c] & JUMP_DET) != 0;
    }
    return count;
}

#endif
