#include "capture/shot_options.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "capture/json_put.h"
#include "capture/option_reader.h"
#include "capture/page_options.h"
#include "capture/url.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"

enum {
    TEXT_BYTES = 1024,         /* selectors, names, user agents */
    SCRIPT_BYTES = 256 * 1024, /* css, javascript */
};

static const struct device {
    const char *name;
    int64_t width, height;
    bool is_mobile;
} devices[] = {
    { "desktop", 1920, 1080, false }, /* the default */
    { "laptop", 1366, 768, false },
    { "tablet", 768, 1024, true },
    { "mobile", 375, 812, true },
};

static void read_device(struct option_reader *r, struct shot_options *o)
{
    const struct device *device = &devices[0];
    char *name = NULL;

    read_text(r, "device", TEXT_BYTES, &name);
    if (name) {
        device = NULL;
        for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
            if (strcmp(devices[i].name, name) == 0)
                device = &devices[i];
        }
    }
    if (device) {
        o->width = device->width;
        o->height = device->height;
        o->is_mobile = device->is_mobile;
    } else {
        refuse_option(r, "device", "must be desktop, laptop, tablet or mobile");
    }
    free(name);
}

static void read_size(struct option_reader *r, struct shot_options *o)
{
    read_number(r, "width", 320, 3840, &o->width);
    read_number(r, "height", 240, 3840, &o->height);
    read_real(r, "deviceScaleFactor", 1, 3, &o->device_scale_factor);
    read_switch(r, "isMobile", &o->is_mobile);
}

static void read_viewport(struct option_reader *r, struct shot_options *o)
{
    struct option_reader viewport;
    double pixels = 0;

    read_device(r, o);
    o->device_scale_factor = 1;
    read_size(r, o);
    if (read_object(r, "viewport", &viewport)) {
        viewport.prefix = "viewport.";
        read_size(&viewport, o);
    }
    pixels = (double)o->width * (double)o->height * o->device_scale_factor *
             o->device_scale_factor;
    if (pixels > SHOT_PIXELS_MAX)
        refuse_option(r, "deviceScaleFactor",
                      "makes too large a picture: width × height × "
                      "deviceScaleFactor² must be at most %d",
                      SHOT_PIXELS_MAX);
}

static void read_format(struct option_reader *r, struct shot_options *o)
{
    char *name = NULL;

    o->format = IMAGE_PNG;
    o->quality = 80;
    read_text(r, "format", TEXT_BYTES, &name);
    if (name)
        o->format =
            strcasecmp(name, "jpg") == 0 ? IMAGE_JPEG : image_type_parse(name);
    if (o->format == IMAGE_UNKNOWN)
        refuse_option(r, "format", "must be png, jpeg, webp or pdf");
    read_number(r, "quality", 0, 100, &o->quality);
    free(name);
}

static void read_clip(struct option_reader *r, struct shot_options *o)
{
    struct option_reader clip;

    if (!read_object(r, "clip", &clip))
        return;
    clip.prefix = "clip.";
    read_real(&clip, "x", 0, 100000, &o->clip.x);
    read_real(&clip, "y", 0, 100000, &o->clip.y);
    read_real(&clip, "width", 1, 16384, &o->clip.width);
    read_real(&clip, "height", 1, 16384, &o->clip.height);
    if (o->clip.width < 1 || o->clip.height < 1)
        refuse_option(r, "clip", "needs a width and a height");
    else if (o->clip.width * o->clip.height * o->device_scale_factor *
                 o->device_scale_factor >
             SHOT_PIXELS_MAX)
        refuse_option(r, "clip", "is too large: at most %d pixels",
                      SHOT_PIXELS_MAX);
}

static void read_position(struct option_reader *r, struct shot_options *o)
{
    struct option_reader position;
    double none = -1000;

    o->latitude = o->longitude = none;
    if (!read_object(r, "geolocation", &position))
        return;
    position.prefix = "geolocation.";
    read_real(&position, "latitude", -90, 90, &o->latitude);
    read_real(&position, "longitude", -180, 180, &o->longitude);
    o->has_position = true;
    if (o->latitude <= none || o->longitude <= none)
        refuse_option(r, "geolocation", "needs a latitude and a longitude");
}

