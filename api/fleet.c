#include "api/fleet.h"

#include <string.h>

#include "api/lookup.h"
#include "api/reply.h"

static const struct db_statement fleet_statement = {
    "api_fleet",
    "select row_to_json(f)::text from (select queued, submitted,"
    " round(extract(epoch from oldest_unfinished)::numeric, 3)"
    " as \"oldestUnfinishedSeconds\","
    " completed_last_hour as \"completedLastHour\","
    " failed_last_hour as \"failedLastHour\","
    " dead_letters as \"deadLetters\" from fleet_status) f",
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
    if (lookup_ready(x))
        db_call(x->api->db, &fleet_statement, NULL, 0, on_fleet, x);
}
