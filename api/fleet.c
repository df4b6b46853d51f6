#include "api/fleet.h"

#include <string.h>

#include "api/captures.h"
#include "api/reply.h"

static const struct db_statement fleet_statement = {
    "api_fleet",
    "select json_build_object("
    "'queued', queued, 'submitted', submitted, "
    "'oldestUnfinishedSeconds', "
    "round(extract(epoch from oldest_unfinished)::numeric, 3), "
    "'completedLastHour', completed_last_hour, "
    "'failedLastHour', failed_last_hour, "
    "'deadLetters', dead_letters)::text from fleet_status",
};

static void on_fleet(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    const char *text;

    if (db_result_status(result) != DB_OK) {
        reply_db_failure(x, result);
        return;
    }
    text = db_value(result, 0, 0);
    reply(x, 200, "application/json", text, strlen(text), NULL);
}

void fleet_get(struct exchange *x)
{
    if (captures_db_ready(x))
        db_call(x->api->db, &fleet_statement, NULL, 0, on_fleet, x);
}
