/* topics.h - who follows what: captures, batches, everything.
 *
 * A topic exists while somebody follows it; finding it costs one look into a
 * hash table, so that an event costs its followers and nobody else.  Knows
 * nothing of databases or sockets.
 */
#ifndef API_TOPICS_H
#define API_TOPICS_H

#include "common/base.h"

struct db_result;
struct message;

enum topic_kind { TOPIC_CAPTURE, TOPIC_BATCH, TOPIC_ALL, TOPIC_KIND_COUNT };

enum {
    TOPIC_ID_SIZE = 37,
    /* of one follower */
    SUBSCRIPTIONS_MAX = 1000,
    /* of all, some 200 bytes each */
    SUBSCRIPTIONS_ALL_MAX = 200 * 1000,
};

struct topic_name {
    enum topic_kind kind;
    char id[TOPIC_ID_SIZE]; /* canonical, lower case; "" for TOPIC_ALL */
};

/* Why a subscription is over. */
enum topic_over {
    TOPIC_ENDED,   /* it has been told the end */
    TOPIC_UNKNOWN, /* there is no such thing */
    TOPIC_FAILED,  /* the database could not say; `result` has the reason */
};

/* One who is told; stands at the start of the owner's own struct. */
struct follower {
    const struct follower_ops *ops;
    struct subscription *subscriptions;
    size_t count;
};

struct follower_ops {
    /* `last`: the topic has ended with it. */
    void (*tell)(struct follower *f, const struct topic_name *topic,
                 struct message *m, bool last);
    /* It has been taken off already.  The follower must not free itself. */
    void (*over)(struct follower *f, const struct topic_name *topic,
                 enum topic_over why, const struct db_result *result);
    /* Bytes that wait for it: pages of a batch are held back. */
    size_t (*waiting)(const struct follower *f);
};

struct topic {
    struct topic *next; /* in its bucket */
    struct subscription *subscriptions;
    uint64_t heard; /* hash of the last document that all have; 0: none */
    uint64_t mark;  /* hash of its state, attempt and progress */
    struct topic_name name;
    bool told;    /* of news, since it was checked the last time */
    bool asked;   /* the database is to be asked, or is being asked */
    bool changed; /* a batch: its counts are to be asked */
    bool ended;   /* a batch: by the counts before */
};

struct subscription {
    struct subscription *next, **link; /* in the topic */
    struct subscription *next_of_follower, **link_of_follower;
    struct topic *topic;
    struct follower *follower;
    struct subscription **held_by; /* made NULL when it is dropped; or NULL */
    char *page_after;              /* the last capture that was told, or NULL */
    bool fresh;                    /* knows nothing yet */
    bool paging;                   /* a batch's captures are being told */
    bool resync;                   /* to be told that it missed something */
};

struct topics;

/* life cycle */
struct topics *topics_new(void);
void topics_free(struct topics *t); /* nobody may follow any more; NULL: fine */

/* use */
/* The subscription, new or not; NULL when there are too many. */
struct subscription *topics_follow(struct topics *t, struct follower *f,
                                   const struct topic_name *name);
/* Ends it, and its topic with the last one. */
void topics_drop(struct topics *t, struct subscription *s);
void topics_drop_all(struct topics *t, struct follower *f);

/* query */
struct topic *topics_find(const struct topics *t, enum topic_kind kind,
                          const char *id); /* or NULL */
struct subscription *topics_subscription(const struct topics *t,
                                         const struct follower *f,
                                         const struct topic_name *name);
size_t topics_count(const struct topics *t, enum topic_kind kind);
/* Walks over the topics of a kind from `*place` (0 at first), at most `max`
 * buckets; `*place` is 0 again at the end. */
typedef void topic_fn(struct topic *topic, void *arg);
void topics_walk(struct topics *t, enum topic_kind kind, size_t *place,
                 size_t max, topic_fn *fn, void *arg);
enum { TOPIC_BUCKETS = 16384 };

#endif
