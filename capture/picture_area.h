/* picture_area.h - which part of the page becomes the picture, and how large.
 *
 * Pure arithmetic between three measures: CSS pixels of the page, CSS pixels of
 * the emulated screen (a page that was not made for phones is shown smaller on
 * one), and pixels of the picture (deviceScaleFactor times the screen's).
 *
 * A full page is cut at PICTURE_HEIGHT_MAX, or where it reaches
 * SHOT_PIXELS_MAX: Chromium would draw more, for hundreds of megabytes, and
 * pages without an end exist.  The answer then says that it was truncated.
 */
#ifndef PICTURE_AREA_H
#define PICTURE_AREA_H

#include "capture/shot_options.h"
#include "common/base.h"

struct json_object;

enum {
    PICTURE_HEIGHT_MAX = 32768,
    PICTURE_HEIGHT_MAX_WEBP = 16383, /* the format has no more bits */
};

struct picture_area {
    double x, y, width,
        height;   /* CSS pixels of the page; width 0: the screen */
    double scale; /* CSS pixels of the screen for one of the page */
    bool truncated;
};

/* From the answer to Page.getLayoutMetrics. */
void picture_area_of_page(struct picture_area *out,
                          const struct shot_options *o,
                          struct json_object *metrics);
/* From {x, y, width, height}. */
void picture_area_of_element(struct picture_area *out,
                             const struct shot_options *o,
                             struct json_object *place);

/* The parameters of Page.captureScreenshot and of Page.printToPDF. */
struct json_object *picture_params(const struct shot_options *o,
                                   const struct picture_area *area);
struct json_object *pdf_params(const struct shot_pdf *pdf);

#endif
