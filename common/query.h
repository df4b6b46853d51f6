/* query.h - the parameters in a URL's query, decoded.
 *
 * As HTML forms write them: NAME=VALUE joined by "&", "+" for a blank, %XX.
 * A parameter without "=" has the value "".
 */
#ifndef QUERY_H
#define QUERY_H

#include "common/base.h"

/* More than so many parameters are none of anybody's business. */
enum { QUERY_MAX = 100 };

struct query_parameter {
    const char *name; /* never NULL, as the value */
    const char *value;
};

struct query {
    struct query_parameter *items; /* the texts are behind them */
    size_t count;
};

/* Copies the query, without its "?".  -1 when it has too many parameters: then
 * it holds none. */
MUST_USE int query_parse(struct query *q, const char *text);
void query_release(struct query *q);

/* The first value of a parameter, NULL when it is not there; `count`, unless it
 * is NULL, is how often it is. */
const char *query_find(const struct query *q, const char *name,
                       unsigned *count);

#endif
