/* routes.h - the provider's HTTP API: who may ask, for what, and the answers.
 *
 *     POST /screenshot          a picture, or with "async" a job
 *     GET  /screenshot/{id}     what became of the job
 *     GET  /images/{id}.{ext}   its picture; the id is the key to it
 *
 * The first two also below /api, and only with a key where there are keys.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include "capture/studio.h"
#include "common/digest.h"
#include "common/http_server.h"
#include "common/metrics.h"

struct routes {
    struct studio *studio;
    struct secrets keys; /* none: everybody may ask */
    struct metrics *metrics;
    int64_t timeout_ms; /* longest capture */
};

/* http_handler; `arg` is a struct routes. */
void routes_handle(struct http_request *request, void *arg);

#endif
