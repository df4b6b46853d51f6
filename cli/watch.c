/* shotfleet watch: a line for every change, as it happens */
#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/token.h"

enum { TIMEOUT_MAX_S = 7 * 86400 };

struct watch {
    const char *id;    /* of a capture, or NULL */
    const char *batch; /* id, or NULL */
    long timeout_s;
    bool json;
    struct output output;
    struct service *service;
    struct service *batches; /* to ask meanwhile how far a batch is */
    int code;
};

/* As far as api knows; false when it does not say. */
static bool batch_has_ended(struct watch *w)
{
    char *path = mem_format("/v1/batches/%s", w->batch);
    enum service_outcome outcome = service_get(w->batches, path, NULL, NULL);
    struct json_object *batch = answer_of(w->batches);
    bool ended = outcome == SERVICE_ANSWERED &&
                 service_status(w->batches) == 200 &&
                 json_text(batch, "endedAt");

    if (ended && json_number(batch, "counts.completed", 0) <
                     json_number(batch, "total", 0))
        w->code = CLI_SOME_FAILED;
    json_object_put(batch);
    free(path);
    return ended;
}

static bool on_change(struct json_object *document, void *arg)
{
    struct watch *w = arg;

    if (!document)
        return w->batch && batch_has_ended(w);
    output_row(&w->output, document);
    fflush(stdout);
    if (!w->id || !follow_has_ended(document))
        return false;
    if (strcmp(json_text(document, "status"), "completed") != 0)
        w->code = CLI_SOME_FAILED;
    return true;
}

static int parse(struct watch *w, int argc, char **argv)
{
    static const struct option options[] = {
        { "batch", required_argument, NULL, 'b' },
        { "timeout", required_argument, NULL, 't' },
        { "json", no_argument, NULL, 'j' },
        { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == 'b')
            w->batch = optarg;
        else if (c == 'j')
            w->json = true;
        else if (c == ':')
            return cli_misuse("watch", "%s needs a value", argv[optind - 1]);
        else if (c != 't')
            return cli_misuse("watch", "there is no option %s",
                              argv[optind - 1]);
        else if (cli_number("watch", "--timeout", optarg, 1, TIMEOUT_MAX_S,
                            &w->timeout_s) != 0)
            return CLI_REFUSED;
    }
    if (argc - optind > 1 || (w->batch && optind < argc))
        return cli_misuse("watch", "one capture, one batch, or all of them");
    w->id = optind < argc ? argv[optind] : NULL;
    if ((w->id && !uuid_is_valid(w->id)) ||
        (w->batch && !uuid_is_valid(w->batch)))
        return cli_misuse("watch", "\"%.60s\" is no id",
                          w->id ? w->id : w->batch);
    return CLI_FINE;
}

static char *path_of(const struct watch *w)
{
    if (w->id)
        return mem_format("/v1/captures/%s/events", w->id);
    if (w->batch)
        return mem_format("/v1/events?batch=%s", w->batch);
    return mem_strdup("/v1/events");
}

static void watch(struct watch *w, struct patience *p)
{
    char *path = path_of(w);

    switch (follow(w->service, p, path, on_change, w)) {
    case FOLLOW_ENDED:
        break;
    case FOLLOW_OVER:
        w->code = p->interrupted ? CLI_INTERRUPTED : CLI_SOME_FAILED;
        break;
    case FOLLOW_REFUSED:
        if (service_status(w->service) == 404) {
            cli_complain("there is no %s %s at %s", w->id ? "capture" : "batch",
                         w->id ? w->id : w->batch, service_base(w->service));
            w->code = CLI_REFUSED;
            break;
        } /* fall through */
    case FOLLOW_UNREACHABLE:
        w->code = service_complain(w->service);
        break;
    }
    free(path);
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct watch w = { .timeout_s = TIMEOUT_MAX_S };
    struct patience patience;
    int code = parse(&w, argc, argv);

    if (code != CLI_FINE)
        return code;
    patience_begin(&patience, w.timeout_s * 1000);
    w.service = service_new(settings, &patience);
    w.batches = w.service ? service_new(settings, &patience) : NULL;
    if (w.batches) {
        output_init(&w.output, stdout, service_base(w.service), w.json);
        watch(&w, &patience);
    } else {
        w.code = CLI_REFUSED;
    }
    patience_end(&patience);
    service_free(w.service);
    service_free(w.batches);
    return w.code;
}

const struct command command_watch = {
    "watch",
    "[ID | --batch ID] [--timeout S] [--json]",
    "print every change as it happens",
    "Follows one capture until it has ended, one batch until all of it has, "
    "or\n"
    "without an id whatever the fleet does until Ctrl-C.  The present state "
    "comes\n"
    "first, and again after a connection that broke.\n\n"
    "  --batch ID   the captures that were submitted together\n"
    "  --timeout S  no longer than this, in seconds (default: a week)\n"
    "  --json       one JSON document a line\n\n"
    "Piped, each line holds, separated by tabs: id, status, width x height,\n"
    "bytes, the picture's URL or CODE: reason, and the page's URL.\n\n"
    "Exit codes: 0 completed (of a batch: all of it), 1 not, or not in time, "
    "2\n"
    "there is no such capture or batch, 3 api could not be reached, 130 after\n"
    "Ctrl-C.\n",
    run,
};
