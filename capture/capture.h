/* capture.h - the parts of shotfleet-capture, put together and taken apart.
 *
 * One process, one loop, everything on loopback or its own disk but the pages,
 * which go out through the filter proxy, and the webhooks.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include "capture/capture_settings.h"
#include "common/base.h"

/* The program's whole life; returns its exit code. */
int capture_run(const struct capture_settings *settings);

#endif
