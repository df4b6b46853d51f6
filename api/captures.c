#include "api/captures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/reply.h"
#include "common/buf.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/token.h"

enum { PAGE_DEFAULT = 20, PAGE_MAX = 100 };

/* A page's worth of documents, each bounded by what a submission may hold. */
static const size_t page_max_bytes =
    PAGE_MAX * (size_t)(2 * LIMIT_OPTIONS_BYTES);

static const struct db_statement get_statement = {
    "api_get",
    "select document from capture_documents where id = $1::uuid",
};

/* `order by d.id`: a bare id would be the text, which no index sorts. */
#define LIST_COLUMNS "select document, d.id::text from capture_documents d "

static const struct db_statement list_statement = {
    "api_list",
    LIST_COLUMNS "where d.id < $1::uuid order by d.id desc limit $2::integer",
};

/* A statement of its own, so that it is planned for its status. */
static const struct db_statement list_status_statement = {
    "api_list_status",
    LIST_COLUMNS "where d.id < $1::uuid and d.status = $3 "
                 "order by d.id desc limit $2::integer",
};

/* Behind every UUIDv7. */
static const char newest[] = "ffffffff-ffff-ffff-ffff-ffffffffffff";

bool captures_db_ready(struct exchange *x)
{
    const struct db *db = x->api->db;

    if (!db_is_up(db))
        reply_unavailable(x, "the database is away; nothing happened, try "
                             "again");
    else if (db_outstanding(db) >= API_DB_CALLS_MAX)
        reply_unavailable(x, "too many requests at once; nothing happened, try "
                             "again");
    else
        return true;
    return false;
}

void captures_unknown(struct exchange *x)
{
    reply_problem(x, PROBLEM_NOT_FOUND, "there is no capture \"%s\"", x->name);
}

static void on_get(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    const char *text;

    if (db_result_status(result) != DB_OK) {
        reply_db_failure(x, result);
    } else if (db_rows(result) == 0) {
        captures_unknown(x);
    } else {
        text = db_value(result, 0, 0);
        reply(x, 200, "application/json", text, strlen(text), NULL);
    }
}

void captures_get(struct exchange *x)
{
    const char *values[] = { x->name };

    if (captures_db_ready(x))
        db_call(x->api->db, &get_statement, values, ARRAY_LEN(values), on_get,
                x);
}

struct listing {
    const char *status; /* the request's memory, as the cursor; or NULL */
    const char *cursor;
    unsigned limit;
};

static int put_page(struct buf *out, const struct db_result *result,
                    size_t limit)
{
    size_t rows = db_rows(result);
    size_t shown = rows < limit ? rows : limit;
    int rc = buf_append_str(out, "{\"captures\":[");

    for (size_t i = 0; i < shown; i++) {
        rc |= buf_append_str(out, i > 0 ? "," : "");
        rc |= buf_append_str(out, db_value(result, i, 0));
    }
    /* one row more was asked for, to know whether there is one */
    if (rows > limit)
        rc |= buf_printf(out, "],\"nextCursor\":\"%s\"}",
                         db_value(result, shown - 1, 1));
    else
        rc |= buf_append_str(out, "],\"nextCursor\":null}");
    return rc;
}

static void on_list(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    const struct listing *l = x->work;
    struct buf page;

    if (db_result_status(result) != DB_OK) {
        reply_db_failure(x, result);
        return;
    }
    buf_init(&page, page_max_bytes);
    if (put_page(&page, result, l->limit) == 0)
        reply(x, 200, "application/json", page.data, page.len, NULL);
    else
        reply_problem(x, PROBLEM_INTERNAL,
                      "these captures are too large for one page; ask with a "
                      "smaller `limit`");
    buf_release(&page);
}

static bool is_status(const char *text)
{
    static const char *const all[] = { "queued", "submitted", "completed",
                                       "failed", "cancelled" };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (strcmp(text, all[i]) == 0)
            return true;
    }
    return false;
}

static void read_listing(struct listing *l, const struct http_request *r,
                         struct complaints *c)
{
    const char *limit = http_query(r, "limit");
    char *end = NULL;
    long number = PAGE_DEFAULT;

    l->status = http_query(r, "status");
    l->cursor = http_query(r, "cursor");
    if (l->status && !is_status(l->status))
        complain(c, "status",
                 "must be queued, submitted, completed, failed or cancelled");
    if (l->cursor && !uuid_is_valid(l->cursor))
        complain(c, "cursor", "must be the `nextCursor` of an earlier answer");
    if (limit)
        number = strtol(limit, &end, 10);
    if (limit && (end == limit || *end || number < 1 || number > PAGE_MAX))
        complain(c, "limit", "must be a whole number from 1 to %d", PAGE_MAX);
    else
        l->limit = (unsigned)number;
}

void captures_list(struct exchange *x)
{
    struct listing *l = mem_zalloc(sizeof *l);
    struct complaints complaints = { 0 };
    char limit[16];

    x->work = l;
    x->work_free = free;
    read_listing(l, x->request, &complaints);
    if (complaints.count > 0) {
        reply_complaints(x, &complaints);
    } else if (captures_db_ready(x)) {
        const char *values[] = { l->cursor ? l->cursor : newest, limit,
                                 l->status };

        snprintf(limit, sizeof limit, "%u", l->limit + 1);
        db_call(x->api->db,
                l->status ? &list_status_statement : &list_statement, values,
                l->status ? 3 : 2, on_list, x);
    }
    complaints_release(&complaints);
}
