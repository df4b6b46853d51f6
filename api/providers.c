#include "api/providers.h"

#include "api/lookup.h"
#include "common/buf.h"

static const struct db_statement providers_statement = {
    "api_providers",
    "select providers_document($1::text[])",
};

enum { NAMES_MAX_BYTES = 1024 * 1024 };

void providers_get(struct exchange *x)
{
    const struct profiles *profiles = &x->api->profiles;
    struct buf names;

    buf_init(&names, NAMES_MAX_BYTES);
    db_array_begin(&names);
    for (size_t i = 0; i < profiles->count; i++)
        db_array_add(&names, profiles->items[i].name);
    db_array_end(&names);
    lookup_document_of(x, &providers_statement, names.data);
    buf_release(&names);
}
