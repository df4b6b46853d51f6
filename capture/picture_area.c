#include "capture/picture_area.h"

#include <math.h>
#include <string.h>

#include "capture/json_put.h"
#include "common/json.h"

static double real_at(struct json_object *root, const char *path)
{
    struct json_object *value = json_at(root, path);

    return value ? json_object_get_double(value) : 0;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Cuts the height to what the picture may have. */
static void cut(struct picture_area *area, const struct shot_options *o)
{
    double pixels =
        o->device_scale_factor * area->scale; /* for one CSS pixel */
    double limit =
        o->format == IMAGE_WEBP ? PICTURE_HEIGHT_MAX_WEBP : PICTURE_HEIGHT_MAX;

    limit = least(limit, floor(SHOT_PIXELS_MAX / (area->width * pixels)));
    if (area->height * pixels > limit) {
        area->height = limit / pixels;
        area->truncated = true;
    }
}

void picture_area_of_page(struct picture_area *out,
                          const struct shot_options *o,
                          struct json_object *metrics)
{
    double width = real_at(metrics, "cssVisualViewport.clientWidth");
    double height = real_at(metrics, "cssContentSize.height");
    double screen = (double)o->width;

    if (width < 1)
        width = screen;
    /* The picture is as wide as the screen, whatever sticks out of it. */
    *out = (struct picture_area){ .width = width,
                                  .height = height < 1 ? 1 : height,
                                  .scale = screen / width };
    cut(out, o);
}

void picture_area_of_element(struct picture_area *out,
                             const struct shot_options *o,
                             struct json_object *place)
{
    *out = (struct picture_area){ .x = real_at(place, "x"),
                                  .y = real_at(place, "y"),
                                  .width = real_at(place, "width"),
                                  .height = real_at(place, "height"),
                                  .scale = 1 };
    cut(out, o);
}

struct json_object *picture_params(const struct shot_options *o,
                                   const struct picture_area *area)
{
    struct picture_area a = *area;
    struct json_object *params =
        object_with_text("format", strchr(image_mime(o->format), '/') + 1);
    struct json_object *clip = NULL;

    if (o->format != IMAGE_PNG)
        put_number(params, "quality", o->quality);
    if (o->clip.width > 0 && !o->selector)
        a = (struct picture_area){ .x = o->clip.x,
                                   .y = o->clip.y,
                                   .width = o->clip.width,
                                   .height = o->clip.height,
                                   .scale = 1 };
    if (a.width > 0) {
        put_bool(params, "captureBeyondViewport", true);
        clip = put_object(params, "clip");
        put_real(clip, "x", a.x);
        put_real(clip, "y", a.y);
        put_real(clip, "width", a.width);
        put_real(clip, "height", a.height);
        put_real(clip, "scale", a.scale);
    }
    return params;
}

struct json_object *pdf_params(const struct shot_pdf *pdf)
{
    struct json_object *params = json_object_new_object();

    put_bool(params, "landscape", pdf->landscape);
    put_bool(params, "printBackground", pdf->print_background);
    put_real(params, "scale", pdf->scale);
    put_real(params, "paperWidth", pdf->width_in);
    put_real(params, "paperHeight", pdf->height_in);
    put_real(params, "marginTop", pdf->margin_in.top);
    put_real(params, "marginRight", pdf->margin_in.right);
    put_real(params, "marginBottom", pdf->margin_in.bottom);
    put_real(params, "marginLeft", pdf->margin_in.left);
    return params;
}
