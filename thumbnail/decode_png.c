#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "thumbnail/decode.h"

/* On the heap, so that nothing of it is lost to longjmp(). */
struct png_work {
    png_structp png;
    png_infop info;
    const uint8_t *ptr; /* what is left */
    size_t len;
    uint8_t *row;
    uint8_t **rows; /* of an interlaced one */
    char *error;
};

static void on_error(png_structp png, png_const_charp message)
{
    struct png_work *w = png_get_error_ptr(png);

    snprintf(w->error, DECODE_ERROR_SIZE, "%s", message);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep out, size_t len)
{
    struct png_work *w = png_get_io_ptr(png);

    if (len > w->len)
        png_error(png, "cut off");
    memcpy(out, w->ptr, len);
    w->ptr += len;
    w->len -= len;
}

/* Whatever it holds, rows of R, G, B and A with eight bits each. */
static void ask_for_rgba(struct png_work *w)
{
    png_set_expand(w->png);
    png_set_scale_16(w->png);
    png_set_gray_to_rgb(w->png);
    png_set_add_alpha(w->png, 0xff, PNG_FILLER_AFTER);
}

static void read_interlaced(struct png_work *w, struct shrink *out,
                            uint32_t height, uint32_t wanted)
{
    size_t row_bytes = png_get_rowbytes(w->png, w->info);

    w->rows = mem_zalloc(height * sizeof *w->rows);
    w->row = mem_zalloc(height * row_bytes);
    for (uint32_t y = 0; y < height; y++)
        w->rows[y] = w->row + y * row_bytes;
    png_read_image(w->png, w->rows);
    for (uint32_t y = 0; y < wanted; y++)
        shrink_row(out, w->rows[y]);
}

static int read_rows(struct png_work *w, struct shrink *out, uint32_t height)
{
    uint32_t wanted = shrink_rows_wanted(out, height);

    if (setjmp(png_jmpbuf(w->png)) != 0)
        return -1;
    png_set_read_fn(w->png, w, read_bytes);
    png_read_info(w->png, w->info);
    if (png_get_image_width(w->png, w->info) != out->source_width ||
        png_get_image_height(w->png, w->info) != height)
        png_error(w->png, "it has two sizes");
    ask_for_rgba(w);
    if (png_set_interlace_handling(w->png) > 1) {
        if ((uint64_t)out->source_width * height > DECODE_PIXELS_MAX)
            png_error(w->png, "too large to be interlaced");
        png_read_update_info(w->png, w->info);
        read_interlaced(w, out, height, wanted);
        return 0;
    }
    png_read_update_info(w->png, w->info);
    w->row = mem_zalloc(png_get_rowbytes(w->png, w->info));
    for (uint32_t y = 0; y < wanted; y++) {
        png_read_row(w->png, w->row, NULL);
        shrink_row(out, w->row);
    }
    return 0;
}

int decode_png(struct shrink *out, const struct image *image,
               const uint8_t *ptr, size_t len, char error[DECODE_ERROR_SIZE])
{
    struct png_work *w = mem_zalloc(sizeof *w);
    int result = -1;

    *w = (struct png_work){ .ptr = ptr, .len = len, .error = error };
    shrink_init(out, image->width, image->height);
    w->png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, w, on_error, on_warning);
    w->info = w->png ? png_create_info_struct(w->png) : NULL;
    if (w->info)
        result = read_rows(w, out, image->height);
    else
        snprintf(error, DECODE_ERROR_SIZE, "libpng does not start");
    png_destroy_read_struct(w->png ? &w->png : NULL, w->info ? &w->info : NULL,
                            NULL);
    free(w->row);
    free(w->rows);
    free(w);
    if (result == 0)
        shrink_finish(out);
    else
        shrink_release(out);
    return result;
}
