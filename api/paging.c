#include "api/paging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/lookup.h"
#include "api/reply.h"
#include "common/buf.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/token.h"

enum { PAGE_DEFAULT = 20, PAGE_MAX = 100 };

/* A page's worth of documents, each bounded by what a submission may hold. */
static const size_t page_max_bytes =
    PAGE_MAX * (size_t)(2 * LIMIT_OPTIONS_BYTES);

/* Behind every UUIDv7. */
static const char newest[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

bool paging_is_id(const char *name, const char *value, struct complaints *c)
{
    if (uuid_is_valid(value))
        return true;
    complain(c, name, "must be an id, a UUID");
    return false;
}

bool paging_is_text(const char *name, const char *value, size_t max_bytes,
                    struct complaints *c)
{
    if (*value && strlen(value) <= max_bytes)
        return true;
    complain(c, name, "must be a text of 1 to %zu bytes", max_bytes);
    return false;
}

static void read_limit(struct paging *p, const char *value,
                       struct complaints *c)
{
    size_t digits = strspn(value, "0123456789");
    long number = digits > 0 && digits <= 9 && value[digits] == '\0'
                      ? strtol(value, NULL, 10)
                      : 0;

    if (number < 1 || number > PAGE_MAX)
        complain(c, "limit", "must be a whole number from 1 to %d", PAGE_MAX);
    else
        snprintf(p->limit, sizeof p->limit, "%ld", number);
}

static void read_cursor(struct paging *p, const char *value,
                        struct complaints *c)
{
    p->cursor = value;
    if (!uuid_is_valid(value))
        complain(c, "cursor", "must be the `nextCursor` of an earlier answer");
}

void paging_read(struct paging *p, const struct http_request *r,
                 paging_filter *filter, struct complaints *c, void *arg)
{
    const struct query *query = http_query_all(r);

    *p = (struct paging){ .cursor = newest };
    snprintf(p->limit, sizeof p->limit, "%d", PAGE_DEFAULT);
    for (size_t i = 0; i < query->count; i++) {
        const char *name = query->items[i].name;
        const char *value = query->items[i].value;
        unsigned count;

        if (query_find(query, name, &count) != value)
            continue; /* complained about with the first one */
        if (count > 1)
            complain(c, name, "must be given once");
        else if (strcmp(name, "limit") == 0)
            read_limit(p, value, c);
        else if (strcmp(name, "cursor") == 0)
            read_cursor(p, value, c);
        else if (!filter || !filter(name, value, c, arg))
            complain(c, name, "is no parameter of this list");
    }
}

/* What the elements are called, for the answer. */
struct question {
    const char *name;
};

static void on_page(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    const struct question *q = x->work;
    const char *next = NULL;
    struct buf page;
    int rc;

    if (db_result_status(result) != DB_OK) {
        reply_db_failure(x, result);
        return;
    }
    buf_init(&page, page_max_bytes);
    rc = buf_printf(&page, "{\"%s\":[", q->name);
    for (size_t i = 0; i < db_rows(result); i++) {
        const char *document = db_value(result, i, 1);

        if (!document) {
            next = db_value(result, i, 0);
            break;
        }
        rc |= buf_append_str(&page, i > 0 ? "," : "");
        rc |= buf_append_str(&page, document);
    }
    rc |= next ? buf_printf(&page, "],\"nextCursor\":\"%s\"}", next)
               : buf_append_str(&page, "],\"nextCursor\":null}");
    if (rc == 0)
        reply(x, 200, "application/json", page.data, page.len, NULL);
    else
        reply_problem(x, PROBLEM_INTERNAL,
                      "these are too large for one page; ask with a smaller "
                      "`limit`");
    buf_release(&page);
}

void paging_ask(struct exchange *x, const char *name,
                const struct db_statement *statement, const char *const *values,
                size_t count)
{
    struct question *q;

    if (!lookup_ready(x))
        return;
    q = mem_zalloc(sizeof *q);
    q->name = name;
    x->work = q;
    x->work_free = free;
    db_call(x->api->db, statement, values, count, on_page, x);
}
