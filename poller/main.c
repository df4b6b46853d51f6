/* shotfleet-poller: settings, connections, then rounds until SIGTERM. */
#include <stdio.h>

#include "common/admin.h"
#include "common/ca_file.h"
#include "common/log.h"
#include "common/supervisor.h"
#include "poller/cleaner.h"
#include "poller/poller.h"
#include "poller/poller_metrics.h"
#include "poller/poller_settings.h"
#include "poller/refusals.h"
#include "poller/scorecard.h"

enum {
    REDIS_DEADLINE_MS = 5000,
    /* The scorecard of a day of millions takes a while. */
    SLOW_STATEMENT_MS = 300 * 1000,
};

static bool is_ready(char *reason, size_t reason_size, void *arg)
{
    const struct poller *p = arg;

    if (shards_up(p->shards) > 0 && db_is_up(p->db))
        return true;
    snprintf(reason, reason_size, "not connected to %s",
             shards_up(p->shards) > 0 ? "postgresql" : "redis");
    return false;
}

static void on_stop(void *arg)
{
    loop_stop(arg); /* leases end by themselves */
}

int main(int argc, char **argv)
{
    struct poller_settings settings = { 0 };
    struct providers providers = { 0 };
    struct poller p = { .providers = &providers };
    struct admin *admin = NULL;
    struct db *slow = NULL; /* for what may take seconds */
    struct refusals *refusals = NULL;
    struct scorecard *scorecard = NULL;
    struct cleaner *cleaner = NULL;
    char error[SETTINGS_ERROR_SIZE];
    int code = EXIT_CONFIG;

    poller_settings_start(argc, argv, &settings);
    p.loop = loop_new();
    p.metrics = poller_metrics_new();
    p.interval_ms = settings.poll_interval_s * 1000;
    p.stale_after_ms = settings.stale_after_s * 1000;
    if (providers_load(&providers, settings.providers_dir, error) != 0 ||
        ca_file_check(settings.ca_file, error) != 0 ||
        admin_new(&admin, p.loop, settings.admin_listen, p.metrics, is_ready,
                  &p, error, sizeof error) != 0 ||
        !(p.shards = shards_new(p.loop, settings.redis_url, REDIS_DEADLINE_MS,
                                error, sizeof error))) {
        log_error(NULL, "%s", error);
        goto out;
    }
    p.db = db_new(p.loop, settings.database_url, "shotfleet-poller");
    p.http = http_client_new(p.loop, NULL); /* the operator's addresses only */
    http_client_trust(p.http, settings.ca_file);
    supervisor_watch_stop(p.loop, on_stop, p.loop);
    slow = db_new(p.loop, settings.database_url, "shotfleet-poller-slow");
    db_be_patient(slow, SLOW_STATEMENT_MS);
    refusals = refusals_new(p.loop, p.db, p.shards);
    scorecard = scorecard_new(p.loop, slow, p.metrics);
    cleaner = cleaner_new(p.loop, slow, p.shards, p.http, p.metrics, &settings);
    poller_start(&p);
    log_info(NULL, "looking for silent jobs");
    loop_run(p.loop);
    code = 0;
    poller_stop(&p);
out:
    http_client_free(p.http);
    db_free(p.db);
    db_free(slow);
    shards_free(p.shards);
    refusals_free(refusals);
    scorecard_free(scorecard);
    cleaner_free(cleaner);
    admin_free(admin);
    metrics_free(p.metrics);
    poller_release(&p);
    providers_release(&providers);
    loop_free(p.loop);
    poller_settings_release(&settings);
    return code;
}
