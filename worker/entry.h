/* entry.h - one stream entry in a worker's hands.
 *
 * Life: read -> loaded (its job is known) -> worked on (provider called,
 * picture fetched) -> finished (its result is known) -> recorded and
 * acknowledged.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include "common/base.h"
#include "common/image.h"
#include "common/profile.h"
#include "common/streams.h"
#include "common/token.h"
#include "worker/store.h"

struct consumer;
struct redisReply;

/* Which stream it was read from. */
enum entry_kind { ENTRY_SUBMIT, ENTRY_WEBHOOK, ENTRY_CALLBACK };

/* Fields as they stand in the stream; borrowed from entry.memory, NULL when
 * absent, NUL-terminated. */
struct entry_fields {
    const char *provider, *source, *job, *attempt, *received_ms, *ip, *type;
    const char *id;        /* delivery id by the provider */
    const char *head;      /* for event_source: values from outside the body */
    const char *malformed; /* by ingest: why this is only kept, not applied */
    const char *verdict;   /* by the poller, in place of a body: lost, deadline,
                              dropped */
    const char *origin;    /* source of the dead letter that is fed back */
    const char *dead;      /* id of the dead letter that this feeds back */
    const char *tries;     /* of that one, before this */
    const char *callback;  /* id; callback entries have this and the attempt */
    const char *body;
    size_t body_len;
};

/* The job as it was when the entry was loaded. */
struct job {
    bool found;
    bool presumed; /* nobody asked: the entry says so, recording will see */
    char id[37];
    char *status;
    int64_t attempt, max_attempts;
    char *provider;
    /* of submissions only, else NULL: */
    char *url;
    char *options; /* JSON text */
};

/* Why an entry becomes a dead letter. */
enum dead_reason {
    DEAD_UNKNOWN_JOB,
    DEAD_UNREADABLE, /* or it says nothing of use */
    DEAD_PICTURE,    /* could not be had, or is none */
    DEAD_STORAGE,
    DEAD_DELIVERIES, /* handed out too often: it kills its workers */
    DEAD_REFUSED,    /* by PostgreSQL */
    DEAD_REASONS,
};

/* What is to be recorded.  Events are those of sql/0002_record.sql. */
struct result {
    const char *event; /* static text; NULL: not finished */
    char *provider_job;
    int64_t progress;               /* -1: none */
    char image_key[STORE_KEY_SIZE]; /* of the stored picture; "": none */
    struct image image;
    size_t size_bytes;
    char sha256[SHA256_HEX_SIZE];
    char *error;
    char *error_code;
    int64_t delay_ms; /* -1: none */
    enum dead_reason reason;
    bool condemned; /* the database refused the entry itself */
};

struct entry {
    struct entry *next;      /* in whatever queue holds it */
    struct entry *prev_held; /* in the consumer's list of entries in hand */
    struct entry *next_held;
    struct consumer *consumer; /* who acknowledges it */
    char id[STREAM_ID_SIZE];
    int64_t deliveries; /* how often it has been handed out, this time too */
    enum entry_kind kind;
    char *memory;
    size_t size; /* of it */
    struct entry_fields fields;
    bool adopt;         /* where there is no job, one is made of the event */
    struct event event; /* parsed from the body; webhook entries only */
    struct job job;
    struct result result;
};

/* From ["id", ["field", "value", …]]; NULL when the reply is not of that shape.
 */
struct entry *entry_new(const struct redisReply *reply, enum entry_kind kind);
void entry_free(struct entry *e); /* accepts NULL */

/* "webhook:1700000000000-0", with "@host:port/db" behind it where there are
 * several Redis servers: the primary key of its deliveries row. */
enum { ENTRY_KEY_SIZE = STREAM_ID_SIZE + 320 };
void entry_key(const struct entry *e, char out[ENTRY_KEY_SIZE]);
/* "body:PROVIDER:SHA256" for a malformed webhook, so that of its repetitions
 * one dead letter is kept; false for any other entry: its letter is its own. */
bool entry_letter_key(const struct entry *e, char out[ENTRY_KEY_SIZE]);
/* When it came, by the wall clock of whoever appended it, else of redis. */
int64_t entry_received_ms(const struct entry *e);
const char *entry_stream(enum entry_kind kind);

/* Takes the entry's word for which job and attempt it is about; false when it
 * does not name both. */
MUST_USE bool entry_presume_job(struct entry *e);

/* Sets the result.  `error` and `code` are copied and may be NULL. */
void entry_finish(struct entry *e, const char *event, const char *code,
                  const char *error);
/* Tried again with a new attempt, later each time. */
void entry_finish_retry(struct entry *e, const char *code, const char *error);
/* A dead letter whose picture's host is away: fed back after `delay_ms` and
 * later each time, for a day without using its tries up. */
void entry_finish_waiting(struct entry *e, const char *error, int64_t delay_ms);
/* A dead letter, fed back after `delay_ms`; -1: it waits for a person. */
void entry_finish_dead(struct entry *e, enum dead_reason reason,
                       const char *error, int64_t delay_ms);

#endif
