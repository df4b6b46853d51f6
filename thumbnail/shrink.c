#include "thumbnail/shrink.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum { CHANNELS = 4, OPAQUE = 255 };

/* All lengths are counted in parts of a pixel, so that they are whole numbers:
 * a pixel of the source is `width` parts long, one of the result
 * `source_width`. */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void shrink_init(struct shrink *s, uint32_t width, uint32_t height)
{
    uint64_t scaled;

    assert(width > 0 && width <= SHRINK_WIDTH_MAX && height > 0);
    *s = (struct shrink){ .source_width = width,
                          .width = least(width, THUMBNAIL_SIDE) };
    scaled = ((uint64_t)height * s->width + width - 1) / width;
    s->height = scaled < THUMBNAIL_SIDE ? (uint32_t)scaled : THUMBNAIL_SIDE;
    s->rgba = mem_zalloc((size_t)s->width * s->height * CHANNELS);
    s->line = mem_zalloc(s->width * CHANNELS * sizeof *s->line);
    s->area = mem_zalloc(s->width * CHANNELS * sizeof *s->area);
}

void shrink_release(struct shrink *s)
{
    free(s->rgba);
    free(s->line);
    free(s->area);
}

uint32_t shrink_rows_wanted(const struct shrink *s, uint32_t height)
{
    uint64_t parts = (uint64_t)s->height * s->source_width;

    return least(height, (uint32_t)((parts + s->width - 1) / s->width));
}

static void add_pixel(uint32_t *sum, const uint8_t *rgba, uint32_t parts)
{
    uint32_t alpha = rgba[3];

    for (int i = 0; i < 3; i++)
        sum[i] +=
            parts * (alpha == OPAQUE ? rgba[i]
                                     : (rgba[i] * alpha + OPAQUE / 2) / OPAQUE);
    sum[3] += parts * alpha;
}

/* Means along the row: a pixel belongs to one pixel of the result, or to two
 * neighbours. */
static void sum_line(struct shrink *s, const uint8_t *rgba)
{
    uint32_t *sum = s->line;
    uint32_t room = s->source_width; /* in the present pixel of the result */

    memset(sum, 0, s->width * CHANNELS * sizeof *sum);
    for (uint32_t x = 0; x < s->source_width; x++, rgba += CHANNELS) {
        uint32_t here = least(s->width, room);

        add_pixel(sum, rgba, here);
        room -= here;
        if (room > 0)
            continue;
        sum += CHANNELS;
        room = s->source_width;
        if (here < s->width) {
            add_pixel(sum, rgba, s->width - here);
            room -= s->width - here;
        }
    }
}

static void add_line(struct shrink *s, uint32_t parts)
{
    for (uint32_t i = 0; i < s->width * CHANNELS; i++)
        s->area[i] += (uint64_t)s->line[i] * parts;
    s->filled += parts;
}

static void finish_row(struct shrink *s)
{
    uint8_t *out = s->rgba + (size_t)s->rows * s->width * CHANNELS;
    uint64_t whole = (uint64_t)s->source_width * s->filled;

    for (uint32_t x = 0; x < s->width; x++, out += CHANNELS) {
        const uint64_t *sum = s->area + (size_t)x * CHANNELS;
        uint64_t alpha = sum[3];

        for (int i = 0; i < 3 && alpha > 0; i++) {
            uint64_t value = (sum[i] * OPAQUE + alpha / 2) / alpha;

            out[i] = (uint8_t)(value < OPAQUE ? value : OPAQUE);
        }
        out[3] = (uint8_t)((alpha + whole / 2) / whole);
    }
    memset(s->area, 0, s->width * CHANNELS * sizeof *s->area);
    s->rows++;
    s->filled = 0;
}

void shrink_row(struct shrink *s, const uint8_t *rgba)
{
    uint32_t here = least(s->width, s->source_width - s->filled);

    assert(s->rows < s->height);
    sum_line(s, rgba);
    add_line(s, here);
    if (s->filled < s->source_width)
        return;
    finish_row(s);
    if (here < s->width && s->rows < s->height)
        add_line(s, s->width - here);
}

void shrink_finish(struct shrink *s)
{
    if (s->filled > 0)
        finish_row(s);
    assert(s->rows == s->height);
}
