#include "worker/worker_metrics.h"

static const char entries[] = "shotfleet_entries_total";
static const char entries_help[] = "Stream entries by what became of them.";
static const char submissions[] = "shotfleet_submissions_total";
static const char submissions_help[] = "Captures handed to a provider.";
static const char callbacks[] = "shotfleet_callbacks_total";
static const char callbacks_help[] =
    "Attempts to deliver a callback, by what became of them.";

static const struct metric series[WORKER_METRIC_COUNT] = {
    [ENTRIES_RECORDED] = { entries, "outcome=\"recorded\"", entries_help,
                           METRIC_COUNTER },
    [ENTRIES_DUPLICATE] = { entries, "outcome=\"duplicate\"", entries_help,
                            METRIC_COUNTER },
    [ENTRIES_IGNORED] = { entries, "outcome=\"ignored\"", entries_help,
                          METRIC_COUNTER },
    [ENTRIES_DEAD] = { entries, "outcome=\"dead\"", entries_help,
                       METRIC_COUNTER },
    [ENTRIES_REPEATED] = { entries, "outcome=\"repeated\"", entries_help,
                           METRIC_COUNTER },
    [ENTRIES_IN_HAND] = { "shotfleet_entries_in_hand", NULL,
                          "Entries read and not yet acknowledged.",
                          METRIC_GAUGE },
    [ENTRIES_TAKEN_OVER] = { "shotfleet_entries_taken_over_total", NULL,
                             "Entries claimed from silent workers.",
                             METRIC_COUNTER },
    [BATCH_SECONDS] = { "shotfleet_batch_seconds", NULL,
                        "Time of one recording transaction.",
                        METRIC_HISTOGRAM },
    [BATCH_ENTRIES] = { "shotfleet_batch_entries_total", NULL,
                        "Entries in recording transactions.", METRIC_COUNTER },
    [BATCHES_FAILED] = { "shotfleet_batches_failed_total", NULL,
                         "Recording transactions that were rolled back.",
                         METRIC_COUNTER },
    [PICTURES_STORED] = { "shotfleet_pictures_stored_total", NULL,
                          "Pictures fetched, checked and stored.",
                          METRIC_COUNTER },
    [PICTURE_BYTES] = { "shotfleet_picture_bytes_total", NULL,
                        "Bytes of stored pictures.", METRIC_COUNTER },
    [PICTURES_FAILED] = { "shotfleet_pictures_failed_total", NULL,
                          "Pictures that could not be fetched or stored.",
                          METRIC_COUNTER },
    [SUBMISSIONS_ACCEPTED] = { submissions, "outcome=\"accepted\"",
                               submissions_help, METRIC_COUNTER },
    [SUBMISSIONS_REFUSED] = { submissions, "outcome=\"refused\"",
                              submissions_help, METRIC_COUNTER },
    [SUBMISSIONS_POSTPONED] = { submissions, "outcome=\"postponed\"",
                                submissions_help, METRIC_COUNTER },
    [CALLBACKS_DELIVERED] = { callbacks, "outcome=\"delivered\"",
                              callbacks_help, METRIC_COUNTER },
    [CALLBACKS_FAILED] = { callbacks, "outcome=\"failed\"", callbacks_help,
                           METRIC_COUNTER },
    [CALLBACKS_POSTPONED] = { callbacks, "outcome=\"postponed\"",
                              callbacks_help, METRIC_COUNTER },
    [CALLBACKS_STOPPED] = { callbacks, "outcome=\"stopped\"", callbacks_help,
                            METRIC_COUNTER },
    [STORAGE_UP] = { "shotfleet_storage_up", NULL,
                     "Processes that can store pictures.", METRIC_GAUGE },
    [DATABASE_UP] = { "shotfleet_database_up", NULL,
                      "Processes that are connected to PostgreSQL.",
                      METRIC_GAUGE },
    [REDIS_UP] = { "shotfleet_redis_up", NULL,
                   "Processes that are connected to Redis.", METRIC_GAUGE },
};

struct metrics *worker_metrics_new(unsigned processes)
{
    return metrics_new(series, WORKER_METRIC_COUNT, processes);
}
