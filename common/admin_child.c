#include "common/admin_child.h"

#include "common/log.h"
#include "common/settings.h"
#include "common/supervisor.h"

static void stop(void *arg)
{
    loop_stop(arg);
}

int admin_child_run(const char *listen, const struct metrics *metrics,
                    admin_ready_fn *ready, const struct admin_page *page,
                    void *arg)
{
    struct loop *loop = loop_new();
    struct admin *admin = NULL;
    char error[SETTINGS_ERROR_SIZE];
    int code = 0;

    supervisor_watch_stop(loop, stop, loop);
    if (admin_new(&admin, loop, listen, metrics, ready, arg, error,
                  sizeof error) == 0) {
        if (admin && page)
            admin_set_page(admin, page, arg);
        loop_run(loop);
    } else {
        log_error(NULL, "%s", error);
        code = EXIT_CONFIG;
    }
    admin_free(admin);
    loop_free(loop);
    return code;
}
