/* shotfleet-worker: settings, then children that do the work. */
#include "common/log.h"
#include "common/supervisor.h"
#include "worker/worker.h"
#include "worker/worker_config.h"
#include "worker/worker_metrics.h"

int main(int argc, char **argv)
{
    struct worker_config config = { 0 };
    const struct worker_settings *settings = &config.settings;
    struct worker_shared shared = { .config = &config };
    struct supervisor_options options = { .child = worker_child,
                                          .arg = &shared };
    char error[SETTINGS_ERROR_SIZE];
    int code = EXIT_CONFIG;

    worker_settings_start(argc, argv, &config.settings);
    if (worker_config_init(&config, error) != 0) {
        log_error(NULL, "%s", error);
        goto out;
    }
    options.processes = settings->processes > 0 ? (unsigned)settings->processes
                                                : supervisor_processors();
    options.admin = *settings->admin_listen ? worker_admin : NULL;
    options.grace_ms = settings->grace_s * 1000;
    shared.metrics = worker_metrics_new(options.processes + 1);
    options.metrics = shared.metrics;
    shared.paces = paces_new(options.processes);
    options.restarts = CHILDREN_RESTARTED;
    log_info(NULL, "working with %u processes", options.processes);
    code = supervisor_run(&options);
out:
    paces_free(shared.paces);
    metrics_free(shared.metrics);
    worker_config_release(&config);
    return code;
}
