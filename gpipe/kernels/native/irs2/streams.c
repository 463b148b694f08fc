/* Streams of IRS2 outputs, in one pass each.
 *
 * CUDA has no such kernels: CuPy runs the portable functions of gpipe.refpix.irs2, lines and streams, on the device.
 * One would take a thread for each sample, or each pixel time, and do the same operations in float32.
 */
#include "common.h"
#include "irs2/blocks.h"
#include "irs2/fours.h"

/* `level`: samples less the line, but for zeros. */
KERNEL(void, irs2_subtract_line, (const float *restrict samples, const float *restrict times, float intercept,
                                  float slope, float *restrict level, int64_t rows, int64_t pixels))
{
    for (int64_t k = 0; k < rows * pixels; k++) {
        float value = samples[k], straight = value - (intercept + slope * times[k]);
        level[k] = value != 0.0f ? straight : value;
    }
}

/* Reference pixels a a b b, held from the last normal pixel before them to the first behind them: a b a b a b a b.
 * Seven zeros before, and seven behind, are twice four that overlap. */
INLINED void hold(const float *reads, float *line)
{
    float *held = line + HALF - 1, *after = held + 2 * READS;
    Four pixels = load(reads), zero = {0};
    store(zero, line);
    store(zero, held - FOUR);
    store(CHOSEN(pixels, pixels, 0, 2, 0, 2), held);
    store(CHOSEN(pixels, pixels, 1, 3, 1, 3), held + FOUR);
    store(zero, after);
    store(zero, line + STEP - FOUR);
}

/* `lines`: reference pixels for as long as they are held, else zeros. */
KERNEL(void, irs2_hold, (const float *restrict samples, float *restrict lines, int64_t rows, int64_t pixels,
                         int64_t times))
{
    int64_t blocks = pixels / BLOCK, rest = times - blocks * STEP;
    for (int64_t r = 0; r < rows; r++) {
        float *line = lines + r * times;
        for (int64_t b = 0; b < blocks; b++)
            hold(samples + r * pixels + b * BLOCK + HALF, line + b * STEP);
        memset(line + blocks * STEP, 0, (size_t)rest * sizeof *line);
    }
}

INLINED void subtract(const float *restrict samples, const float *restrict noise, float *restrict clean, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        clean[k] = samples[k] - noise[k];
}

/* `clean`: samples less what lines hold at their times, which leave gaps around reference pixels. */
KERNEL(void, irs2_subtract_stream, (const float *restrict samples, const float *restrict lines, float *restrict clean,
                                    int64_t rows, int64_t pixels, int64_t times))
{
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t b = 0; b < pixels / BLOCK; b++) {
            const float *block = samples + r * pixels + b * BLOCK, *noise = lines + r * times + b * STEP;
            float *out = clean + r * pixels + b * BLOCK;
            subtract(block, noise, out, HALF);
            subtract(block + HALF, noise + HALF + 1, out + HALF, READS);
            subtract(block + AFTER, noise + AFTER + 2, out + AFTER, HALF);
        }
    }
}
