/* Pixels of files: read, and brought from the big-endian types of FITS to floats. */
#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64
#include "common.h"

#include <unistd.h>

/* Read pieces of a file, one behind the other; false if the file ends or an error occurs. */
KERNEL(bool, fits_fetch, (int64_t descriptor, const int64_t *restrict pieces, uint8_t *restrict target,
                          int64_t number, int64_t bytes))
{
    uint8_t *end = target + bytes;
    for (int64_t k = 0; k < number; k++) {
        int64_t position = pieces[2 * k], left = pieces[2 * k + 1];
        if (left > end - target)
            return false;
        while (left > 0) {
            ssize_t got = pread((int)descriptor, target, (size_t)left, (off_t)position);
            if (got <= 0)
                return false;
            target += got;
            position += got;
            left -= got;
        }
    }
    return true;
}

/* Unsigned counts: FITS has signed integers only, which are half the range less. */
KERNEL(void, fits_counts, (const uint16_t *restrict stored, float *restrict out, int64_t pixels))
{
    for (int64_t k = 0; k < pixels; k++) {
        uint16_t bits = (uint16_t)(stored[k] << 8 | stored[k] >> 8);
        out[k] = (float)(uint16_t)(bits ^ 0x8000);
    }
}

/* Floats, as bits: a signalling NaN stays one. */
KERNEL(void, fits_floats, (const uint32_t *restrict stored, uint32_t *restrict out, int64_t pixels))
{
    for (int64_t k = 0; k < pixels; k++)
        out[k] = __builtin_bswap32(stored[k]);
}
