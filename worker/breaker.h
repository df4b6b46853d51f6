/* breaker.h - a circuit breaker for each host: who is down is left alone.
 *
 * Closed while things go well.  After FAILURES_MAX failures in a row it opens:
 * requests are refused without being sent.  When the pause is over one request
 * may try; its success closes the breaker, its failure opens it for twice as
 * long, up to a minute.  Pure: knows no clock but the one it is given.
 */
#ifndef BREAKER_H
#define BREAKER_H

#include "common/base.h"

struct breakers;

struct breakers *breakers_new(void);
void breakers_free(struct breakers *b); /* accepts NULL */

/* 0: send it, and report how it went.  Otherwise milliseconds until the host
 * may be asked.  `host` is any name, cut at 255 bytes; the host that was used
 * least recently is forgotten when there are too many. */
MUST_USE int64_t breaker_wait_ms(struct breakers *b, const char *host,
                                 int64_t now_ms);
void breaker_report(struct breakers *b, const char *host, bool well,
                    int64_t now_ms);
/* Opens it for this long, whatever happened before: the host asked for it. */
void breaker_pause(struct breakers *b, const char *host, int64_t for_ms,
                   int64_t now_ms);

#endif
