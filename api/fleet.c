#include "api/fleet.h"

#include <json-c/json.h>
#include <string.h>

#include "api/lookup.h"
#include "api/queue_survey.h"
#include "api/reply.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"

/* A worker process has one connection of that name. */
static const struct db_statement fleet_statement = {
    "api_fleet",
    "select row_to_json(f)::text from (select queued, submitted,"
    " round(extract(epoch from oldest_unfinished)::numeric, 3)"
    " as \"oldestUnfinishedSeconds\","
    " completed_last_hour as \"completedLastHour\","
    " failed_last_hour as \"failedLastHour\","
    " dead_letters as \"deadLetters\","
    " (select json_build_object('alive', count(*)) from pg_stat_activity"
    "  where datname = current_database()"
    "  and application_name = 'shotfleet-worker') as workers"
    " from fleet_status) f",
};

/* Half way: the database has answered, Redis has not. */
struct report {
    struct exchange *exchange;
    struct json_object *document;
    struct queue_survey *survey;
};

static void report_free(void *report)
{
    struct report *r = report;

    queue_survey_abandon(r->survey);
    json_object_put(r->document);
    free(r);
}

static struct json_object *streams_of(const struct queue_numbers *n)
{
    struct json_object *list = json_object_new_array();
    int64_t now_ms = clock_wall_ms();

    for (size_t i = 0; i < QUEUE_STREAMS; i++) {
        struct json_object *o = json_object_new_object();
        int64_t oldest_ms = n->streams[i].oldest_ms;
        int64_t age_ms = now_ms > oldest_ms ? now_ms - oldest_ms : 0;

        json_object_object_add(o, "name",
                               json_object_new_string(n->streams[i].name));
        json_object_object_add(o, "length",
                               json_object_new_int64(n->streams[i].length));
        json_object_object_add(
            o, "oldestSeconds",
            oldest_ms == INT64_MAX
                ? NULL
                : json_object_new_double((double)age_ms / 1000));
        json_object_array_add(list, o);
    }
    return list;
}

static struct json_object *servers_of(struct shards *shards)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < shards_count(shards); i++) {
        struct json_object *o = json_object_new_object();
        const struct redis *redis = shards_at(shards, i);

        json_object_object_add(o, "server",
                               json_object_new_string(redis_name(redis)));
        json_object_object_add(o, "up",
                               json_object_new_boolean(redis_is_up(redis)));
        json_object_array_add(list, o);
    }
    return list;
}

static void on_survey(const struct queue_numbers *n, void *arg)
{
    struct report *r = arg;
    struct exchange *x = r->exchange;
    struct json_object *document = json_object_get(r->document);
    struct json_object *postgresql = json_object_new_object();

    r->survey = NULL;
    json_object_object_add(document, "streams", streams_of(n));
    json_object_object_add(document, "redis", servers_of(x->api->shards));
    json_object_object_add(postgresql, "up", json_object_new_boolean(true));
    json_object_object_add(document, "postgresql", postgresql);
    reply_json(x, 200, document, NULL);
}

static void on_fleet(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    struct report *r;
    const char *text;
    char error[128];

    if (!lookup_found(x, result))
        return;
    text = db_value(result, 0, 0);
    r = mem_zalloc(sizeof *r);
    x->work = r;
    x->work_free = report_free;
    r->exchange = x;
    r->document = json_parse(text, strlen(text), error, sizeof error);
    r->survey = queue_survey_new(on_survey, r);
    queue_survey_start(r->survey, x->api->shards);
}

void fleet_get(struct exchange *x)
{
    if (lookup_ready(x))
        db_call(x->api->db, &fleet_statement, NULL, 0, on_fleet, x);
}
