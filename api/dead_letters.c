#include "api/dead_letters.h"

#include <string.h>

#include "api/lookup.h"
#include "api/paging.h"
#include "api/reply.h"

enum { PROVIDER_MAX_BYTES = 64, TEXT_MAX_BYTES = 255 };

struct filters {
    const char *provider, *job, *error, *waiting; /* NULL: any */
};

static const struct db_statement list_statement = {
    "api_dead_letters",
    "select id::text, document from dead_letters_page($1::uuid, $2::integer,"
    " $3, $4::uuid, $5, $6)",
};

static const struct db_statement get_statement = {
    "api_dead_letter",
    "select document from dead_letter_whole($1::uuid) as document"
    " where document is not null",
};

static const struct db_statement change_statement = {
    "api_dead_letter_change",
    "select changed, document from change_dead_letter($1::uuid, $2::boolean)",
};

enum { CHANGED, DOCUMENT }; /* its columns */

static bool read_filter(const char *name, const char *value,
                        struct complaints *c, void *arg)
{
    struct filters *f = arg;

    if (strcmp(name, "provider") == 0) {
        f->provider = value;
        (void)paging_is_text(name, value, PROVIDER_MAX_BYTES, c);
    } else if (strcmp(name, "job") == 0) {
        f->job = value;
        (void)paging_is_id(name, value, c);
    } else if (strcmp(name, "error") == 0) {
        f->error = value;
        (void)paging_is_text(name, value, TEXT_MAX_BYTES, c);
    } else if (strcmp(name, "waiting") == 0) {
        f->waiting = value;
        if (strcmp(value, "person") != 0 && strcmp(value, "retry") != 0)
            complain(c, name, "must be person or retry");
    } else {
        return false;
    }
    return true;
}

void dead_letters_list(struct exchange *x)
{
    struct complaints complaints = { 0 };
    struct filters f = { 0 };
    struct paging p;

    paging_read(&p, x->request, read_filter, &complaints, &f);
    if (complaints.count > 0)
        reply_complaints(x, &complaints);
    else
        paging_ask(x, "deadLetters", &list_statement,
                   (const char *const[]){ p.cursor, p.limit, f.provider, f.job,
                                          f.error, f.waiting },
                   6);
    complaints_release(&complaints);
}

void dead_letters_get(struct exchange *x)
{
    lookup_document(x, &get_statement);
}

static void on_changed(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    const char *document;

    if (!lookup_found(x, result))
        return;
    document = db_value(result, 0, DOCUMENT);
    if (strcmp(db_value(result, 0, CHANGED), "t") == 0)
        reply(x, 202, "application/json", document, strlen(document), NULL);
    else
        reply_problem(x, PROBLEM_WRONG_STATE,
                      "the dead letter is resolved already; there is nothing "
                      "to be done");
}

static void change(struct exchange *x, const char *drops)
{
    const char *values[] = { x->name, drops };

    if (lookup_ready(x))
        db_call(x->api->db, &change_statement, values, ARRAY_LEN(values),
                on_changed, x);
}

void dead_letters_retry(struct exchange *x)
{
    change(x, "false");
}

void dead_letters_drop(struct exchange *x)
{
    change(x, "true");
}
