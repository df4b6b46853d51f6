/* paging.h - lists, a page at a time, newest first.
 *
 * The cursor is the last id of the page before: ids are in the order of time,
 * so that what comes meanwhile does not shift the pages, and any page costs
 * what the first one costs.
 */
#ifndef API_PAGING_H
#define API_PAGING_H

#include "api/complaint.h"
#include "api/exchange.h"

struct paging {
    const char *cursor; /* an id that all of this page are older than */
    char limit[16];
};

/* Takes a parameter of the list's own; false when it knows no such name.
 * `value` lives as long as the request. */
typedef bool paging_filter(const char *name, const char *value,
                           struct complaints *c, void *arg);

/* Reads the whole query: `limit` and `cursor` here, all else by `filter`.  A
 * parameter that nobody knows, or that is there twice, is complained about: a
 * misspelt filter must not list everything. */
void paging_read(struct paging *p, const struct http_request *r,
                 paging_filter *filter, struct complaints *c, void *arg);

/* Asks for a page and answers {"`name`":[…],"nextCursor":…} from its rows of
 * (id, document); a last row without a document is the cursor, if there is one.
 * `name` is static. */
void paging_ask(struct exchange *x, const char *name,
                const struct db_statement *statement, const char *const *values,
                size_t count);

/* Checks for filters; a complaint is made when it does not fit. */
bool paging_is_id(const char *name, const char *value, struct complaints *c);
bool paging_is_text(const char *name, const char *value, size_t max_bytes,
                    struct complaints *c);

#endif
