/* handover.h - what of an authentic webhook goes onto the stream.
 *
 * The body as it came, but for what the profile redacts: then it is written
 * anew, and a body that cannot be read is not handed over at all.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include "common/webhook.h"

struct handover {
    const char *body; /* of the request, or `written` */
    size_t body_len;
    char *written; /* NULL: the body is as it came */
    char *head;    /* what the payload has outside the body, as the JSON that
                      event_source.head takes; NULL: nothing */
};

/* Borrows the request's body.  `w` is as webhook_judge() has left it; what is
 * redacted is gone from its document then. */
void handover_init(struct handover *h, const struct profile *p,
                   const struct webhook *w, const struct webhook_request *r);
void handover_release(struct handover *h);

#endif
