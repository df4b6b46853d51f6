/* complaint.h - what is wrong with a request, field by field.
 *
 * Collected while a body is read, so that a user who made three mistakes hears
 * of three; sent as the member `errors` of the answer.
 */
#ifndef API_COMPLAINT_H
#define API_COMPLAINT_H

#include "common/base.h"

struct json_object;

/* More are counted, not told. */
enum { COMPLAINTS_TOLD = 20 };

struct complaints {
    struct json_object *list; /* of {"field","reason"}; NULL while empty */
    size_t count;
    bool url_first; /* the first one is about a URL */
};

void complaints_release(struct complaints *c);

/* `field` is a dotted path from the body's root ("captures.3.url"), "" for the
 * body itself.  Names that came from outside are cut at a sensible length. */
PRINTF_LIKE(3, 4)
void complain(struct complaints *c, const char *field, const char *fmt, ...);

/* Those of `from` behind those of `c`. */
void complaints_add(struct complaints *c, const struct complaints *from);

/* The first complaint, and how many more there are, in one line that the caller
 * frees.  There must be one. */
char *complaints_summary(const struct complaints *c);

#endif
