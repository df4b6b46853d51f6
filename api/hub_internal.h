/* hub_internal.h - what the files of the hub share; nobody else.
 *
 * hub.c tells captures, hub_ask.c asks for their states, hub_batch.c tells
 * batches, hub_replay.c what was missed.
 */
#ifndef API_HUB_INTERNAL_H
#define API_HUB_INTERNAL_H

#include "api/history.h"
#include "api/hub.h"
#include "api/message.h"

/* Captures whose state is to be asked. */
struct questions {
    char (*ids)[TOPIC_ID_SIZE];
    size_t count, capacity;
};

struct hub {
    struct loop *loop;
    struct db *db;
    struct metrics *metrics;
    struct topics *topics;
    const struct history *histories;
    struct position position;
    bool known;                  /* the position, on all servers */
    char id[POSITION_TEXT_SIZE]; /* the position, as text */

    struct loop_timer *ask;   /* for captures' states, soon */
    struct questions waiting; /* for the next query */
    struct questions asked;   /* in the query under way; none: no query */

    struct loop_timer *check; /* that nothing was lost, slowly */
    size_t check_place;
    bool checking;

    struct loop_timer *count;     /* batches that changed, soon */
    bool counting;                /* the query for them is under way */
    struct subscription *page_of; /* whose page is under way, or NULL */
    bool page_asked;
    size_t page_place; /* where the next one is looked for */
    size_t replays;    /* under way */
};

uint64_t hub_hash(const char *text); /* never 0 */
/* The id of what is told now; valid until the next call. */
const char *hub_id(struct hub *h);
void hub_tell_one(struct hub *h, struct subscription *s, struct message *m,
                  bool last);
/* Tells why, and drops it. */
void hub_over(struct hub *h, struct subscription *s, enum topic_over why,
              const struct db_result *result);
void hub_tell_resync(struct hub *h, struct subscription *s);
/* `is_news`: it changed; else that is how it is. */
void hub_tell_row(struct hub *h, const struct db_result *result, size_t row,
                  bool is_news);

/* hub_ask.c */
void hub_ask_init(struct hub *h);
void hub_ask_release(struct hub *h);
/* Asks for the state of a capture that is followed. */
void hub_ask(struct hub *h, struct topic *topic);

/* hub_batch.c */
void hub_batch_init(struct hub *h);
void hub_batch_release(struct hub *h);
void hub_batch_follow(struct hub *h, struct subscription *s);
void hub_batch_changed(struct hub *h, struct topic *topic);
void hub_batch_page(struct hub *h, struct subscription *s);
void hub_batch_resync(struct hub *h);

/* hub_replay.c: false when what came since is not known. */
MUST_USE bool hub_replay(struct hub *h, struct subscription *s,
                         const char *since);

#endif
