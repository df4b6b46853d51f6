#include "api/wish.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/token.h"

/* Adds a capture or batch; false when it is no id. */
static bool add(struct wish *w, enum topic_kind kind, struct json_object *id)
{
    const char *text = json_text(id, "");
    struct topic_name *name = &w->names[w->count];

    if (!text || !uuid_is_valid(text))
        return false;
    *name = (struct topic_name){ .kind = kind };
    for (size_t i = 0; text[i]; i++)
        name->id[i] = (char)tolower((unsigned char)text[i]);
    w->count++;
    return true;
}

static const char *read_list(struct wish *w, struct json_object *list)
{
    size_t count = json_object_array_length(list);

    if (count == 0 || count > SUBSCRIPTIONS_MAX)
        return "must list 1 to 1000 ids";
    w->names = mem_resize_array(w->names, count, sizeof *w->names);
    for (size_t i = 0; i < count; i++)
        if (!add(w, TOPIC_CAPTURE, json_object_array_get_idx(list, i)))
            return "has an element that is no capture's id";
    return NULL;
}

static const char *read_object(struct wish *w, struct json_object *o)
{
    struct json_object *batch = json_at(o, "batch");

    if (json_object_object_length(o) != 1)
        return "must have either `batch` or `all`";
    if (batch)
        return add(w, TOPIC_BATCH, batch) ? NULL
                                          : "has a `batch` that is no id";
    if (json_boolean(o, "all") != 1)
        return "must be {\"batch\":ID} or {\"all\":true}";
    w->names[w->count++] = (struct topic_name){ .kind = TOPIC_ALL };
    return NULL;
}

/* NULL, or what is wrong with it. */
static const char *read_names(struct wish *w, struct json_object *what)
{
    w->names = mem_resize_array(NULL, 1, sizeof *w->names);
    if (json_object_is_type(what, json_type_array))
        return read_list(w, what);
    if (json_object_is_type(what, json_type_object))
        return read_object(w, what);
    return add(w, TOPIC_CAPTURE, what)
               ? NULL
               : "must be a capture's id, an array of ids, {\"batch\":ID} or "
                 "{\"all\":true}";
}

static int fail(char *error, size_t error_size, const char *field,
                const char *reason)
{
    snprintf(error, error_size, "`%s` %s", field, reason);
    return -1;
}

static int read_options(struct wish *w, struct json_object *options,
                        char *error, size_t error_size)
{
    w->token = json_text(options, "token");
    w->since = json_text(options, "since");
    if (json_at(options, "token") && !w->token)
        return fail(error, error_size, "token", "must be a text");
    if (json_at(options, "since") && !w->since)
        return fail(error, error_size, "since", "must be a text");
    return 0;
}

static const char *verb(bool leave)
{
    return leave ? "unsubscribe" : "subscribe";
}

int wish_read(struct wish *w, bool leave, struct json_object *what,
              struct json_object *options, char *error, size_t error_size)
{
    const char *wrong;

    *w = (struct wish){ .leave = leave };
    w->root = json_object_new_array();
    json_object_array_add(w->root, json_object_get(what));
    json_object_array_add(w->root, json_object_get(options));
    wrong = read_names(w, what);
    if (wrong)
        return fail(error, error_size, verb(leave), wrong);
    return read_options(w, options, error, error_size);
}

static bool ref_is_fine(struct json_object *ref)
{
    enum { REF_MAX_BYTES = 128 };

    return !ref || json_object_is_type(ref, json_type_int) ||
           (json_object_is_type(ref, json_type_string) &&
            json_object_get_string_len(ref) <= REF_MAX_BYTES);
}

int wish_parse(struct wish *w, const char *ptr, size_t len, char *error,
               size_t error_size)
{
    char reason[128] = "";
    struct json_object *root = json_parse(ptr, len, reason, sizeof reason);
    bool leave = json_at(root, "unsubscribe") != NULL;
    struct json_object *ref;
    int rc;

    *w = (struct wish){ 0 };
    if (!root || !json_object_is_type(root, json_type_object)) {
        json_object_put(root);
        snprintf(error, error_size, "send a JSON object: %s",
                 *reason ? reason : "this is none");
        return -1;
    }
    rc = wish_read(w, leave, json_at(root, verb(leave)), root, error,
                   error_size);
    ref = json_at(root, "ref");
    if (ref_is_fine(ref))
        w->ref = ref;
    else
        rc = fail(error, error_size, "ref",
                  "must be a whole number or a text of at most 128 bytes");
    if (rc == 0 && leave == (json_at(root, "subscribe") != NULL))
        rc = fail(error, error_size, "subscribe",
                  "or `unsubscribe` must be there, and only one of them");
    json_object_put(root); /* w->root has its own reference */
    return rc;
}

void wish_release(struct wish *w)
{
    json_object_put(w->root);
    free(w->names);
    *w = (struct wish){ 0 };
}
