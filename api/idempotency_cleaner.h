/* idempotency_cleaner.h - forgets idempotency keys of more than a day ago. */
#ifndef API_IDEMPOTENCY_CLEANER_H
#define API_IDEMPOTENCY_CLEANER_H

#include "common/db.h"
#include "common/loop.h"

struct idempotency_cleaner;

/* `db` is borrowed; free it first, it may still owe an answer. */
struct idempotency_cleaner *idempotency_cleaner_new(struct loop *loop,
                                                    struct db *db);
void idempotency_cleaner_free(struct idempotency_cleaner *c); /* accepts NULL */

#endif
