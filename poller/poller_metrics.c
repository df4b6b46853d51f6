#include "poller/poller_metrics.h"

static const char checks[] = "shotfleet_checks_total";
static const char checks_help[] =
    "Questions to providers about silent jobs, by answer.";

static const char webhook[] = "stream=\"webhook\"";
static const char submit[] = "stream=\"submit\"";
static const char length[] = "shotfleet_stream_entries";
static const char length_help[] = "Entries on the stream, of all servers.";
static const char pending[] = "shotfleet_stream_pending_entries";
static const char pending_help[] =
    "Entries that a worker has and has not acknowledged.";
static const char oldest[] = "shotfleet_stream_oldest_seconds";
static const char oldest_help[] = "Age of the oldest entry on the stream.";

static const struct metric series[POLLER_METRIC_COUNT] = {
    [CHECKS_ENDED] = { checks, "answer=\"ended\"", checks_help,
                       METRIC_COUNTER },
    [CHECKS_PENDING] = { checks, "answer=\"pending\"", checks_help,
                         METRIC_COUNTER },
    [CHECKS_LOST] = { checks, "answer=\"lost\"", checks_help, METRIC_COUNTER },
    [CHECKS_FAILED] = { checks, "answer=\"none\"", checks_help,
                        METRIC_COUNTER },
    [JOBS_REQUEUED] = { "shotfleet_jobs_requeued_total", NULL,
                        "Queued jobs whose stream entry was gone.",
                        METRIC_COUNTER },
    [JOBS_EXPIRED] = { "shotfleet_jobs_expired_total", NULL,
                       "Jobs found beyond their deadline.", METRIC_COUNTER },
    [DEAD_LETTERS_FED] = { "shotfleet_dead_letters_fed_total", NULL,
                           "Dead letters fed back to the workers.",
                           METRIC_COUNTER },
    [CALLBACKS_QUEUED] = { "shotfleet_callbacks_queued_total", NULL,
                           "Due callbacks given to the workers.",
                           METRIC_COUNTER },
    [DAYS_SUMMED] = { "shotfleet_scorecard_days_total", NULL,
                      "Days of providers that were summed up.",
                      METRIC_COUNTER },
    [THINGS_REMOVED] = { "shotfleet_cleaned_total", NULL,
                         "Rows, files and names removed by housekeeping.",
                         METRIC_COUNTER },
    [CHECKS_IN_FLIGHT] = { "shotfleet_checks_in_flight", NULL,
                           "Questions to providers under way.", METRIC_GAUGE },
    [HELD_BACK] = { "shotfleet_poller_held_back", NULL,
                    "1 while workers are so far behind that nothing is added.",
                    METRIC_GAUGE },
    [STREAM_ENTRIES] = { length, webhook, length_help, METRIC_GAUGE },
    [STREAM_ENTRIES + 1] = { length, submit, length_help, METRIC_GAUGE },
    [STREAM_PENDING] = { pending, webhook, pending_help, METRIC_GAUGE },
    [STREAM_PENDING + 1] = { pending, submit, pending_help, METRIC_GAUGE },
    [STREAM_OLDEST_S] = { oldest, webhook, oldest_help, METRIC_GAUGE },
    [STREAM_OLDEST_S + 1] = { oldest, submit, oldest_help, METRIC_GAUGE },
    [UNACCOUNTED_ENTRIES] = { "shotfleet_unaccounted_entries", NULL,
                              "Entries that are neither recorded nor in "
                              "flight; 0, or something is wrong.",
                              METRIC_GAUGE },
    [REDIS_UP] = { "shotfleet_redis_up", NULL, "Connected to Redis.",
                   METRIC_GAUGE },
    [DATABASE_UP] = { "shotfleet_database_up", NULL, "Connected to PostgreSQL.",
                      METRIC_GAUGE },
};

struct metrics *poller_metrics_new(void)
{
    return metrics_new(series, POLLER_METRIC_COUNT, 1);
}
