/* pace.h - how fast, and how many at once, each provider is asked for captures
 * by all processes of a worker together.
 *
 * Shared memory that the parent maps before it forks; nothing in it is locked,
 * so whoever dies holds nobody up.  What a profile limits, and the pauses that
 * a provider asked for, hold for all processes.  Pure: knows no clock.
 */
#ifndef PACE_H
#define PACE_H

#include "common/base.h"

struct paces;
struct pace; /* one provider's */

struct paces *paces_new(unsigned processes);
void paces_free(struct paces *p); /* accepts NULL */
/* This process is number `process`; what a dead one of that number had under
 * way is forgotten.  So are pauses: it may have come with another key. */
void paces_use_row(struct paces *p, unsigned process);
/* By name.  Never NULL: of too many providers the last share one. */
struct pace *pace_of(struct paces *p, const char *provider);

/* 0: ask now, and call pace_done() when it has answered.  Else wait so long.
 * `per_s` and `at_once` 0: no limit. */
MUST_USE int64_t pace_take(struct paces *p, struct pace *k, double per_s,
                           unsigned at_once, int64_t now_ms);
/* `took_ms`: how long it took to answer; -1: it was not asked, or is silent. */
void pace_done(struct paces *p, struct pace *k, int64_t took_ms);
/* When one that cannot wait here should come back: each a step behind the one
 * before, as fast as the limits and the provider's answers let them through.
 * Milliseconds from now. */
int64_t pace_come_back_ms(struct pace *k, double per_s, unsigned at_once,
                          int64_t now_ms);

/* Nobody asks it for so long. */
void pace_pause(struct pace *k, int64_t for_ms, int64_t now_ms);
/* What is left of its pause; 0: none. */
int64_t pace_paused_ms(struct pace *k, int64_t now_ms);
/* True once a minute for all processes: the log may be told. */
MUST_USE bool pace_may_complain(struct pace *k, int64_t now_ms);

#endif
