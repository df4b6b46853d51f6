/* line.h - the socket of one live client, written to without ever waiting.
 *
 * What is written goes out at the end of the turn of the loop, so that many
 * small pieces become one packet.  Whoever reads more slowly than it is written
 * to is cut off: with LINE_WAITING_BYTES before it, no more is taken.  What
 * the bytes mean is the owner's business (server-sent events, WebSocket).
 */
#ifndef API_LINE_H
#define API_LINE_H

#include "common/base.h"
#include "common/buf.h"
#include "common/limits.h"
#include "common/loop.h"
#include "common/metrics.h"

struct line;
struct lines; /* all of this process */

enum {
    LINE_WAITING_BYTES = 256 * 1024,
    /* One piece; more is a slow client's end as well. */
    LINE_WRITE_BYTES = 4 * LIMIT_OPTIONS_BYTES + 1024,
    /* Each line's turn to have its beat comes once in this time; it has it
     * when nothing was written since the last turn. */
    LINE_BEAT_MS = 15 * 1000,
};

/* Why a line is over; each has its counter. */
enum line_end {
    LINE_LEFT,       /* the client hung up, or is unreachable */
    LINE_SLOW,       /* the client did not read */
    LINE_FINISHED,   /* there is nothing more to tell */
    LINE_MISBEHAVED, /* against the protocol */
    LINE_REFUSED,    /* it may not listen any more */
    LINE_STOPPING,   /* this program ends */
    LINE_END_COUNT
};

struct line_owner {
    /* Bytes are there: line_read() until it says 0.  NULL: they are thrown
     * away. */
    void (*readable)(void *arg);
    /* All that was written has left. NULL: nobody cares. */
    void (*drained)(void *arg);
    /* Write a sign of life.  -1: this client has shown none; cut it off. */
    int (*beat)(void *arg);
    /* This program stops: say goodbye, and line_end(). */
    void (*dismiss)(void *arg);
    /* The line is gone.  Runs once, from the loop, never from inside one of the
     * calls below. */
    void (*closed)(void *arg);
};

/* life cycle */
struct lines *lines_new(struct loop *loop, struct metrics *metrics, size_t max);
/* Closes what is open. */
void lines_free(struct lines *all); /* accepts NULL */
bool lines_full(const struct lines *all);
/* Dismisses everybody. */
void lines_dismiss(struct lines *all);
/* Lines whose last words have not left. */
size_t lines_unsent(const struct lines *all);

/* Takes `fd`, and begins with the head of the answer. */
struct line *line_new(struct lines *all, int fd, const struct buf *head,
                      const struct line_owner *owner, void *arg);
/* Sends what waits, then hangs up. */
void line_end(struct line *l, enum line_end why);
/* Hangs up at once. */
void line_cut(struct line *l, enum line_end why);

/* use: all of it is harmless on a line that ends */
void line_write(struct line *l, const char *ptr, size_t len);
/* As recv(2): 0 when there is nothing now or any more. */
size_t line_read(struct line *l, char *out, size_t max);
/* Bytes that have not left. */
size_t line_waiting(const struct line *l);

#endif
