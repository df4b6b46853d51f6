#include "ingest/handover.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/json_escape.h"
#include "common/mem.h"

enum {
    VALUE_MAX_BYTES = 16 * 1024, /* the head of a request has no more */
    HEAD_MAX_BYTES = 256 * 1024,
};

/* head */

static int add_value(struct buf *out, const char *name, const char *value)
{
    if (buf_append_str(out, out->len > 0 ? ",\"" : "{\"") != 0 ||
        json_escape(out, name, VALUE_MAX_BYTES) != 0 ||
        buf_append_str(out, "\":\"") != 0 ||
        json_escape(out, value, VALUE_MAX_BYTES) != 0)
        return -1;
    return buf_append_str(out, "\"");
}

static char *make_head(const struct places *outside,
                       const struct webhook_request *r)
{
    struct buf out;
    size_t len = 0;
    int failed = 0;

    buf_init(&out, HEAD_MAX_BYTES);
    for (size_t i = 0; i < outside->count && !failed; i++) {
        const char *value = webhook_outside(r, &outside->items[i]);

        if (value)
            failed = add_value(&out, outside->items[i].text, value);
    }
    if (out.len > 0 && !failed && buf_append_str(&out, "}") == 0)
        return buf_detach(&out, &len);
    buf_release(&out);
    return NULL;
}

/* body */

static void redact_at(struct json_object *root, const char *path)
{
    static const char gone[] = "[redacted]";
    const char *dot = strrchr(path, '.');
    const char *name = dot ? dot + 1 : path;
    char *outer = mem_dup(path, dot ? (size_t)(dot - path) : 0);
    struct json_object *parent = json_at(root, outer);

    free(outer);
    if (!json_at(parent, name))
        return;
    if (json_object_is_type(parent, json_type_object))
        json_object_object_add(parent, name, json_object_new_string(gone));
    else
        json_object_array_put_idx(parent, strtoul(name, NULL, 10),
                                  json_object_new_string(gone));
}

static char *redact(struct json_object *document, const struct places *places)
{
    for (size_t i = 0; i < places->count; i++)
        redact_at(document, places->items[i].path);
    return mem_strdup(json_object_to_json_string_ext(
        document, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

static char *withhold(const struct webhook_request *r)
{
    char sha256[SHA256_HEX_SIZE];

    sha256_hex(r->body, r->body_len, sha256);
    return mem_format("withheld, as it cannot be redacted: %zu bytes, SHA-256 "
                      "%s",
                      r->body_len, sha256);
}

void handover_init(struct handover *h, const struct profile *p,
                   const struct webhook *w, const struct webhook_request *r)
{
    *h = (struct handover){
        .body = r->body,
        .body_len = r->body_len,
        .head = make_head(&p->webhook.payload.outside, r),
    };
    if (p->webhook.redact.count == 0 ||
        payload_is_picture(&p->webhook.payload, w->type))
        return;
    h->written =
        w->document ? redact(w->document, &p->webhook.redact) : withhold(r);
    h->body = h->written;
    h->body_len = strlen(h->written);
}

void handover_release(struct handover *h)
{
    free(h->written);
    free(h->head);
    *h = (struct handover){ 0 };
}
