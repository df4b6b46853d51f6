/* shrink.h - makes a picture smaller, row by row, as its decoder yields them.
 *
 * Each pixel of the result is the mean of the area that it stands for, weighted
 * by opacity.  The width becomes THUMBNAIL_SIDE, or stays what it is if that is
 * less; of a picture taller than that only the top is kept, and the rows below
 * it are never asked for.  Memory depends on the width alone.
 */
#ifndef SHRINK_H
#define SHRINK_H

#include "common/base.h"

enum { THUMBNAIL_SIDE = 640 };

struct shrink {
    uint32_t source_width;
    uint32_t width, height; /* of the result */
    uint8_t *rgba;          /* the result, `height` rows */
    uint32_t rows;          /* of it that are finished */
    uint32_t filled;        /* of the row in work, in parts of source_width */
    uint32_t *line;         /* sums over a row of the source */
    uint64_t *area;         /* sums over rows */
};

/* Neither side is 0.  No browser draws wider pages; and as at most a square of
 * the source is read, this bounds the work. */
enum { SHRINK_WIDTH_MAX = 16384 };
void shrink_init(struct shrink *s, uint32_t width, uint32_t height);
void shrink_release(struct shrink *s);

/* How many rows of the source are wanted: all, or those above the cut. */
uint32_t shrink_rows_wanted(const struct shrink *s, uint32_t height);
/* The next row, `source_width` pixels of R, G, B and A; at most as many rows
 * as are wanted. */
void shrink_row(struct shrink *s, const uint8_t *rgba);
/* After the last row. */
void shrink_finish(struct shrink *s);

#endif
