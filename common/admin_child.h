/* admin_child.h - the child of a forking program that answers on the admin
 * port.
 *
 * It only reads the metrics that all processes share, so it goes on answering
 * while the others are busy, dead or being replaced.
 */
#ifndef ADMIN_CHILD_H
#define ADMIN_CHILD_H

#include "common/admin.h"

/* `page`: one more of it, called with `arg` too, or NULL.
 * The child's whole life; returns its exit code (supervisor.h). */
int admin_child_run(const char *listen, const struct metrics *metrics,
                    admin_ready_fn *ready, const struct admin_page *page,
                    void *arg);

#endif
