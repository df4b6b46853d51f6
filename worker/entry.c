#include "worker/entry.h"

#include <assert.h>
#include <ctype.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/limits.h"
#include "common/mem.h"
#include "worker/consumer.h"

enum { ATTEMPT_BASE_MS = 2000, ATTEMPT_CAP_MS = 5 * 60 * 1000 };

static bool is_entry(const struct redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
           reply->element[0]->type == REDIS_REPLY_STRING &&
           reply->element[0]->len < STREAM_ID_SIZE &&
           reply->element[1]->type == REDIS_REPLY_ARRAY &&
           reply->element[1]->elements % 2 == 0;
}

static void set_field(struct entry_fields *f, const char *name,
                      const char *value, size_t len)
{
    const struct {
        const char *name;
        const char **field;
    } texts[] = {
        { "provider", &f->provider },
        { "source", &f->source },
        { "job", &f->job },
        { "attempt", &f->attempt },
        { "received_ms", &f->received_ms },
        { "ip", &f->ip },
        { "type", &f->type },
        { "id", &f->id },
        { "head", &f->head },
        { "malformed", &f->malformed },
        { "verdict", &f->verdict },
        { "origin", &f->origin },
        { "dead", &f->dead },
        { "tries", &f->tries },
        { "callback", &f->callback },
    };

    if (strcmp(name, "body") == 0) {
        f->body = value;
        f->body_len = len;
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(name, texts[i].name) == 0)
            *texts[i].field = value;
    }
}

static void read_fields(struct entry *e, const struct redisReply *fields)
{
    size_t size = 1;
    char *to;

    for (size_t i = 0; i < fields->elements; i++)
        size += (size_t)fields->element[i]->len + 1;
    e->size = size;
    e->memory = to = mem_alloc(size);
    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        const struct redisReply *name = fields->element[i];
        const struct redisReply *value = fields->element[i + 1];

        memcpy(to, value->str, (size_t)value->len + 1);
        set_field(&e->fields, name->str, to, (size_t)value->len);
        to += value->len + 1;
    }
}

struct entry *entry_new(const struct redisReply *reply, enum entry_kind kind)
{
    struct entry *e;

    if (!is_entry(reply))
        return NULL;
    e = mem_zalloc(sizeof *e);
    e->kind = kind;
    e->deliveries = 1;
    e->result.progress = -1;
    e->result.delay_ms = -1;
    memcpy(e->id, reply->element[0]->str, (size_t)reply->element[0]->len);
    read_fields(e, reply->element[1]);
    return e;
}

void entry_free(struct entry *e)
{
    if (!e)
        return;
    free(e->memory);
    event_release(&e->event);
    free(e->job.status);
    free(e->job.url);
    free(e->job.options);
    free(e->job.provider);
    free(e->result.provider_job);
    free(e->result.error);
    free(e->result.error_code);
    free(e);
}

void entry_key(const struct entry *e, char out[ENTRY_KEY_SIZE])
{
    const char *shard = consumer_shard(e->consumer);

    snprintf(out, ENTRY_KEY_SIZE, "%s:%s%s%s",
             e->kind == ENTRY_SUBMIT ? "submit" : "webhook", e->id,
             *shard ? "@" : "", shard);
}

bool entry_letter_key(const struct entry *e, char out[ENTRY_KEY_SIZE])
{
    const struct entry_fields *f = &e->fields;
    char sha256[SHA256_HEX_SIZE];

    if (!f->malformed)
        return false;
    sha256_hex(f->body ? f->body : "", f->body_len, sha256);
    snprintf(out, ENTRY_KEY_SIZE, "body:%.200s:%s",
             f->provider ? f->provider : "", sha256);
    return true;
}

int64_t entry_received_ms(const struct entry *e)
{
    const char *text = e->fields.received_ms;
    int64_t ms = -1;

    if (text && strspn(text, "0123456789") == strlen(text) &&
        strlen(text) < 15 && sscanf(text, "%" SCNd64, &ms) == 1)
        return ms;
    return stream_id_ms(e->id);
}

const char *entry_stream(enum entry_kind kind)
{
    static const char *const streams[] = { [ENTRY_SUBMIT] = STREAM_SUBMIT,
                                           [ENTRY_WEBHOOK] = STREAM_WEBHOOK,
                                           [ENTRY_CALLBACK] = STREAM_CALLBACK };

    return streams[kind];
}

void entry_finish(struct entry *e, const char *event, const char *code,
                  const char *error)
{
    assert(!e->result.event);
    e->result.event = event;
    e->result.error_code = mem_strdup_or_null(code);
    if (error)
        e->result.error = mem_dup(error, strnlen(error, LIMIT_ERROR_BYTES));
}

bool entry_presume_job(struct entry *e)
{
    const char *id = e->fields.job;
    const char *attempt = e->fields.attempt;
    size_t digits = attempt ? strspn(attempt, "0123456789") : 0;

    if (!id || !uuid_is_valid(id) || digits == 0 || digits > 9 ||
        attempt[digits] != '\0' || strtol(attempt, NULL, 10) == 0)
        return false;
    e->job.found = e->job.presumed = true;
    e->job.attempt = strtol(attempt, NULL, 10);
    for (size_t i = 0; i < sizeof e->job.id; i++) /* one spelling of each */
        e->job.id[i] = (char)tolower((unsigned char)id[i]);
    return true;
}

void entry_finish_retry(struct entry *e, const char *code, const char *error)
{
    entry_finish(e, "retry", code, error);
    e->result.delay_ms = backoff_ms((unsigned)e->job.attempt - 1,
                                    ATTEMPT_BASE_MS, ATTEMPT_CAP_MS);
}

void entry_finish_dead(struct entry *e, enum dead_reason reason,
                       const char *error, int64_t delay_ms)
{
    entry_finish(e, "dead", "DEAD_LETTER", error);
    e->result.delay_ms = delay_ms;
    e->result.reason = reason;
}

void entry_finish_waiting(struct entry *e, const char *error, int64_t delay_ms)
{
    entry_finish(e, "dead", "PICTURE_HOST", error);
    e->result.delay_ms = delay_ms;
    e->result.reason = DEAD_PICTURE;
}
