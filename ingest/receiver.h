/* receiver.h - from an HTTP request to an entry on the webhook stream.
 *
 * The 200 is sent from the callback of Redis's reply and nowhere else: a 2xx
 * means durable.  What is authentic but malformed is appended too, marked as
 * such, before it is answered 400: workers keep it as a dead letter.
 */
#ifndef RECEIVER_H
#define RECEIVER_H

#include "common/digest.h"
#include "common/http_server.h"
#include "common/shards.h"
#include "ingest/access_log.h"
#include "ingest/gate.h"
#include "ingest/health.h"
#include "ingest/ingest_metrics.h"
#include "ingest/rejected.h"
#include "ingest/tally.h"

/* The reasons of struct rejected: enum refusal, and what came before it. */
enum { REJECTED_HTTP = REFUSAL_COUNT, REJECTED_REASONS };

struct receiver {
    const struct gate *gate;
    struct shards *shards;
    struct health *health;
    const struct ingest_series *series;
    struct metrics *metrics;
    struct access_log *log;
    struct tally *tally;
    struct rejected *rejected;
    unsigned process;      /* its row there */
    struct sha256 *sha256; /* of receipts */
};

/* The http_handlers of ingest: for a head, which refuses what need not be read
 * on, and for the whole request.  `arg` is the receiver. */
void receiver_look(struct http_request *request, void *arg);
void receiver_handle(struct http_request *request, void *arg);

#endif
