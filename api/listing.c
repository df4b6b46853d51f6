#include "api/listing.h"

#include <string.h>

#include "api/paging.h"
#include "api/reply.h"
#include "common/limits.h"
#include "common/timestamp.h"

enum {
    METADATA_FILTERS_MAX = 8,
    PROVIDER_MAX_BYTES = 64,
    TEXT_MAX_BYTES = 255
};

/* As many as there are; all NULL when nothing is asked for. */
struct filters {
    const char *status, *batch, *provider, *after, *before, *url;
    struct buf names, values; /* arrays, of metadata */
    size_t metadata_count;
};

static const struct db_statement list_statement = {
    "api_list",
    "select id::text, document from captures_page($1::uuid, $2::integer, $3,"
    " $4::uuid, $5, $6::timestamptz, $7::timestamptz, $8::text[], $9::text[],"
    " $10)",
};

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

static const char *read_time(const char *name, const char *value,
                             struct complaints *c)
{
    int64_t ms;

    if (timestamp_parse(value, TIMESTAMP_ISO8601, &ms) == 0)
        return value;
    complain(c, name, "must be a time such as 2026-01-31T12:00:00Z");
    return NULL;
}

/* "metadata[NAME]" */
static void read_metadata(struct filters *f, const char *name,
                          const char *value, struct complaints *c)
{
    const char *member = name + sizeof "metadata[" - 1;
    size_t len = strcspn(member, "]");
    char text[TEXT_MAX_BYTES + 1];

    if (len == 0 || len > TEXT_MAX_BYTES || strcmp(member + len, "]") != 0)
        complain(c, name, "must be written as metadata[NAME]=VALUE");
    else if (f->metadata_count == METADATA_FILTERS_MAX)
        complain(c, name, "is one too many; %d members can be asked for",
                 METADATA_FILTERS_MAX);
    else if (strlen(value) > TEXT_MAX_BYTES)
        complain(c, name, "must be a text of at most %d bytes", TEXT_MAX_BYTES);
    else {
        memcpy(text, member, len);
        text[len] = '\0';
        db_array_add(&f->names, text);
        db_array_add(&f->values, value);
        f->metadata_count++;
    }
}

static bool read_filter(const char *name, const char *value,
                        struct complaints *c, void *arg)
{
    struct filters *f = arg;

    if (strcmp(name, "status") == 0) {
        f->status = value;
        if (!is_status(value))
            complain(c, name,
                     "must be queued, submitted, completed, failed or "
                     "cancelled");
    } else if (strcmp(name, "batch") == 0) {
        f->batch = paging_is_id(name, value, c) ? value : NULL;
    } else if (strcmp(name, "provider") == 0) {
        f->provider = value;
        (void)paging_is_text(name, value, PROVIDER_MAX_BYTES, c);
    } else if (strcmp(name, "submittedAfter") == 0) {
        f->after = read_time(name, value, c);
    } else if (strcmp(name, "submittedBefore") == 0) {
        f->before = read_time(name, value, c);
    } else if (strcmp(name, "url") == 0) {
        f->url = value;
        (void)paging_is_text(name, value, TEXT_MAX_BYTES, c);
    } else if (strncmp(name, "metadata[", sizeof "metadata[" - 1) == 0) {
        read_metadata(f, name, value, c);
    } else {
        return false;
    }
    return true;
}

static void ask(struct exchange *x, const struct paging *p,
                const struct filters *f)
{
    bool metadata = f->metadata_count > 0;
    const char *values[] = {
        p->cursor,
        p->limit,
        f->status,
        f->batch,
        f->provider,
        f->after,
        f->before,
        metadata ? f->names.data : NULL,
        metadata ? f->values.data : NULL,
        f->url,
    };

    paging_ask(x, "captures", &list_statement, values, ARRAY_LEN(values));
}

void listing_get(struct exchange *x)
{
    struct complaints complaints = { 0 };
    struct filters filters = { 0 };
    struct paging paging;

    /* each byte escaped, and quotes */
    buf_init(&filters.names, LIMIT_HTTP_HEAD_BYTES * 3);
    buf_init(&filters.values, LIMIT_HTTP_HEAD_BYTES * 3);
    db_array_begin(&filters.names);
    db_array_begin(&filters.values);
    paging_read(&paging, x->request, read_filter, &complaints, &filters);
    db_array_end(&filters.names);
    db_array_end(&filters.values);
    if (complaints.count > 0)
        reply_complaints(x, &complaints);
    else
        ask(x, &paging, &filters);
    complaints_release(&complaints);
    buf_release(&filters.names);
    buf_release(&filters.values);
}
