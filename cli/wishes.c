#include "cli/wishes.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "common/json.h"
#include "common/mem.h"

/* api takes no more in one request. */
enum { LINE_MAX_BYTES = 1024 * 1024 };

void wishes_init(struct wishes *w)
{
    *w = (struct wishes){ 0 };
}

void wishes_release(struct wishes *w)
{
    for (size_t i = 0; i < w->count; i++) {
        json_object_put(w->items[i].body);
        json_object_put(w->items[i].document);
        free(w->items[i].id);
    }
    free(w->items);
    free(w->by_id);
    wishes_init(w);
}

/* Takes `body`. */
static void add(struct wishes *w, struct json_object *body)
{
    if (w->count == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 16;
        w->items = mem_resize_array(w->items, w->cap, sizeof *w->items);
    }
    w->items[w->count++] = (struct wish){ .body = body };
}

/* Adds what `body` does not say itself. */
static void complete(struct json_object *body, struct json_object *options)
{
    json_object_object_foreach(options, name, value)
    {
        if (!json_object_object_get_ex(body, name, NULL))
            json_object_object_add(body, name, json_object_get(value));
    }
}

void wishes_add(struct wishes *w, const char *url, struct json_object *options)
{
    struct json_object *body = json_object_new_object();

    json_object_object_add(body, "url", json_object_new_string(url));
    complete(body, options);
    add(w, body);
}

/* -1 with the reason in `error`. */
static int add_line(struct wishes *w, const char *line, size_t len,
                    struct json_object *options, char *error, size_t error_size)
{
    struct json_object *body;

    if (memchr(line, '\0', len)) {
        snprintf(error, error_size, "there is a NUL byte in it");
        return -1;
    }
    if (line[0] != '{') {
        wishes_add(w, line, options);
        return 0;
    }
    body = json_parse(line, len, error, error_size);
    if (!body)
        return -1;
    if (!json_text(body, "url")) {
        snprintf(error, error_size, "its \"url\" is missing, or is no text");
        json_object_put(body);
        return -1;
    }
    complete(body, options);
    add(w, body);
    return 0;
}

int wishes_read(struct wishes *w, FILE *f, const char *name,
                struct json_object *options)
{
    char *line = NULL;
    size_t size = 0, number = 0;
    ssize_t got;
    int rc = 0;

    while (rc == 0 && (got = getline(&line, &size, f)) >= 0) {
        char error[128] = "";
        size_t len = (size_t)got;
        size_t blank = strspn(line, " \t");

        number++;
        while (len > 0 && strchr(" \t\r\n", line[len - 1]) && line[len - 1])
            line[--len] = '\0';
        if (blank >= len || line[blank] == '#')
            continue;
        if (len > LINE_MAX_BYTES) {
            snprintf(error, sizeof error, "it is longer than %d bytes",
                     LINE_MAX_BYTES);
            rc = -1;
        } else {
            rc = add_line(w, line + blank, len - blank, options, error,
                          sizeof error);
        }
        if (rc != 0)
            cli_complain("%s, line %zu: %s", name, number, error);
    }
    if (rc == 0 && ferror(f)) {
        cli_complain("could not read %s: %s", name, strerror(errno));
        rc = -1;
    }
    free(line);
    return rc;
}

const char *wish_url(const struct wish *w)
{
    const char *url = json_text(w->body, "url");

    return url ? url : "";
}

static int compare(const void *a, const void *b)
{
    const struct wish *const *x = a, *const *y = b;

    return strcmp((*x)->id, (*y)->id);
}

void wishes_index(struct wishes *w)
{
    w->by_id = mem_resize_array(w->by_id, w->count, sizeof(struct wish *));
    w->by_id_count = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (w->items[i].id)
            w->by_id[w->by_id_count++] = &w->items[i];
    }
    if (w->by_id_count > 0)
        qsort(w->by_id, w->by_id_count, sizeof(struct wish *), compare);
}

struct wish *wishes_find(const struct wishes *w, const char *id)
{
    struct wish key = { .id = mem_strdup(id) };
    struct wish *const pointer = &key;
    struct wish **found = NULL;

    if (w->by_id_count > 0)
        found = bsearch(&pointer, w->by_id, w->by_id_count,
                        sizeof(struct wish *), compare);
    free(key.id);
    return found ? *found : NULL;
}
