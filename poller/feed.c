/* Dead letters whose time has come go back to the workers, marked as such. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/streams.h"
#include "poller/poller.h"
#include "poller/poller_metrics.h"
#include "poller/queue.h"

enum { FEED_MAX = 20 };

enum column {
    DEAD_ID,
    STREAM,
    JOB_ID,
    ATTEMPT,
    PROVIDER,
    SOURCE,
    TYPE,
    PAYLOAD,
    RECEIVED_MS,
    DROPPED,
    HEAD,
    TRIES,
};

static const struct db_statement statement = {
    "feed_due",
    "select dead_id, stream, job_id, attempt, provider, source, type,"
    " encode(payload, 'hex'),"
    " received_ms, dropped, head, tries from feed_due($1)"
};

static char *decode_payload(const char *hex, size_t *len)
{
    size_t digits = strlen(hex);
    char *out = mem_alloc(digits / 2 + 1);

    *len = digits / 2;
    if (!hex_decode(hex, digits, (uint8_t *)out, *len))
        abort(); /* encode() in the statement made it */
    out[*len] = '\0';
    return out;
}

static void feed(struct poller *p, const struct db_result *r, size_t row)
{
    static const struct {
        const char *field;
        enum column column;
    } copied[] = { { "provider", PROVIDER }, { "job", JOB_ID },
                   { "attempt", ATTEMPT },   { "received_ms", RECEIVED_MS },
                   { "type", TYPE },         { "origin", SOURCE },
                   { "dead", DEAD_ID },      { "tries", TRIES },
                   { "head", HEAD } };
    struct stream_field fields[4 + ARRAY_LEN(copied)];
    size_t n = 0, len = 0;
    bool dropped = db_value(r, row, DROPPED)[0] == 't';
    bool submits =
        !dropped && strcmp(db_value(r, row, STREAM), STREAM_SUBMIT) == 0;
    const char *stream = submits ? STREAM_SUBMIT : STREAM_WEBHOOK;
    char *body = decode_payload(db_value(r, row, PAYLOAD), &len);

    fields[n++] = STREAM_FIELD_TEXT("v", "1");
    fields[n++] = STREAM_FIELD_TEXT("source", "retry");
    for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
        const char *value = db_value(r, row, copied[i].column);

        if (value)
            fields[n++] = STREAM_FIELD_TEXT(copied[i].field, value);
    }
    if (dropped) /* the worker ends its job */
        fields[n++] = STREAM_FIELD_TEXT("verdict", "dropped");
    else
        fields[n++] = (struct stream_field){ "body", body, len };
    queue_add(p->shards, stream, fields, n);
    metric_add(p->metrics, DEAD_LETTERS_FED, 1);
    log_info(LOG_WITH({ "dead_letter", db_value(r, row, DEAD_ID) },
                      { "job", db_value(r, row, JOB_ID) }),
             "fed a dead letter back");
    free(body);
}

static void on_due(const struct db_result *r, void *arg)
{
    struct poller *p = arg;

    if (db_result_status(r) != DB_OK) {
        log_warning(NULL, "could not look for dead letters: %s",
                    db_result_error(r));
        poller_task_done(p, false);
        return;
    }
    for (size_t i = 0; i < db_rows(r); i++)
        feed(p, r, i);
    poller_task_done(p, db_rows(r) == FEED_MAX);
}

void feed_start(struct poller *p)
{
    char max[24];

    snprintf(max, sizeof max, "%d", FEED_MAX);
    db_call(p->db, &statement, (const char *const[]){ max }, 1, on_due, p);
}
