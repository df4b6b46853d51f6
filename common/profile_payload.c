/* What a webhook or a status answer says, by a profile's payload map. */
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/profile.h"

/* ids, codes and event names: a provider's are far shorter */
enum { NAME_MAX_BYTES = 256 };

static const char *find_text(struct json_object *root, const struct places *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const char *text = json_text(root, p->items[i].path);

        if (text)
            return text;
    }
    return NULL;
}

static char *take_text(struct json_object *root, const struct places *p,
                       size_t max_bytes)
{
    const char *text = find_text(root, p);

    return text && strlen(text) <= max_bytes ? mem_strdup(text) : NULL;
}

/* As take_text(), but cut between two characters where it is too long. */
static char *take_start(struct json_object *root, const struct places *p,
                        size_t max_bytes)
{
    const char *text = find_text(root, p);
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

/* Some providers number their jobs. */
static char *take_id(struct json_object *root, const struct places *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const char *path = p->items[i].path;
        const char *text = json_text(root, path);
        int64_t number = json_number(root, path, -1);

        if (text)
            return *text && strlen(text) <= NAME_MAX_BYTES ? mem_strdup(text)
                                                           : NULL;
        if (number >= 0)
            return mem_format("%" PRId64, number);
    }
    return NULL;
}

static int64_t take_number(struct json_object *root, const struct places *p,
                           int64_t min, int64_t max)
{
    for (size_t i = 0; i < p->count; i++) {
        int64_t number = json_number(root, p->items[i].path, -1);

        if (number >= min && number <= max)
            return number;
    }
    return -1;
}

static int take_bool(struct json_object *root, const struct places *p)
{
    int value = -1;

    for (size_t i = 0; i < p->count && value < 0; i++)
        value = json_boolean(root, p->items[i].path);
    return value;
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
    if (e->image_url)
        return EVENT_COMPLETED;
    return e->error || e->error_code ? EVENT_FAILED : EVENT_UNCLEAR;
}

int event_parse(struct event *out, const struct payload_map *map,
                const char *body, size_t body_len, char *error,
                size_t error_size)
{
    struct json_object *root = NULL;
    int result = -1;

    *out = (struct event){
        .kind = EVENT_UNCLEAR,
        .width = -1,
        .height = -1,
        .size_bytes = -1,
        .progress = -1,
    };
    root = json_parse(body, body_len, error, error_size);
    if (!root)
        goto out;
    if (!json_object_is_type(root, json_type_object)) {
        snprintf(error, error_size, "not a JSON object");
        goto out;
    }
    out->word = take_start(root, &map->event, NAME_MAX_BYTES);
    if (!out->word)
        out->word = take_start(root, &map->status, NAME_MAX_BYTES);
    out->provider_job = take_id(root, &map->job_id);
    out->image_url = take_text(root, &map->image, LIMIT_URL_BYTES);
    out->error = take_start(root, &map->error, LIMIT_ERROR_BYTES);
    out->error_code = take_text(root, &map->error_code, NAME_MAX_BYTES);
    out->width = take_number(root, &map->width, 1, INT32_MAX);
    out->height = take_number(root, &map->height, 1, INT32_MAX);
    out->size_bytes = take_number(root, &map->size, 0, INT64_MAX);
    out->progress = take_number(root, &map->progress, 0, 100);
    out->kind = out->word
                    ? kind_of_word(map, out->word)
                    : kind_without_word(out, take_bool(root, &map->success));
    result = 0;
out:
    json_object_put(root); /* accepts NULL */
    return result;
}

void event_release(struct event *e)
{
    free(e->word);
    free(e->provider_job);
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
