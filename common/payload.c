#include "common/payload.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/encoding.h"
#include "common/image.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/token.h"

/* ids, codes and event names: a provider's are far shorter */
enum { NAME_MAX_BYTES = 256 };

/* What is there to be read, parsed. */
struct source {
    struct json_object *body; /* NULL: the body is a picture */
    struct json_object *head; /* or NULL */
};

/* Headers and parameters are texts, whatever they mean. */
static const char *text_at(const struct source *s, const struct place *place)
{
    struct json_object *value = NULL;

    if (place->kind == PLACE_BODY)
        return json_text(s->body, place->path);
    if (!json_object_is_type(s->head, json_type_object))
        return NULL;
    json_object_object_get_ex(s->head, place->text, &value);
    return json_text(value, "");
}

static int64_t number_of_text(const char *text)
{
    size_t len = strspn(text, "0123456789");

    if (len == 0 || len > 18 || text[len] != '\0')
        return -1;
    return strtoll(text, NULL, 10);
}

/* Not negative; -1 when there is none. */
static int64_t number_at(const struct source *s, const struct place *place)
{
    const char *text = NULL;

    if (place->kind == PLACE_BODY)
        return json_number(s->body, place->path, -1);
    text = text_at(s, place);
    return text ? number_of_text(text) : -1;
}

static int boolean_at(const struct source *s, const struct place *place)
{
    const char *text = NULL;

    if (place->kind == PLACE_BODY)
        return json_boolean(s->body, place->path);
    text = text_at(s, place);
    if (!text)
        return -1;
    return strcasecmp(text, "true") == 0    ? 1
           : strcasecmp(text, "false") == 0 ? 0
                                            : -1;
}

static const char *find_text(const struct source *s, const struct places *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const char *text = text_at(s, &p->items[i]);

        if (text)
            return text;
    }
    return NULL;
}

static char *take_text(const struct source *s, const struct places *p,
                       size_t max_bytes)
{
    const char *text = find_text(s, p);

    return text && strlen(text) <= max_bytes ? mem_strdup(text) : NULL;
}

/* As take_text(), but cut between two characters where it is too long. */
static char *take_start(const struct source *s, const struct places *p,
                        size_t max_bytes)
{
    const char *text = find_text(s, p);
    size_t len = 0;

    if (!text)
        return NULL;
    len = strlen(text);
    if (len > max_bytes) {
        len = max_bytes;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
            len--;
    }
    return mem_dup(text, len);
}

/* Some providers number their jobs and errors. */
static char *take_id(const struct source *s, const struct places *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const char *text = text_at(s, &p->items[i]);
        int64_t number = number_at(s, &p->items[i]);

        if (text)
            return *text && strlen(text) <= NAME_MAX_BYTES ? mem_strdup(text)
                                                           : NULL;
        if (number >= 0)
            return mem_format("%" PRId64, number);
    }
    return NULL;
}

/* An id of ours is a UUID; what is none is somebody else's. */
static char *take_own_id(const struct source *s, const struct places *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const char *text = text_at(s, &p->items[i]);

        if (text && uuid_is_valid(text))
            return mem_strdup(text);
    }
    return NULL;
}

static int64_t take_number(const struct source *s, const struct places *p,
                           int64_t min, int64_t max)
{
    for (size_t i = 0; i < p->count; i++) {
        int64_t number = number_at(s, &p->items[i]);

        if (number >= min && number <= max)
            return number;
    }
    return -1;
}

static int take_bool(const struct source *s, const struct places *p)
{
    int value = -1;

    for (size_t i = 0; i < p->count && value < 0; i++)
        value = boolean_at(s, &p->items[i]);
    return value;
}

/* Plain base64, or a data: URL of it (RFC 2397). */
static void take_base64(struct event *out, const struct source *s,
                        const struct places *p)
{
    static const char mark[] = ";base64,";
    const char *text = find_text(s, p);
    const char *data = text;

    if (!text)
        return;
    if (strncmp(text, "data:", 5) == 0) {
        data = strstr(text, mark);
        data = data ? data + sizeof mark - 1 : "";
    }
    if (strlen(data) / 4 * 3 > LIMIT_PICTURE_BYTES)
        return;
    out->decoded = base64_decode(data, strlen(data), &out->picture_len);
    if (out->picture_len > 0)
        out->picture = (const char *)out->decoded;
}

