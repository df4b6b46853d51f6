#include "common/profile_map.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"

/* places */

static const struct {
    const char *prefix;
    enum place_kind kind;
    bool (*is_fine)(const char *);
} kinds_of_place[] = {
    { "body:", PLACE_BODY, fields_is_json_path },
    { "header:", PLACE_HEADER, fields_is_header_name },
    { "query:", PLACE_QUERY, fields_is_query_name },
};

static bool read_place(const struct fields *f, const char *name,
                       const char *text, bool outside, struct place *out)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds_of_place); i++) {
        size_t len = strlen(kinds_of_place[i].prefix);

        if (strncmp(text, kinds_of_place[i].prefix, len) != 0 ||
            !kinds_of_place[i].is_fine(text + len))
            continue;
        *out = (struct place){ kinds_of_place[i].kind, text + len, text };
        if (out->kind == PLACE_BODY || outside)
            return true;
        fields_fail(f, name, "\"%.64s\": only a place in the body will do here",
                    text);
        return false;
    }
    fields_fail(f, name, "\"%.64s\" is no place like \"body:data.url\"%s", text,
                outside ? ", \"header:X-Id\" or \"query:id\"" : "");
    return false;
}

void map_read_places(const struct fields *f, const char *name, bool outside,
                     struct places *out)
{
    size_t count = 0;
    const char **texts = fields_texts(f, name, &count);

    if (count > 0)
        out->items = mem_resize_array(NULL, count, sizeof *out->items);
    while (out->count < count && read_place(f, name, texts[out->count], outside,
                                            &out->items[out->count]))
        out->count++;
    free(texts);
}

/* payload */

static void add_word(const struct fields *f, const char *word,
                     struct payload_map *map)
{
    static const char *const kinds[] = { "completed", "failed", "progress",
                                         "ignored", NULL };
    int kind = fields_choice(f, word, kinds, EVENT_IGNORED);

    fields_need(f, word); /* a null */
    for (size_t i = 0; i < map->word_count; i++) {
        if (strcasecmp(map->words[i].word, word) == 0)
            fields_fail(f, word, "stands here twice; case does not matter");
    }
    map->words =
        mem_resize_array(map->words, map->word_count + 1, sizeof *map->words);
    map->words[map->word_count++] =
        (struct event_word){ word, (enum event_kind)kind };
}

static void read_words(const struct fields *payload, struct payload_map *map)
{
    struct fields words;

    if (!fields_open(&words, payload, "words"))
        return;
    json_object_object_foreach(words.object, word, value)
    {
        (void)value;
        add_word(&words, word, map);
    }
}

/* All that is found by places. */
static const struct {
    const char *name;
    size_t offset;
} lists[] = {
    { "event", offsetof(struct payload_map, event) },
    { "job_id", offsetof(struct payload_map, job_id) },
    { "own_job_id", offsetof(struct payload_map, own_job_id) },
    { "page_url", offsetof(struct payload_map, page_url) },
    { "status", offsetof(struct payload_map, status) },
    { "success", offsetof(struct payload_map, success) },
    { "image", offsetof(struct payload_map, image) },
    { "image_base64", offsetof(struct payload_map, image_base64) },
    { "error", offsetof(struct payload_map, error) },
    { "error_code", offsetof(struct payload_map, error_code) },
    { "width", offsetof(struct payload_map, width) },
    { "height", offsetof(struct payload_map, height) },
    { "size", offsetof(struct payload_map, size) },
    { "progress", offsetof(struct payload_map, progress) },
};

size_t map_list_count(void)
{
    return ARRAY_LEN(lists);
}

struct places *map_list(struct payload_map *map, size_t i)
{
    return (struct places *)((char *)map + lists[i].offset);
}

static void add_outside(struct payload_map *map, const struct places *p)
{
    struct places *all = &map->outside;

    for (size_t i = 0; i < p->count; i++) {
        if (p->items[i].kind == PLACE_BODY)
            continue;
        all->items =
            mem_resize_array(all->items, all->count + 1, sizeof *all->items);
        all->items[all->count++] = p->items[i];
    }
}

static void check_payload(const struct fields *f, const struct payload_map *map)
{
    if (map->event.count + map->status.count > 0 && map->word_count == 0)
        fields_fail(f, "words", "must say what event and status mean");
    if (map->event.count + map->status.count + map->success.count +
                map->image.count + map->image_base64.count ==
            0 &&
        !map->image_in_body)
        fields_fail(f, "",
                    "needs one of event, status, success, image, image_base64, "
                    "image_in_body: nothing else tells how a capture ended");
}

void map_read_payload(const struct fields *parent, bool webhook,
                      struct payload_map *map)
{
    static const char *const keys[] = {
        "event",    "job_id",       "own_job_id",    "status",   "success",
        "image",    "image_base64", "image_in_body", "error",    "error_code",
        "width",    "height",       "size",          "progress", "words",
        "page_url", NULL,
    };
    struct fields f;

    fields_need(parent, "payload");
    if (!fields_open(&f, parent, "payload"))
        return;
    fields_only(&f, keys);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        map_read_places(&f, lists[i].name, webhook, map_list(map, i));
        add_outside(map, map_list(map, i));
    }
    map->image_in_body = fields_bool(&f, "image_in_body", false);
    if (map->image_in_body && !webhook)
        fields_fail(&f, "image_in_body", "only a webhook's body can be it");
    read_words(&f, map);
    check_payload(&f, map);
}

void map_release(struct payload_map *map)
{
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        free(map_list(map, i)->items);
    free(map->outside.items);
    free(map->words);
}
