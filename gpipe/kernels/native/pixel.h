/* What headers of gpipe/kernels/shared are written with, which CUDA compiles, too. */
#ifndef GPIPE_PIXEL_H
#define GPIPE_PIXEL_H

#include "common.h"

#define PIXEL_FUNCTION INLINED
typedef int64_t int64;

#endif
