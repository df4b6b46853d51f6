#include "capture/page_options.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "capture/json_put.h"

enum { TEXT_BYTES = 1024, VALUE_BYTES = 4096, COOKIE_BYTES = 4096 };

/* RFC 9110, section 5.6.2 */
static bool is_token(const char *s)
{
    static const char signs[] = "!#$%&'*+-.^_`|~";

    for (const char *p = s; *p != '\0'; p++) {
        if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
              (*p >= 'A' && *p <= 'Z') || strchr(signs, *p)))
            return false;
    }
    return *s != '\0';
}

static bool has_controls(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < ' ' && *s != '\t')
            return true;
    }
    return false;
}

/* Fields that say where a message goes or how it is framed. */
static bool is_forbidden(const char *name)
{
    static const char *const names[] = {
        "host", "connection", "content-length",    "keep-alive",
        "te",   "trailer",    "transfer-encoding", "upgrade"
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcasecmp(name, names[i]) == 0)
            return true;
    }
    return strncasecmp(name, "proxy-", 6) == 0;
}

void read_headers(struct option_reader *r, struct json_object **out)
{
    struct option_reader headers;

    if (!read_object(r, "headers", &headers))
        return;
    headers.prefix = "headers.";
    if (json_object_object_length(headers.root) > SHOT_HEADERS_MAX) {
        refuse_option(r, "headers", "must have at most %d members",
                      SHOT_HEADERS_MAX);
        return;
    }
    *out = json_object_new_object();
    json_object_object_foreach(headers.root, name, value)
    {
        char *text = NULL;

        (void)value;
        read_text(&headers, name, VALUE_BYTES, &text);
        if (!is_token(name) || is_forbidden(name))
            refuse_option(&headers, name, "may not be set");
        else if (text && has_controls(text))
            refuse_option(&headers, name, "contains a control character");
        else
            json_object_object_add(*out, name,
                                   json_object_new_string(text ? text : ""));
        free(text);
    }
}

static void read_cookie(struct option_reader *r, const char *url,
                        struct json_object *cookie)
{
    static const char *const texts[] = { "name", "value", "domain", "path",
                                         "url" };
    bool flags[] = { false, false };
    double expires = -1;
    char *same_site = NULL;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char *text = NULL;

        read_text(r, texts[i], COOKIE_BYTES, &text);
        if (text)
            put_text(cookie, texts[i], text);
        free(text);
    }
    if (!json_object_object_get_ex(cookie, "name", NULL))
        refuse_option(r, "name", "is needed");
    if (!json_object_object_get_ex(cookie, "value", NULL))
        put_text(cookie, "value", "");
    if (!json_object_object_get_ex(cookie, "domain", NULL) &&
        !json_object_object_get_ex(cookie, "url", NULL)) {
        if (url)
            put_text(cookie, "url", url);
        else
            refuse_option(r, "domain", "is needed");
    }
    read_switch(r, "secure", &flags[0]);
    read_switch(r, "httpOnly", &flags[1]);
    put_bool(cookie, "secure", flags[0]);
    put_bool(cookie, "httpOnly", flags[1]);
    read_real(r, "expires", -1, 1e11, &expires);
    if (expires > 0)
        put_real(cookie, "expires", expires);
    read_text(r, "sameSite", TEXT_BYTES, &same_site);
    if (same_site && strcmp(same_site, "Strict") != 0 &&
        strcmp(same_site, "Lax") != 0 && strcmp(same_site, "None") != 0)
        refuse_option(r, "sameSite", "must be Strict, Lax or None");
    else if (same_site)
        put_text(cookie, "sameSite", same_site);
    free(same_site);
}

void read_cookies(struct option_reader *r, const char *url,
                  struct json_object **out)
{
    struct json_object *list = read_list(r, "cookies", SHOT_COOKIES_MAX);

    if (!list)
        return;
    *out = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct option_reader one = *r;
        struct json_object *cookie = json_object_new_object();

