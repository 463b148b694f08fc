/* Ramp fits: memory for a tile, a stretch of columns of one detector row, and what its numbers mean.
 *
 * Each function of these headers names the one of gpipe.ramp_fitting that it repeats, with the same operations in the
 * same order in float32, so that results are the same numbers. Loops run along the columns; what they read stays in the
 * processor's cache. They load, then choose, then store: where loads or stores are among the choices, gcc makes
 * branches of them, and no vector code.
 */
#ifndef GPIPE_RAMP_FIT_TILE_H
#define GPIPE_RAMP_FIT_TILE_H

#include "pixel.h"
#include "dq.h"
#include "tiles.h"

#define UNUSABLE (DO_NOT_USE | SATURATED)
#define NOT_A_NUMBER NAN
#include "../shared/ramp_fit.cuh"

#define FEW 128 /* pixels of a tile that may have flags of their own where all others have the same */
#define LEVELS 5
#define TILE_INTEGRATIONS (1 << 15) /* columns times integrations of a tile */
#define LINE 64 /* bytes that the processor reads at once, and columns of bytes in the longest vector */
#define NO_PATTERN (-1)

/* How a first group that stands alone came by its signal. */
enum { FROM_RESET = 1, FROM_ZEROFRAME = 2 };

/* The options of a fit; times in seconds, the two in which a lone first group collected its signal in group times. */
typedef struct {
    int64_t integrations, groups, first, last;
    float first_group_time, frame_time, group_time, since_reset, since_first_frame, noise_of_group;
    bool suppress, ignore_jump, restore;
    const float *table;     /* see gpipe.ramp_fitting.weights.step_coefficients */
    const int32_t *network; /* exchanges (low, high) that bring the middle steps to their places */
    int64_t exchanges;
} Settings;

/* The samples of an integration that are in a tile, and how far apart its groups are. */
typedef struct {
    const float *data, *zeroframe;
    const uint8_t *groupdq;
    int64_t data_step, groupdq_step;
} Samples;

/* Planes of one integration, used anew for each: `pitch` columns each, those of groups one after the other. */
typedef struct {
    int64_t pitch;
    uint8_t *flags;
    float *values, *steps, *ranked;
    int32_t *place, *level, *joined;
    uint8_t *once, *twice, *is_odd;
    float *fill, *line, *only; /* `only` is the signal of ramps of which an only group has the rate */
    float *none;               /* 0 */
    uint8_t *pattern;          /* the flags that most pixels have: see plain.h */
    int64_t *position;
} Tile;

/* Results of an integration until the rate of the exposure is known; of the exposure, sums and unions of all. */
typedef struct {
    float *signal, *reading, *photons; /* see gpipe.ramp_fitting.sums.Sums */
    float *time;                       /* of lone groups */
    int32_t *length; /* of segments, (group, column); of the odd pixels alone if there is a pattern */
    uint8_t *seen, *started, *kind;
    int64_t *size; /* lengths of the segments of pixels with the pattern */
    int32_t *odd;  /* columns of the odd pixels; their number, or NO_PATTERN */
    int64_t odds;
} Sums;

/* Planes of the pixels themselves. */
typedef struct {
    uint32_t *quality;
    float *limits[LEVELS];
    float *noise, *gain, *unit_reading, *unit_photons, *information;
    float *rate, *missing;     /* sum over the integrations that have a rate, and the number of the others */
    float *only_rate, *onlies; /* of the others those with an only group: sum and number */
} Pixels;

typedef struct {
    Tile tile;
    Sums *sums; /* one more than there are integrations: the exposure */
    Pixels pixels;
} Work;

/* Memory that is handed out piece by piece; without a start it only counts. */
typedef struct {
    uint8_t *start;
    int64_t taken;
} Memory;

/* So many columns that loops leave no remainder. */
static int64_t padded(int64_t columns)
{
    return (columns + LINE - 1) / LINE * LINE;
}

/* Pieces do not follow each other closely: planes a power of two apart would meet in the same places of the cache. */
static void *take(Memory *memory, int64_t bytes)
{
    void *piece = memory->start ? memory->start + memory->taken : NULL;
    memory->taken += padded(bytes) + LINE;
    return piece;
}

static void take_tile(Memory *memory, Tile *t, int64_t groups, int64_t pitch)
{
    int64_t floats = pitch * (int64_t)sizeof(float);
    t->pitch = pitch;
    t->flags = take(memory, groups * pitch);
    float **planes[] = {&t->values, &t->steps, &t->ranked};
    for (int64_t k = 0; k < 3; k++)
        *planes[k] = take(memory, groups * floats);
    t->place = take(memory, groups * floats);
    t->level = take(memory, groups * floats);
    t->joined = take(memory, floats);
    uint8_t **masks[] = {&t->once, &t->twice, &t->is_odd};
    for (int64_t k = 0; k < 3; k++)
        *masks[k] = take(memory, pitch);
    float **lines[] = {&t->fill, &t->line, &t->only, &t->none};
    for (int64_t k = 0; k < 4; k++)
        *lines[k] = take(memory, floats);
    t->pattern = take(memory, groups);
    t->position = take(memory, groups * (int64_t)sizeof(int64_t));
}

static void take_sums(Memory *memory, Sums *sums, int64_t groups, int64_t pitch)
{
    int64_t floats = pitch * (int64_t)sizeof(float);
    float **lines[] = {&sums->signal, &sums->reading, &sums->photons, &sums->time};
    for (int64_t k = 0; k < 4; k++)
        *lines[k] = take(memory, floats);
    uint8_t **masks[] = {&sums->seen, &sums->started, &sums->kind};
    for (int64_t k = 0; k < 3; k++)
        *masks[k] = take(memory, pitch);
    sums->length = take(memory, groups * floats);
    sums->size = take(memory, groups * (int64_t)sizeof(int64_t));
    sums->odd = take(memory, FEW * (int64_t)sizeof(int32_t));
}

static void take_pixels(Memory *memory, Pixels *pixels, int64_t pitch)
{
    int64_t floats = pitch * (int64_t)sizeof(float);
    pixels->quality = take(memory, floats);
    for (int64_t s = 0; s < LEVELS; s++)
        pixels->limits[s] = take(memory, floats);
    float **lines[] = {&pixels->noise,       &pixels->gain, &pixels->unit_reading, &pixels->unit_photons,
                       &pixels->information, &pixels->rate, &pixels->missing,      &pixels->only_rate,
                       &pixels->onlies};
    for (int64_t k = 0; k < 9; k++)
        *lines[k] = take(memory, floats);
}

static void take_work(Memory *memory, Work *work, int64_t integrations, int64_t groups, int64_t pitch)
{
    take_tile(memory, &work->tile, groups, pitch);
    take_pixels(memory, &work->pixels, pitch);
    work->sums = take(memory, (integrations + 1) * (int64_t)sizeof(Sums));
    for (int64_t i = 0; i <= integrations; i++) {
        Sums counted;
        take_sums(memory, memory->start ? work->sums + i : &counted, groups, pitch);
    }
}

/* Columns of a tile; all tiles of a row are about as wide. */
static int64_t width_of(int64_t integrations, int64_t columns)
{
    int64_t widest = smaller(larger(TILE_INTEGRATIONS / larger(integrations, 1), NARROWEST), WIDEST);
    int64_t tiles = larger((columns + widest - 1) / widest, 1);
    return padded((columns + tiles - 1) / tiles);
}

#endif
