/* Pixels of an output in IRS2 readout, as gpipe.arrays.interleaved and gpipe.refpix.irs2.streams have them. */
#ifndef GPIPE_IRS2_BLOCKS_H
#define GPIPE_IRS2_BLOCKS_H

#define HALF 8                   /* normal pixels on each side of the reference pixels of a block */
#define READS 4                  /* reads of reference pixels */
#define AFTER (HALF + READS)     /* the first normal pixel behind them */
#define BLOCK (2 * HALF + READS) /* pixels of a block */
#define STEP (BLOCK + 2)         /* pixel times of a block: there is a gap before the reads, and one behind them */

#endif
