/* api.h - the users' edge: what one shotfleet-api process holds.
 *
 * A request comes in through router.c, is answered by the file of its subject
 * (captures, picture, events, fleet, page) and leaves through reply.c.  Jobs
 * are read and made in PostgreSQL; what changes arrives over the live stream.
 */
#ifndef API_API_H
#define API_API_H

#include "api/access.h"
#include "api/cors.h"
#include "api/keys.h"
#include "common/admin.h"
#include "common/base.h"
#include "common/db.h"
#include "common/folder.h"
#include "common/http_server.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/profile.h"
#include "common/s3.h"
#include "common/shards.h"

struct idempotency_cleaner;
struct engine_sessions;
struct lines;
struct live;
struct pass;
struct thumbnailer;

enum {
    /* Database calls under way; more users than that are asked to wait. */
    API_DB_CALLS_MAX = 256,
    /* Connections with a request in hand, or between two. */
    API_CONNECTIONS_MAX = 4096,
    /* What a client should wait when Redis or PostgreSQL is away. */
    API_RETRY_AFTER_S = 5,
};

struct api_settings {
    char *redis_url;
    char *database_url;
    char *listen;
    char *admin_listen;
    char *keys;
    char *cors_origins;
    char *token_secrets;
    char *webhook_secrets; /* in place of the former, where there are none */
    char *storage;
    struct s3_settings s3;
    char *providers_dir;
    int64_t max_body_bytes;
    int64_t watch_token_s;
    int64_t live_clients;
    bool callbacks; /* captures may have a callbackUrl */
    int64_t grace_s;
};

struct api {
    const struct api_settings *settings;
    struct access access;
    struct cors cors;
    struct secrets watch_keys; /* newest first; watch.h */
    struct profiles profiles;
    const char *storage;  /* the folder that pictures are below, or NULL: */
    struct folder folder; /* the same, to keep thumbnails in */
    struct s3 s3;         /* where they are else */
    struct loop *loop;
    struct metrics *metrics;
    struct db *db;
    struct keys *keys;
    struct pass *passes;            /* of live clients, that may end */
    struct loop_timer *pass_expiry; /* of their tokens */
    int64_t pass_expiry_s;          /* Unix time when it fires */
    struct shards *shards;          /* appends */
    struct engine_sessions *engine; /* Socket.IO's */
    struct lines *lines;            /* live clients */
    struct live *live;              /* what they follow */
    struct idempotency_cleaner *cleaner;
    struct thumbnailer *thumbnailer; /* NULL: there are no thumbnails */
    struct http_server *server;
    struct admin *admin;
    struct loop_timer *stopping; /* grace time, then its polling */
    int64_t stop_by_ms;          /* 0: not stopping */
};

/* -1 with one line in `error`; api_release() in either case. */
MUST_USE int api_init(struct api *a, const struct api_settings *settings,
                      char *error, size_t error_size);
/* Serves until SIGTERM or SIGINT, then ends streams and answers what is in
 * hand, within the grace time. */
void api_run(struct api *a);
void api_release(struct api *a);

#endif
