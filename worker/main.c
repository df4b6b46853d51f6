/* shotfleet-worker: settings, providers, then children that do the work. */
#include <string.h>

#include "common/guard.h"
#include "common/log.h"
#include "common/provider.h"
#include "common/supervisor.h"
#include "worker/worker.h"
#include "worker/worker_metrics.h"
#include "worker/worker_settings.h"

static void trim_slashes(char *url)
{
    for (size_t n = strlen(url); n > 0 && url[n - 1] == '/';)
        url[--n] = '\0';
}

int main(int argc, char **argv)
{
    struct worker_settings settings = { 0 };
    struct providers providers = { 0 };
    struct guard guard = { 0 };
    struct secrets token_keys = { 0 };
    struct worker_shared shared = { .settings = &settings,
                                    .providers = &providers,
                                    .guard = &guard,
                                    .token_keys = &token_keys };
    struct supervisor_options options = { .child = worker_child,
                                          .arg = &shared };
    char error[SETTINGS_ERROR_SIZE];
    int code = EXIT_CONFIG;

    worker_settings_start(argc, argv, &settings);
    trim_slashes(settings.webhook_url);
    if (providers_load(&providers, settings.providers_dir, error) != 0 ||
        guard_init(&guard, settings.fetch_allow, error, sizeof error) != 0 ||
        secrets_parse(&token_keys,
                      *settings.token_secrets ? settings.token_secrets
                                              : settings.webhook_secrets,
                      false, error, sizeof error) != 0) {
        log_error(NULL, "%s", error);
        goto out;
    }
    options.processes = settings.processes > 0 ? (unsigned)settings.processes
                                               : supervisor_processors();
    options.admin = *settings.admin_listen ? worker_admin : NULL;
    options.grace_ms = settings.grace_s * 1000;
    shared.metrics = worker_metrics_new(options.processes + 1);
    options.metrics = shared.metrics;
    log_info(NULL, "working with %u processes", options.processes);
    code = supervisor_run(&options);
out:
    metrics_free(shared.metrics);
    secrets_release(&token_keys);
    guard_release(&guard);
    providers_release(&providers);
    worker_settings_release(&settings);
    return code;
}
