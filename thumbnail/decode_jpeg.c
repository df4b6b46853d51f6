#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

/* needs stdio.h and stdlib.h before it */
#include <jpeglib.h>

#include "common/mem.h"
#include "thumbnail/decode.h"

enum {
    /* What a progressive one may have in memory; libjpeg asks before it takes
     * it, and knows no other place. */
    MEMORY_MAX = 384 * 1024 * 1024,
    /* Passes over a progressive one: real encoders need a dozen, an attacker
     * writes thousands of empty ones. */
    SCANS_MAX = 100,
};

/* On the heap, so that nothing of it is lost to longjmp(). */
struct jpeg_work {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    uint8_t *row;
    bool shrinking; /* the result was begun */
    char *error;
};

static void on_error(j_common_ptr jpeg)
{
    struct jpeg_work *w = jpeg->client_data;
    char message[JMSG_LENGTH_MAX];

    jpeg->err->format_message(jpeg, message);
    snprintf(w->error, DECODE_ERROR_SIZE, "%.150s", message);
    longjmp(w->out, 1);
}

/* A picture that is cut off is gray below the cut: a browser shows it like
 * that, too. */
static void on_message(j_common_ptr jpeg, int level)
{
    (void)jpeg;
    (void)level;
}

static void on_progress(j_common_ptr jpeg)
{
    struct jpeg_work *w = jpeg->client_data;

    if (!jpeg->is_decompressor || w->jpeg.input_scan_number <= SCANS_MAX)
        return;
    snprintf(w->error, DECODE_ERROR_SIZE, "more than %d scans", SCANS_MAX);
    longjmp(w->out, 1);
}

/* libjpeg halves cheaply, up to three times. */
static void scale(struct jpeg_decompress_struct *jpeg)
{
    jpeg->scale_num = 1;
    jpeg->scale_denom = 1;
    while (jpeg->scale_denom < 8 &&
           jpeg->image_width / (jpeg->scale_denom * 2) >= THUMBNAIL_SIDE)
        jpeg->scale_denom *= 2;
}

static int read_rows(struct jpeg_work *w, struct shrink *out,
                     const uint8_t *ptr, size_t len)
{
    struct jpeg_decompress_struct *jpeg = &w->jpeg;
    uint32_t wanted;

    if (setjmp(w->out) != 0)
        return -1;
    jpeg_create_decompress(jpeg);
    jpeg->client_data = w;
    jpeg->progress = &w->progress;
    jpeg->mem->max_memory_to_use = MEMORY_MAX;
    jpeg_mem_src(jpeg, ptr, (unsigned long)len);
    (void)jpeg_read_header(jpeg, TRUE);
    jpeg->out_color_space = JCS_EXT_RGBA;
    scale(jpeg);
    (void)jpeg_start_decompress(jpeg);
    shrink_init(out, jpeg->output_width, jpeg->output_height);
    w->shrinking = true;
    w->row = mem_zalloc((size_t)jpeg->output_width * 4);
    wanted = shrink_rows_wanted(out, jpeg->output_height);
    for (uint32_t y = 0; y < wanted; y++) {
        if (jpeg_read_scanlines(jpeg, &w->row, 1) != 1)
            return -1;
        shrink_row(out, w->row);
    }
    return 0;
}

int decode_jpeg(struct shrink *out, const uint8_t *ptr, size_t len,
                char error[DECODE_ERROR_SIZE])
{
    struct jpeg_work *w = mem_zalloc(sizeof *w);
    int result;

    w->error = error;
    w->jpeg.err = jpeg_std_error(&w->errors);
    w->jpeg.client_data = w;
    w->errors.error_exit = on_error;
    w->errors.emit_message = on_message;
    w->progress.progress_monitor = on_progress;
    result = read_rows(w, out, ptr, len);
    jpeg_destroy_decompress(&w->jpeg);
    if (result == 0)
        shrink_finish(out);
    else if (w->shrinking)
        shrink_release(out);
    free(w->row);
    free(w);
    return result;
}