static enum event_kind kind_of_word(const struct payload_map *map,
                                    const char *word)
{
    for (size_t i = 0; i < map->word_count; i++) {
        if (strcasecmp(map->words[i].word, word) == 0)
            return map->words[i].kind;
    }
    return EVENT_IGNORED;
}

/* What a body means that names no event: a boolean, else what came with it. */
static enum event_kind kind_without_word(const struct event *e, int success)
{
    if (success >= 0)
        return success ? EVENT_COMPLETED : EVENT_FAILED;
    if (e->image_url || e->picture)
        return EVENT_COMPLETED;
    return e->error || e->error_code ? EVENT_FAILED : EVENT_UNCLEAR;
}

/* "application/json; charset=utf-8", "application/problem+json" */
static bool is_json_type(const char *type)
{
    size_t len = type ? strcspn(type, "; \t") : 0;

    return (len == 16 && strncasecmp(type, "application/json", 16) == 0) ||
           (len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0);
}

bool payload_is_picture(const struct payload_map *map, const char *type)
{
    return map->image_in_body && !is_json_type(type);
}

static int parse_body(struct source *s, const struct event_source *from,
                      char *error, size_t error_size)
{
    s->body = json_parse(from->body, from->body_len, error, error_size);
    if (!s->body)
        return -1;
    if (json_object_is_type(s->body, json_type_object))
        return 0;
    snprintf(error, error_size, "not a JSON object");
    return -1;
}

static int take_picture(struct event *out, const struct event_source *from,
                        char *error, size_t error_size)
{
    struct image image;

    if (image_read(&image, from->body, from->body_len) != 0) {
        snprintf(error, error_size, "neither JSON nor PNG, JPEG, WebP or PDF");
        return -1;
    }
    out->picture = from->body;
    out->picture_len = from->body_len;
    return 0;
}

static void read_all(struct event *out, const struct payload_map *map,
                     const struct source *s)
{
    out->word = take_start(s, &map->event, NAME_MAX_BYTES);
    if (!out->word)
        out->word = take_start(s, &map->status, NAME_MAX_BYTES);
    out->provider_job = take_id(s, &map->job_id);
    out->own_job = take_own_id(s, &map->own_job_id);
    out->page_url = take_text(s, &map->page_url, LIMIT_URL_BYTES);
    out->image_url = take_text(s, &map->image, LIMIT_URL_BYTES);
    if (!out->picture)
        take_base64(out, s, &map->image_base64);
    out->error = take_start(s, &map->error, LIMIT_ERROR_BYTES);
    out->error_code = take_id(s, &map->error_code);
    out->width = take_number(s, &map->width, 1, INT32_MAX);
    out->height = take_number(s, &map->height, 1, INT32_MAX);
    out->size_bytes = take_number(s, &map->size, 0, INT64_MAX);
    out->progress = take_number(s, &map->progress, 0, 100);
    out->kind = out->word ? kind_of_word(map, out->word)
                          : kind_without_word(out, take_bool(s, &map->success));
}

int event_parse(struct event *out, const struct payload_map *map,
                const struct event_source *from, char *error, size_t error_size)
{
    struct source s = { NULL, NULL };
    char ignored[128];
    int result = -1;

    *out = (struct event){
        .kind = EVENT_UNCLEAR,
        .width = -1,
        .height = -1,
        .size_bytes = -1,
        .progress = -1,
    };
    result = payload_is_picture(map, from->type)
                 ? take_picture(out, from, error, error_size)
                 : parse_body(&s, from, error, error_size);
    if (result == 0) {
        if (from->head)
            s.head = json_parse(from->head, strlen(from->head), ignored,
                                sizeof ignored);
        read_all(out, map, &s);
    }
    json_object_put(s.body); /* accepts NULL */
    json_object_put(s.head);
    return result;
}

void event_release(struct event *e)
{
    free(e->word);
    free(e->provider_job);
    free(e->own_job);
    free(e->page_url);
    free(e->decoded);
    free(e->image_url);
    free(e->error);
    free(e->error_code);
    *e = (struct event){ .kind = EVENT_UNCLEAR };
}

const char *event_kind_name(enum event_kind k)
{
    static const char *const names[] = {
        [EVENT_COMPLETED] = "completed", [EVENT_FAILED] = "failed",
        [EVENT_PROGRESS] = "progress",   [EVENT_IGNORED] = "ignored",
        [EVENT_UNCLEAR] = "unclear",
    };

    return names[k];
}
