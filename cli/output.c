#include "cli/output.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/json.h"

enum colour { PLAIN, GREEN, RED, YELLOW, DIM, BOLD };

static const char *const escapes[] = {
    [PLAIN] = "\033[0m",   [GREEN] = "\033[32m", [RED] = "\033[31m",
    [YELLOW] = "\033[33m", [DIM] = "\033[2m",    [BOLD] = "\033[1m",
};

void output_init(struct output *o, FILE *out, const char *base, bool json)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    bool dumb = !term || strcmp(term, "dumb") == 0;

    *o = (struct output){ .out = out, .base = base, .json = json };
    o->terminal = isatty(fileno(out)) == 1 && !dumb;
    o->colour = o->terminal && !(no_color && *no_color);
}

void output_safely(FILE *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        /* C1 controls are two bytes in UTF-8: c2 80 to c2 9f */
        bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;

        fputc(*c < ' ' || *c == 0x7f || c1 ? '?' : *c, out);
        c += c1;
    }
}

static void set(const struct output *o, enum colour c)
{
    if (o->colour)
        fputs(escapes[c], o->out);
}

static void put(const struct output *o, enum colour c, const char *text)
{
    if (c != PLAIN)
        set(o, c);
    output_safely(o->out, text);
    if (c != PLAIN)
        set(o, PLAIN);
}

static enum colour colour_of(const char *status)
{
    if (strcmp(status, "completed") == 0)
        return GREEN;
    if (strcmp(status, "failed") == 0 || strcmp(status, "refused") == 0)
        return RED;
    return strcmp(status, "cancelled") == 0 ? DIM : YELLOW;
}

static const char *text_or(struct json_object *root, const char *path,
                           const char *fallback)
{
    const char *text = json_text(root, path);

    return text && *text ? text : fallback;
}

enum { DIMENSIONS_SIZE = 48 };

static const char *dimensions(struct json_object *d, char out[DIMENSIONS_SIZE])
{
    int64_t width = json_number(d, "image.width", 0);
    int64_t height = json_number(d, "image.height", 0);

    if (width > 0 && height > 0)
        snprintf(out, DIMENSIONS_SIZE, "%" PRId64 "x%" PRId64, width, height);
    else
        snprintf(out, DIMENSIONS_SIZE, "-");
    return out;
}

static void put_size(FILE *out, int64_t bytes)
{
    if (bytes < 1000)
        fprintf(out, "%" PRId64 " bytes", bytes);
    else if (bytes < 1000 * 1000)
        fprintf(out, "%.0f kB", (double)bytes / 1e3);
    else
        fprintf(out, "%.1f MB", (double)bytes / 1e6);
}

static void put_json(const struct output *o, struct json_object *value)
{
    fputs(json_object_to_json_string_ext(
              value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
          o->out);
    fputc('\n', o->out);
}

/* Picture URL, or "CODE: message", or "-". */
static void put_outcome(const struct output *o, struct json_object *d)
{
    const char *path = json_text(d, "image.url");

    if (path) {
        fputs(o->base, o->out);
        output_safely(o->out, path);
    } else if (json_at(d, "error")) {
        output_safely(o->out, text_or(d, "error.code", "UNKNOWN"));
        fputs(": ", o->out);
        output_safely(o->out, text_or(d, "error.message", "no reason given"));
    } else {
        fputc('-', o->out);
    }
}

static void put_plain(const struct output *o, struct json_object *d)
{
    char size[DIMENSIONS_SIZE];
    FILE *out = o->out;

    output_safely(out, text_or(d, "jobId", "-"));
    fputc('\t', out);
    output_safely(out, text_or(d, "status", "-"));
    fprintf(out, "\t%s\t", dimensions(d, size));
    if (json_at(d, "image"))
        fprintf(out, "%" PRId64 "\t", json_number(d, "image.size", 0));
    else
        fputs("-\t", out);
    put_outcome(o, d);
    fputc('\t', out);
    output_safely(out, text_or(d, "url", "-"));
    fputc('\n', out);
}

static void put_for_people(const struct output *o, struct json_object *d)
{
    const char *status = text_or(d, "status", "?");
    char size[DIMENSIONS_SIZE];

    put(o, BOLD, text_or(d, "url", "?"));
    fputs("\n  ", o->out);
    put(o, colour_of(status), status);
    if (json_at(d, "image")) {
        fprintf(o->out, "  %s  ", dimensions(d, size));
        put_size(o->out, json_number(d, "image.size", 0));
    } else if (json_at(d, "progress")) {
        fprintf(o->out, "  %" PRId64 " %%", json_number(d, "progress", 0));
    }
    if (json_at(d, "jobId")) {
        fputs("  ", o->out);
        put(o, DIM, text_or(d, "jobId", ""));
    }
    fputc('\n', o->out);
    if (json_at(d, "image") || json_at(d, "error")) {
        fputs("  ", o->out);
        put_outcome(o, d);
        fputc('\n', o->out);
    }
}

void output_capture(const struct output *o, struct json_object *document)
{
    if (o->json)
        put_json(o, document);
    else if (o->terminal)
        put_for_people(o, document);
    else
        put_plain(o, document);
    fflush(o->out);
}

void output_row(const struct output *o, struct json_object *document)
{
    const char *status = text_or(document, "status", "?");
    char size[DIMENSIONS_SIZE];

    if (o->json || !o->terminal) {
        output_capture(o, document);
        return;
    }
    put(o, DIM, text_or(document, "jobId", "-"));
    fputs("  ", o->out);
    put(o, colour_of(status), status);
    fprintf(o->out, "%*s  %-11s ", (int)(9 - strlen(status)), "",
            dimensions(document, size));
    put(o, PLAIN, text_or(document, "url", "?"));
    if (json_at(document, "error")) {
        fputs("  ", o->out);
        put(o, RED, text_or(document, "error.code", "UNKNOWN"));
    }
    fputc('\n', o->out);
}

void output_state(const struct output *o, bool up)
{
    put(o, up ? GREEN : RED, up ? "up" : "down");
}

void output_refusal(const struct output *o, const char *url, const char *code,
                    const char *reason)
{
    struct json_object *document = json_object_new_object();
    struct json_object *error = json_object_new_object();

    json_object_object_add(error, "code", json_object_new_string(code));
    json_object_object_add(error, "message", json_object_new_string(reason));
    json_object_object_add(document, "url", json_object_new_string(url));
    json_object_object_add(document, "status",
                           json_object_new_string("refused"));
    json_object_object_add(document, "error", error);
    output_capture(o, document);
    json_object_put(document);
}
