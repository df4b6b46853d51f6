#include "api/batches.h"

#include "api/lookup.h"
#include "api/paging.h"
#include "api/reply.h"

static const struct db_statement get_statement = {
    "api_batch",
    "select document from batch_document($1::uuid) as document"
    " where document is not null",
};

static const struct db_statement list_statement = {
    "api_batches",
    "select id::text, document from batches_page($1::uuid, $2::integer)",
};

void batches_list(struct exchange *x)
{
    struct complaints complaints = { 0 };
    struct paging p;

    paging_read(&p, x->request, NULL, &complaints, NULL);
    if (complaints.count > 0)
        reply_complaints(x, &complaints);
    else
        paging_ask(x, "batches", &list_statement,
                   (const char *const[]){ p.cursor, p.limit }, 2);
    complaints_release(&complaints);
}

void batches_get(struct exchange *x)
{
    lookup_document(x, &get_statement);
}
