/* Polynomials of a stretch of pixels: lines of coefficients, one for each power.
 *
 * Who includes it defines WIDTH, the pixels of a stretch, and PITCH, the elements from one line to the next.
 */
#ifndef GPIPE_POLYNOMIALS_H
#define GPIPE_POLYNOMIALS_H

#include "dq.h"
#include "pixel.h"

#include "../shared/linearity.cuh"

/* Call `function(powers, ...)` so that the compiler knows up to KNOWN_POWERS. For more it makes vector code of the loop
 * over pixels only if that holds nothing but the polynomial, of which it must know that it has a middle. */
#define KNOWN_POWERS 10
#define OF_POWERS(number, function, ...)     \
    case number:                             \
        function(number, __VA_ARGS__);       \
        break;
#define FOR_POWERS(function, powers, ...)    \
    switch (powers) {                        \
        OF_POWERS(2, function, __VA_ARGS__)  \
        OF_POWERS(3, function, __VA_ARGS__)  \
        OF_POWERS(4, function, __VA_ARGS__)  \
        OF_POWERS(5, function, __VA_ARGS__)  \
        OF_POWERS(6, function, __VA_ARGS__)  \
        OF_POWERS(7, function, __VA_ARGS__)  \
        OF_POWERS(8, function, __VA_ARGS__)  \
        OF_POWERS(9, function, __VA_ARGS__)  \
        OF_POWERS(10, function, __VA_ARGS__) \
    default:                                 \
        if (powers > KNOWN_POWERS)           \
            function(powers, __VA_ARGS__);   \
    }

/* `usable_polynomial` of gpipe.linearity.coefficients, and its flag for the pixels. Coefficients of the next power are
 * `step` elements behind. */
static void make_usable(int64_t powers, const float *coeffs, int64_t step, const uint32_t *restrict dq, int64_t n,
                        float *usable, uint32_t *restrict flags)
{
    uint32_t missing[WIDTH];
    const float *restrict linear = coeffs + step;
    for (int64_t c = 0; c < n; c++)
        missing[c] = linear[c] == 0.0f;
    for (int64_t k = 0; k < powers; k++) {
        const float *restrict given = coeffs + k * step;
        for (int64_t c = 0; c < n; c++)
            missing[c] |= given[c] != given[c];
    }
    for (int64_t c = 0; c < n; c++) {
        flags[c] |= missing[c] ? NO_LIN_CORR : 0;
        missing[c] |= dq[c] & NO_LIN_CORR;
    }
    for (int64_t k = 0; k < powers; k++) {
        const float *restrict given = coeffs + k * step;
        float *restrict kept = usable + k * PITCH, instead = k == 1 ? 1.0f : 0.0f;
        for (int64_t c = 0; c < n; c++)
            kept[c] = missing[c] ? instead : given[c];
    }
}

INLINED void evaluate_n(int64_t powers, const float *restrict coeffs, const float *restrict x, int64_t n,
                        float *restrict out)
{
    for (int64_t c = 0; c < n; c++)
        out[c] = polynomial(coeffs + c, powers, PITCH, x[c]);
}

static void evaluate(int64_t powers, const float *coeffs, const float *x, int64_t n, float *out)
{
    FOR_POWERS(evaluate_n, powers, coeffs, x, n, out)
}

static void keep_saturated(const float *restrict counts, const uint8_t *restrict flags, int64_t n, float *restrict out)
{
    for (int64_t c = 0; c < n; c++) {
        float x = counts[c], linear = out[c];
        out[c] = flags[c] & SATURATED ? x : linear;
    }
}

#endif
