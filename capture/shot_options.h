/* shot_options.h - what a request asks for: JSON in, one struct out.
 *
 * Pure.  Every key of the contract is either understood, with its bounds, or
 * refused by name; keys that the contract does not know are ignored, as the
 * real service does.
 */
#ifndef SHOT_OPTIONS_H
#define SHOT_OPTIONS_H

#include "capture/failure.h"
#include "common/base.h"
#include "common/image.h"

struct json_object;

enum {
    SHOT_REQUEST_BYTES = 2 * 1024 * 1024, /* mostly `html`; a queue has many */
    /* A picture of more pixels needs more than 256 MiB while it is encoded. */
    SHOT_PIXELS_MAX = 64 * 1024 * 1024,
    SHOT_HIDE_MAX = 50,
    SHOT_HEADERS_MAX = 50,
    SHOT_COOKIES_MAX = 100,
};

struct shot_clip {
    double x, y, width, height; /* CSS pixels; width 0: none */
};

struct shot_pdf {
    double width_in, height_in; /* of the paper, upright */
    double scale;
    struct {
        double top, right, bottom, left;
    } margin_in;
    bool landscape;
    bool print_background;
};

/* Texts are owned and NULL when absent. */
struct shot_options {
    char *url; /* one of the two */
    char *html;

    bool async;
    char *webhook_url;

    enum image_type format;
    int64_t quality; /* of JPEG and WebP */
    bool full_page;
    bool omit_background;
    struct shot_clip clip;
    char *selector; /* take this element only */
    struct shot_pdf pdf;

    int64_t width, height; /* CSS pixels */
    double device_scale_factor;
    bool is_mobile;
    bool dark_mode;
    char *user_agent;
    char *timezone;
    bool has_position;
    double latitude, longitude;

    struct json_object *headers; /* name → value; NULL: none */
    struct json_object *cookies; /* as the protocol wants them; NULL: none */

    char *css;
    char *javascript;
    struct json_object *hide_selectors; /* NULL: none */
    bool scroll;
    char *wait_for_selector;
    bool wait_for_network_idle;
    int64_t delay_ms;
    int64_t timeout_ms; /* for everything but the delay */
};

/* `timeout_ms` is for a request without `timeout`.  On -1 `fault` says why.
 * Release `out` in any case. */
MUST_USE int shot_options_parse(struct shot_options *out, const char *ptr,
                                size_t len, int64_t timeout_ms,
                                struct fault *fault);
void shot_options_release(struct shot_options *o);

#endif
