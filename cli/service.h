/* service.h - asking api over HTTP.
 *
 * The only file that knows libcurl.  Calls block, with patience.
 */
#ifndef CLI_SERVICE_H
#define CLI_SERVICE_H

#include "cli/cli.h"
#include "cli/patience.h"
#include "common/buf.h"

struct service;

/* Takes the bytes of a 200 answer as they come; -1 ends the call. */
typedef int service_sink(const char *ptr, size_t len, void *arg);
/* Runs every now and then while we wait; for a sign of life. */
typedef void service_tick(void *arg);

enum service_outcome {
    SERVICE_ANSWERED,    /* whatever the status */
    SERVICE_UNREACHABLE, /* no answer, or it broke off */
    SERVICE_OVER,        /* patience is, or the sink ended it */
};

/* NULL with a complaint made when SHOTFLEET_API_URL is none. */
struct service *service_new(const struct cli_settings *settings,
                            struct patience *patience /* borrowed */);
void service_free(struct service *s); /* accepts NULL */
void service_on_tick(struct service *s, service_tick *tick, void *arg);

/* `path` begins with a slash.  Answers other than 200 stay in the service:
 * service_status(), service_body().  With `sink` NULL a 200 stays too. */
enum service_outcome service_get(struct service *s, const char *path,
                                 service_sink *sink, void *arg);
/* `json` NULL: without a body.  With an `idempotency_key` the call may be made
 * again when nobody knows what became of it (NULL: none). */
enum service_outcome service_send(struct service *s, const char *method,
                                  const char *path, const char *json,
                                  const char *idempotency_key);
/* For the query of a path; the caller frees. */
char *service_escape(const char *text);

/* Of the last call. */
long service_status(const struct service *s);        /* 0: no answer */
long service_retry_after_s(const struct service *s); /* 0: not said */
const char *service_body(const struct service *s, size_t *len);
const char *service_error(const struct service *s); /* SERVICE_UNREACHABLE */
const char *service_base(const struct service *s);  /* no slash at its end */

/* Says on standard error that there was no answer and what to do about it, or
 * that the key is not accepted; returns the exit code that this means.  Says
 * nothing to somebody who pressed Ctrl-C. */
int service_complain(const struct service *s);

#endif
