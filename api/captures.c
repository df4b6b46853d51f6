#include "api/captures.h"

#include "api/lookup.h"

static const struct db_statement get_statement = {
    "api_get",
    "select document from capture_documents where id = $1::uuid",
};

static const struct db_statement history_statement = {
    "api_history",
    "select history from capture_history($1::uuid) as history"
    " where history is not null",
};

void captures_get(struct exchange *x)
{
    lookup_document(x, &get_statement);
}

void captures_history(struct exchange *x)
{
    lookup_document(x, &history_statement);
}
