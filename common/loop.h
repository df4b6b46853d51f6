/* loop.h - the one event loop of a process: timers, descriptors, signals.
 *
 * libevent behind it; only loop.c and the proxy of capture, which works with
 * libevent's own buffers, know that.  Callbacks run one at a time on the thread
 * that called loop_run(); none may block.
 */
#ifndef LOOP_H
#define LOOP_H

#include "common/base.h"

struct event_base;
struct loop;
struct loop_timer;
struct loop_watch;

typedef void loop_fn(void *arg);

enum loop_ready { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void loop_watch_fn(int ready, void *arg); /* of enum loop_ready */

/* life cycle */
struct loop *loop_new(void);
void loop_free(struct loop *l); /* accepts NULL */

/* use */
void loop_run(struct loop *l);  /* until loop_stop() */
void loop_stop(struct loop *l); /* takes effect after the current callback */
struct event_base *loop_base(struct loop *l); /* for library adapters only */

/* Signals live as long as the loop. */
void loop_on_signal(struct loop *l, int signo, loop_fn *fn, void *arg);

/* A timer fires once for each loop_timer_start(); starting again moves it. */
struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg);
void loop_timer_free(struct loop_timer *t); /* accepts NULL */
void loop_timer_start(struct loop_timer *t, int64_t after_ms);
/* Fires it when all that is ready now has been served, before the loop looks
 * for more. */
void loop_timer_soon(struct loop_timer *t);
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_running(const struct loop_timer *t);

/* Watches `fd` (borrowed) for `interest`, level-triggered; 0 watches nothing.
 */
struct loop_watch *loop_watch_new(struct loop *l, int fd, int interest,
                                  loop_watch_fn *fn, void *arg);
void loop_watch_set(struct loop_watch *w, int interest);
void loop_watch_free(struct loop_watch *w); /* accepts NULL; before close(fd) */

#endif
