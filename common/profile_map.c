#include "common/profile_map.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"

/* places */

static bool read_place(const struct fields *f, const char *name,
                       const char *text, struct place *out)
{
    static const char body[] = "body:";

    if (strncmp(text, body, sizeof body - 1) == 0 &&
        fields_is_json_path(text + sizeof body - 1)) {
        *out = (struct place){ PLACE_BODY, text + sizeof body - 1 };
        return true;
    }
    fields_fail(f, name, "\"%.64s\" is no place like \"body:data.url\"", text);
    return false;
}

void map_read_places(const struct fields *f, const char *name,
                     struct places *out)
{
    size_t count = 0;
    const char **texts = fields_texts(f, name, &count);

    if (count > 0)
        out->items = mem_resize_array(NULL, count, sizeof *out->items);
    while (out->count < count &&
           read_place(f, name, texts[out->count], &out->items[out->count]))
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

void map_read_payload(const struct fields *parent, struct payload_map *map)
{
    static const char *const keys[] = {
        "event", "job_id", "status", "success",  "image", "error", "error_code",
        "width", "height", "size",   "progress", "words", NULL,
    };
    struct fields f;

    fields_need(parent, "payload");
    if (!fields_open(&f, parent, "payload"))
        return;
    fields_only(&f, keys);
    map_read_places(&f, "event", &map->event);
    map_read_places(&f, "job_id", &map->job_id);
    map_read_places(&f, "status", &map->status);
    map_read_places(&f, "success", &map->success);
    map_read_places(&f, "image", &map->image);
    map_read_places(&f, "error", &map->error);
    map_read_places(&f, "error_code", &map->error_code);
    map_read_places(&f, "width", &map->width);
    map_read_places(&f, "height", &map->height);
    map_read_places(&f, "size", &map->size);
    map_read_places(&f, "progress", &map->progress);
    read_words(&f, map);
    if (map->event.count + map->status.count > 0 && map->word_count == 0)
        fields_fail(&f, "words", "must say what event and status mean");
    if (map->event.count + map->status.count + map->success.count +
            map->image.count ==
        0)
        fields_fail(&f, "",
                    "needs one of event, status, success, image: nothing else "
                    "tells how a capture ended");
}

void map_release(struct payload_map *map)
{
    free(map->event.items);
    free(map->job_id.items);
    free(map->status.items);
    free(map->success.items);
    free(map->image.items);
    free(map->error.items);
    free(map->error_code.items);
    free(map->width.items);
    free(map->height.items);
    free(map->size.items);
    free(map->progress.items);
    free(map->words);
}
