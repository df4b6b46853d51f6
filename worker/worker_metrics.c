#include "worker/worker_metrics.h"

static const char entries[] = "shotfleet_entries_total";
static const char entries_help[] =
    "Stream entries by where they came from and what became of them.";
static const char letters[] = "shotfleet_dead_letters_total";
static const char letters_help[] =
    "Entries that became a dead letter, or failed again as one, by reason.";
static const char downloads[] = "shotfleet_downloads_total";
static const char downloads_help[] =
    "Downloads of pictures, from the provider's own address or from another.";
static const char submissions[] = "shotfleet_submissions_total";
static const char submissions_help[] = "Captures handed to a provider.";
static const char callbacks[] = "shotfleet_callbacks_total";
static const char callbacks_help[] =
    "Attempts to deliver a callback, by what became of them.";

#define ENTRY(kind, outcome)                                                   \
    {                                                                          \
        entries, "kind=\"" kind "\",outcome=\"" outcome "\"", entries_help,    \
            METRIC_COUNTER                                                     \
    }
#define ENTRIES(first, kind)                                                   \
    [(first) + ENTRY_RECORDED] = ENTRY(kind, "recorded"),                      \
               [(first) + ENTRY_DUPLICATE] = ENTRY(kind, "duplicate"),         \
               [(first) + ENTRY_IGNORED] = ENTRY(kind, "ignored"),             \
               [(first) + ENTRY_DEAD] = ENTRY(kind, "dead"),                   \
               [(first) + ENTRY_REPEATED] = ENTRY(kind, "repeated")
#define LETTER(reason)                                                         \
    {                                                                          \
        letters, "reason=\"" reason "\"", letters_help, METRIC_COUNTER         \
    }
#define DOWNLOAD(host, outcome)                                                \
    {                                                                          \
        downloads, "host=\"" host "\",outcome=\"" outcome "\"",                \
            downloads_help, METRIC_COUNTER                                     \
    }

static const struct metric series[WORKER_METRIC_COUNT] = {
    ENTRIES(ENTRIES_WEBHOOK, "webhook"),
    ENTRIES(ENTRIES_POLL, "poll"),
    ENTRIES(ENTRIES_RETRY, "retry"),
    ENTRIES(ENTRIES_SUBMIT, "submit"),
    [ENTRIES_IN_HAND] = { "shotfleet_entries_in_hand", NULL,
                          "Entries read and not yet acknowledged.",
                          METRIC_GAUGE },
    [ENTRIES_TAKEN_OVER] = { "shotfleet_entries_taken_over_total", NULL,
                             "Entries claimed from silent workers.",
                             METRIC_COUNTER },
    [RECEIVED_TO_RECORDED] = { "shotfleet_received_to_recorded_seconds", NULL,
                               "From a webhook's arrival at the door until it "
                               "is recorded.",
                               METRIC_HISTOGRAM },
    [RETRIES] = { "shotfleet_retries_total", NULL,
                  "Captures that were given another attempt.", METRIC_COUNTER },
    [DEAD_LETTERS + DEAD_UNKNOWN_JOB] = LETTER("unknown_job"),
    [DEAD_LETTERS + DEAD_UNREADABLE] = LETTER("unreadable"),
    [DEAD_LETTERS + DEAD_PICTURE] = LETTER("picture"),
    [DEAD_LETTERS + DEAD_STORAGE] = LETTER("storage"),
    [DEAD_LETTERS + DEAD_DELIVERIES] = LETTER("deliveries"),
    [DEAD_LETTERS + DEAD_REFUSED] = LETTER("refused"),
    [BATCH_SECONDS] = { "shotfleet_batch_seconds", NULL,
                        "Time of one recording transaction.",
                        METRIC_HISTOGRAM },
    [BATCH_ENTRIES] = { "shotfleet_batch_entries", NULL,
                        "Entries in one recording transaction.", METRIC_SIZES },
    [BATCHES_FAILED] = { "shotfleet_batches_failed_total", NULL,
                         "Recording transactions that were rolled back.",
                         METRIC_COUNTER },
    [DOWNLOADS_PROVIDER] = DOWNLOAD("provider", "fetched"),
    [DOWNLOADS_PROVIDER + 1] = DOWNLOAD("provider", "failed"),
    [DOWNLOADS_OTHER] = DOWNLOAD("other", "fetched"),
    [DOWNLOADS_OTHER + 1] = DOWNLOAD("other", "failed"),
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
    [CHILDREN_RESTARTED] = { "shotfleet_children_restarted_total", NULL,
                             "Worker processes that died and were replaced.",
                             METRIC_COUNTER },
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
