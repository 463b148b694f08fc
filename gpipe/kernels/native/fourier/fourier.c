/* The middle of Fourier transforms: numbers turned by angles of which cosine and sine are given. */
#include "common.h"

/* Real and imaginary parts, (piece, part and row, column of the piece), to complex numbers, (row, column). */
KERNEL(void, fourier_turn, (const float *restrict pieces, const float *restrict cosine, const float *restrict sine,
                            float *restrict mixed, int64_t number, int64_t parts, int64_t width, int64_t half,
                            int64_t columns))
{
    for (int64_t r = 0; r < half; r++) {
        for (int64_t k = 0; k < number; k++) {
            const float *restrict real = pieces + (k * parts + r) * width;
            const float *restrict imaginary = real + half * width;
            int64_t at = r * columns + k * width;
            for (int64_t j = 0; j < width; j++) {
                float c = cosine[at + j], s = sine[at + j];
                mixed[2 * (at + j)] = real[j] * c + imaginary[j] * s;
                mixed[2 * (at + j) + 1] = imaginary[j] * c - real[j] * s;
            }
        }
    }
}

/* The inverse. */
KERNEL(void, fourier_turn_back, (const float *restrict mixed, const float *restrict cosine,
                                 const float *restrict sine, float *restrict pieces, int64_t half, int64_t columns,
                                 int64_t number, int64_t parts, int64_t width))
{
    for (int64_t r = 0; r < half; r++) {
        for (int64_t k = 0; k < number; k++) {
            float *restrict real = pieces + (k * parts + r) * width;
            float *restrict imaginary = real + half * width;
            int64_t at = r * columns + k * width;
            for (int64_t j = 0; j < width; j++) {
                float a = mixed[2 * (at + j)], b = mixed[2 * (at + j) + 1];
                float c = cosine[at + j], s = sine[at + j];
                real[j] = a * c - b * s;
                imaginary[j] = b * c + a * s;
            }
        }
    }
}
