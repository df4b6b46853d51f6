/* rejected.h - the last requests that were refused, for operators.
 *
 * Memory that all processes share: each keeps the last REJECTED_KEPT of every
 * reason, so that a scanner's thousand unknown paths push out no wrong
 * signature.  One more costs a few bounded copies and no lock, however many
 * come.  Never a body, a header, a token or a secret.
 */
#ifndef REJECTED_H
#define REJECTED_H

#include "common/base.h"
#include "common/buf.h"

enum {
    REJECTED_KEPT = 16,
    REJECTED_TOLD = 1000, /* the most that rejected_render() gives out */
};

struct rejected;

/* What does not fit a slot is cut; NULL is nothing. */
struct rejection {
    int64_t at_ms; /* wall clock */
    const char *reason;
    const char *ip;
    const char *provider;
    const char *job;
    const char *detail;
    const char *explanation; /* diagnosis.h */
};

/* Before the fork; `reasons`: how many of them there are. */
struct rejected *rejected_new(unsigned processes, unsigned reasons);
void rejected_free(struct rejected *r); /* accepts NULL */

/* `process` is its only writer, also after a fork that replaced it. */
void rejected_put(struct rejected *r, unsigned process, unsigned reason,
                  const struct rejection *rejection);
/* Those of all processes in the order in which they came, a JSON document a
 * line.  In any process.  -1 when `out` is full. */
MUST_USE int rejected_render(const struct rejected *r, struct buf *out);

#endif
