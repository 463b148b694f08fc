/* Data-quality bits that kernels know, as gpipe.dq has them; a test compares the two. */
#ifndef GPIPE_DQ_H
#define GPIPE_DQ_H

#define DO_NOT_USE 0x1
#define SATURATED 0x2
#define JUMP_DET 0x4
#define PERSISTENCE 0x20
#define AD_FLOOR 0x40
#define CHARGELOSS 0x80
#define NO_GAIN_VALUE 0x80000
#define NO_LIN_CORR 0x100000
#define NO_SAT_CHECK 0x200000

#endif
