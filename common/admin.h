/* admin.h - /healthz, /readyz and /metrics on their own port.
 *
 * /healthz says that the process runs its loop; /readyz asks `ready`.
 */
#ifndef ADMIN_H
#define ADMIN_H

#include "common/base.h"
#include "common/buf.h"
#include "common/loop.h"
#include "common/metrics.h"

struct admin;

/* Writes why not (one line) into `reason` and returns false, or returns true.
 */
typedef bool admin_ready_fn(char *reason, size_t reason_size, void *arg);

/* `listen` "" means none: *out stays NULL.  `ready` NULL: ready as soon as it
 * runs.  `metrics` is borrowed. */
MUST_USE int admin_new(struct admin **out, struct loop *loop,
                       const char *listen, const struct metrics *metrics,
                       admin_ready_fn *ready, void *arg, char *error,
                       size_t error_size);
/* One more page, of the program's own.  It is given to peers on the loopback
 * alone, also where the port is open to others for its metrics. */
struct admin_page {
    const char *path, *type;
    int (*render)(struct buf *out, void *arg); /* -1 when `out` is full */
};
/* Both borrowed. */
void admin_set_page(struct admin *a, const struct admin_page *page, void *arg);
/* The port it got, where 0 was asked for. */
uint16_t admin_port(const struct admin *a);
void admin_free(struct admin *a); /* accepts NULL */

#endif