static void read_scroll(struct option_reader *r, struct shot_options *o)
{
    struct option_reader scroll;

    if (!read_object(r, "scroll", &scroll))
        return;
    scroll.prefix = "scroll.";
    read_switch(&scroll, "enabled", &o->scroll);
}

/* Of the contract, but not done yet: silence would be a lie.  Asking for it not
 * to be done is fine. */
static void refuse_unsupported(struct option_reader *r)
{
    bool block_ads = false;

    read_switch(r, "blockAds", &block_ads);
    if (block_ads)
        refuse_option(r, "blockAds", "is not supported by this version");
}

static void read_subject(struct option_reader *r, struct shot_options *o,
                         struct fault *fault)
{
    const char *why = NULL;

    /* A URL of any length is a URL; url_check() has the limit. */
    read_text(r, "url", SHOT_REQUEST_BYTES, &o->url);
    read_text(r, "html", SHOT_REQUEST_BYTES, &o->html);
    read_text(r, "webhookUrl", LIMIT_URL_BYTES, &o->webhook_url);
    if (!reader_is_fine(r))
        return;
    if (!o->url == !o->html)
        fault_set(fault, FAILURE_INVALID_REQUEST,
                  "either url or html is needed, and not both");
    else if (o->url && url_check(o->url, &why) != 0)
        fault_set(fault, FAILURE_INVALID_URL, "url cannot be captured: %s",
                  why);
    else if (o->webhook_url && url_check(o->webhook_url, &why) != 0)
        refuse_option(r, "webhookUrl", "cannot be called: %s", why);
}

static void read_all(struct option_reader *r, struct shot_options *o,
                     int64_t timeout_ms)
{
    read_switch(r, "async", &o->async);
    read_viewport(r, o);
    read_format(r, o);
    read_switch(r, "fullPage", &o->full_page);
    read_switch(r, "omitBackground", &o->omit_background);
    read_clip(r, o);
    read_text(r, "selector", TEXT_BYTES, &o->selector);
    read_pdf(r, &o->pdf);

    read_switch(r, "darkMode", &o->dark_mode);
    read_text(r, "userAgent", TEXT_BYTES, &o->user_agent);
    read_text(r, "timezone", TEXT_BYTES, &o->timezone);
    read_position(r, o);
    read_headers(r, &o->headers);
    read_cookies(r, o->url, &o->cookies);

    read_text(r, "css", SCRIPT_BYTES, &o->css);
    read_text(r, "javascript", SCRIPT_BYTES, &o->javascript);
    read_selectors(r, "hideSelectors", &o->hide_selectors);
    read_scroll(r, o);
    read_text(r, "waitForSelector", TEXT_BYTES, &o->wait_for_selector);
    read_switch(r, "waitForNetworkIdle", &o->wait_for_network_idle);
    read_number(r, "delay", 0, 10000, &o->delay_ms);
    o->timeout_ms = timeout_ms;
    read_number(r, "timeout", 1, LIMIT_CAPTURE_MS, &o->timeout_ms);
    refuse_unsupported(r);
}

int shot_options_parse(struct shot_options *out, const char *ptr, size_t len,
                       int64_t timeout_ms, struct fault *fault)
{
    char error[256];
    struct option_reader r = { .prefix = "", .fault = fault };

    *out = (struct shot_options){ .url = NULL };
    *fault = (struct fault){ .failure = FAILURE_NONE };
    r.root = json_parse(ptr, len, error, sizeof error);
    if (!json_object_is_type(r.root, json_type_object)) {
        fault_set(fault, FAILURE_INVALID_REQUEST,
                  "the body must be a JSON object%s%s", r.root ? "" : ": ",
                  r.root ? "" : error);
    } else {
        read_subject(&r, out, fault);
        read_all(&r, out, timeout_ms);
    }
    json_object_put(r.root);
    return fault->failure == FAILURE_NONE ? 0 : -1;
}

void shot_options_release(struct shot_options *o)
{
    free(o->url);
    free(o->html);
    free(o->webhook_url);
    free(o->selector);
    free(o->user_agent);
    free(o->timezone);
    free(o->css);
    free(o->javascript);
    free(o->wait_for_selector);
    json_object_put(o->headers);
    json_object_put(o->cookies);
    json_object_put(o->hide_selectors);
    *o = (struct shot_options){ .url = NULL };
}
