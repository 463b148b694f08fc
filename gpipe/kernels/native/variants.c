/* Variants of the kernels in this library, and those that the processor runs; compiled for any processor. */
#include <stdint.h>

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int64_t gpipe_interface(void);
EXPORTED const char *gpipe_variants(void);
EXPORTED const char *gpipe_sources(void);

/* Digest of the sources that the library was made from. */
const char *gpipe_sources(void)
{
    return GPIPE_SOURCES;
}

/* How kernels are called; gpipe.kernels.native.library has the same number, or does not use the library. */
int64_t gpipe_interface(void)
{
    return 2;
}

#ifdef GPIPE_HAS_VARIANTS

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define HAS_V2 __builtin_cpu_supports("x86-64-v2")
#define HAS_V3 __builtin_cpu_supports("x86-64-v3")
#define HAS_V4 __builtin_cpu_supports("x86-64-v4")
#else
#define HAS_V2 (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))
#define HAS_V3 (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma"))
#define HAS_V4                                                              \
    (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") \
     && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
#endif

/* Names, the fastest last; none if the processor runs none of them. */
const char *gpipe_variants(void)
{
    __builtin_cpu_init();
    if (!HAS_V2)
        return "";
    if (!HAS_V3)
        return "v2";
    return HAS_V4 ? "v2 v3 v4" : "v2 v3";
}

#else

const char *gpipe_variants(void)
{
    return "base";
}

#endif