        json_object_array_add(*out, cookie);
        one.root = json_object_array_get_idx(list, i);
        one.prefix = "cookies.";
        if (!json_object_is_type(one.root, json_type_object))
            refuse_option(r, "cookies", "must be a list of objects");
        else
            read_cookie(&one, url, cookie);
    }
}

void read_selectors(struct option_reader *r, const char *name,
                    struct json_object **out)
{
    struct json_object *list = read_list(r, name, SHOT_HIDE_MAX);

    if (!list)
        return;
    *out = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i);

        if (!json_object_is_type(one, json_type_string) ||
            json_object_get_string_len(one) > TEXT_BYTES) {
            refuse_option(r, name, "must be a list of CSS selectors");
            return;
        }
        json_object_array_add(*out, json_object_get(one));
    }
}

/* Inches of "1cm", "10mm", "0.4in", "96px" or a number of pixels. */
static void read_length(struct option_reader *r, const char *name, double *out)
{
    static const struct {
        const char *name;
        double inches;
    } units[] = { { "", 1 / 96.0 },
                  { "px", 1 / 96.0 },
                  { "in", 1 },
                  { "cm", 1 / 2.54 },
                  { "mm", 1 / 25.4 } };
    struct json_object *value = NULL;
    char *text = NULL;
    char *end = NULL;
    double number = 0;

    json_object_object_get_ex(r->root, name, &value);
    if (!json_object_is_type(value, json_type_string)) {
        number = *out * 96;
        read_real(r, name, 0, 1000, &number);
        *out = number / 96;
        return;
    }
    read_text(r, name, TEXT_BYTES, &text);
    number = text ? strtod(text, &end) : -1;
    for (size_t i = 0; end && end != text && i < ARRAY_LEN(units); i++) {
        if (strcmp(end, units[i].name) == 0 && number >= 0 && number <= 1000) {
            *out = number * units[i].inches;
            free(text);
            return;
        }
    }
    refuse_option(r, name, "must be a length such as 20, \"1cm\" or \"0.4in\"");
    free(text);
}

static void read_paper(struct option_reader *r, struct shot_pdf *out)
{
    static const struct {
        const char *name;
        double width_in, height_in;
    } papers[] = { { "A4", 8.27, 11.7 }, { "A3", 11.7, 16.54 },
                   { "A5", 5.83, 8.27 }, { "Letter", 8.5, 11 },
                   { "Legal", 8.5, 14 }, { "Tabloid", 11, 17 } };
    const char *wanted = papers[0].name;
    char *name = NULL;

    read_text(r, "format", TEXT_BYTES, &name);
    if (name)
        wanted = name;
    for (size_t i = 0; i < ARRAY_LEN(papers); i++) {
        if (strcasecmp(papers[i].name, wanted) == 0) {
            out->width_in = papers[i].width_in;
            out->height_in = papers[i].height_in;
            free(name);
            return;
        }
    }
    refuse_option(r, "format", "must be A3, A4, A5, Letter, Legal or Tabloid");
    free(name);
}

void read_pdf(struct option_reader *r, struct shot_pdf *out)
{
    struct option_reader pdf;
    struct option_reader margin;

    *out = (struct shot_pdf){ .width_in = 8.27,
                              .height_in = 11.7,
                              .scale = 1,
                              .print_background = true };
    if (!read_object(r, "pdfOptions", &pdf))
        return;
    pdf.prefix = "pdfOptions.";
    read_paper(&pdf, out);
    read_switch(&pdf, "landscape", &out->landscape);
    read_switch(&pdf, "printBackground", &out->print_background);
    read_real(&pdf, "scale", 0.1, 2, &out->scale);
    if (!read_object(&pdf, "margin", &margin))
        return;
    margin.prefix = "pdfOptions.margin.";
    read_length(&margin, "top", &out->margin_in.top);
    read_length(&margin, "right", &out->margin_in.right);
    read_length(&margin, "bottom", &out->margin_in.bottom);
    read_length(&margin, "left", &out->margin_in.left);
}
