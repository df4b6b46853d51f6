/* shotfleet-ingest: settings, gate, port, then children that do the work. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http_server.h"
#include "common/log.h"
#include "common/supervisor.h"
#include "ingest/gate.h"
#include "ingest/ingest.h"
#include "ingest/ingest_metrics.h"
#include "ingest/ingest_settings.h"
#include "ingest/receiver.h"

static unsigned processes(const struct ingest_settings *s)
{
    return s->processes > 0 ? (unsigned)s->processes : supervisor_processors();
}

/* The children share the port (SO_REUSEPORT), and would share it with another
 * ingest as well without anybody noticing; so the parent tries it alone. */
static int check_port(const char *listen, char error[SETTINGS_ERROR_SIZE])
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    int one = 1;
    int fd = -1;
    int rc = -1;

    if (http_listen_parse(listen, &address, &len, NULL, error,
                          SETTINGS_ERROR_SIZE) != 0)
        return -1;
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        rc = bind(fd, (const struct sockaddr *)&address, len);
    }
    if (rc != 0)
        snprintf(error, SETTINGS_ERROR_SIZE,
                 "could not listen on %s: %s; set SHOTFLEET_INGEST_LISTEN to "
                 "another address",
                 listen, strerror(errno));
    if (fd >= 0)
        close(fd);
    return rc;
}

int main(int argc, char **argv)
{
    struct ingest_settings settings = { 0 };
    struct gate gate = { 0 };
    struct ingest_series series = { 0 };
    struct ingest_shared shared = { .settings = &settings,
                                    .gate = &gate,
                                    .series = &series };
    struct supervisor_options options = { .child = ingest_child,
                                          .arg = &shared };
    char error[SETTINGS_ERROR_SIZE];
    int code = EXIT_CONFIG;

    ingest_settings_start(argc, argv, &settings);
    if (gate_init(&gate, &settings, error) != 0 ||
        check_port(settings.listen, error) != 0) {
        log_error(NULL, "%s", error);
        goto out;
    }
    options.processes = processes(&settings);
    options.admin = *settings.admin_listen ? ingest_admin : NULL;
    options.grace_ms = settings.grace_s * 1000;
    ingest_series_init(&series, &gate.profiles);
    shared.metrics = ingest_metrics_new(&series, options.processes + 1);
    options.metrics = shared.metrics;
    shared.rejected = rejected_new(options.processes, REJECTED_REASONS);
    log_info(LOG_WITH({ "listen", settings.listen }),
             "taking webhooks with %u processes", options.processes);
    code = supervisor_run(&options);
out:
    rejected_free(shared.rejected);
    metrics_free(shared.metrics);
    ingest_series_release(&series);
    gate_release(&gate);
    ingest_settings_release(&settings);
    return code;
}
