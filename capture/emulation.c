#include "capture/emulation.h"

#include "capture/json_put.h"

static void send(struct tab *t, const char *method, struct json_object *params)
{
    tab_call(t, method, params, NULL, NULL);
}

static void set_viewport(struct tab *t, const struct shot_options *o)
{
    struct json_object *params = json_object_new_object();

    put_number(params, "width", o->width);
    put_number(params, "height", o->height);
    put_real(params, "deviceScaleFactor", o->device_scale_factor);
    put_bool(params, "mobile", o->is_mobile);
    send(t, "Emulation.setDeviceMetricsOverride", params);
    if (!o->is_mobile)
        return;
    params = json_object_new_object();
    put_bool(params, "enabled", true);
    send(t, "Emulation.setTouchEmulationEnabled", params);
}

static void set_dark_mode(struct tab *t)
{
    struct json_object *params = json_object_new_object();
    struct json_object *features = json_object_new_array();
    struct json_object *scheme =
        object_with_text("name", "prefers-color-scheme");

    put_text(scheme, "value", "dark");
    json_object_array_add(features, scheme);
    put_value(params, "features", features);
    send(t, "Emulation.setEmulatedMedia", params);
}

static void set_position(struct tab *t, const struct shot_options *o)
{
    struct json_object *params = json_object_new_object();
    struct json_object *permissions = json_object_new_array();

    json_object_array_add(permissions, json_object_new_string("geolocation"));
    put_value(params, "permissions", permissions);
    tab_call_context(t, "Browser.grantPermissions", params, NULL, NULL);
    params = json_object_new_object();
    put_real(params, "latitude", o->latitude);
    put_real(params, "longitude", o->longitude);
    put_real(params, "accuracy", 1);
    send(t, "Emulation.setGeolocationOverride", params);
}

static void set_no_background(struct tab *t)
{
    struct json_object *params = json_object_new_object();
    struct json_object *color = put_object(params, "color");

    put_number(color, "r", 0);
    put_number(color, "g", 0);
    put_number(color, "b", 0);
    put_number(color, "a", 0);
    send(t, "Emulation.setDefaultBackgroundColorOverride", params);
}

void emulate(struct tab *t, const struct shot_options *o)
{
    struct json_object *params = NULL;

    set_viewport(t, o);
    if (o->dark_mode)
        set_dark_mode(t);
    if (o->user_agent)
        send(t, "Emulation.setUserAgentOverride",
             object_with_text("userAgent", o->user_agent));
    if (o->has_position)
        set_position(t, o);
    if (o->omit_background)
        set_no_background(t);
    if (o->headers) {
        params = json_object_new_object();
        put_value(params, "headers", json_object_get(o->headers));
        send(t, "Network.setExtraHTTPHeaders", params);
    }
}
