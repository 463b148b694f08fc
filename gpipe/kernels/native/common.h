/* What every kernel includes: exported functions, and types as NumPy has them.
 *
 * Each source is compiled once for every variant of the instruction set (VARIANT: v2, v3, v4 or base). Results of all
 * variants are equal bit by bit: no fast-math, no contraction, no functions of libm but sqrtf, sqrt, fabsf and fabs.
 */
#ifndef GPIPE_COMMON_H
#define GPIPE_COMMON_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))
#define INLINED static inline __attribute__((always_inline))

#define JOINED_(name, variant) gpipe_##name##_##variant
#define JOINED(name, variant) JOINED_(name, variant)
#define IN_VARIANT(name) JOINED(name, VARIANT)

/* An exported function, and its text, which gpipe.kernels.native.arguments compares with the declaration in Python:
 *
 *     KERNEL(void, rscd_leave_out, (const uint8_t *restrict groupdq, int64_t skip, ...))
 *     {
 *     }
 */
#define KERNEL(type, name, parameters)                                             \
    extern EXPORTED const char IN_VARIANT(name##_text)[];                           \
    const char IN_VARIANT(name##_text)[] = #type " " #parameters;                   \
    EXPORTED type IN_VARIANT(name) parameters;                                      \
    type IN_VARIANT(name) parameters

INLINED int64_t smaller(int64_t a, int64_t b)
{
    return b < a ? b : a;
}

INLINED int64_t larger(int64_t a, int64_t b)
{
    return b > a ? b : a;
}

#endif
