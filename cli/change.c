/* shotfleet cancel and shotfleet retry: what is done to captures by id. */
#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/service.h"
#include "common/mem.h"
#include "common/token.h"

enum { PATIENCE_MS = 60 * 1000 };

struct change {
    const char *command;
    const char *method;
    const char *path; /* behind the id */
    bool json;
    struct service *service;
    struct output output;
};

static int worse(int a, int b)
{
    return a > b ? a : b;
}

/* Any code above CLI_REFUSED ends the command. */
static int change_one(const struct change *c, const char *id)
{
    char *path = mem_format("/v1/captures/%s%s", id, c->path);
    enum service_outcome outcome =
        service_send(c->service, c->method, path, NULL, NULL);
    struct json_object *answer = answer_of(c->service);
    int code = CLI_FINE;

    if (outcome == SERVICE_ANSWERED && service_status(c->service) < 300)
        output_capture(&c->output, answer);
    else
        code = answer_complain(c->service, outcome, answer, id);
    json_object_put(answer);
    free(path);
    return code;
}

static int parse(struct change *c, int argc, char **argv)
{
    static const struct option options[] = {
        { "json", no_argument, NULL, 'j' },
        { 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option != 'j')
            return cli_misuse(c->command, "there is no option %s",
                              argv[optind - 1]);
        c->json = true;
    }
    if (optind == argc)
        return cli_misuse(c->command, "an id is missing");
    for (int i = optind; i < argc; i++) {
        if (!uuid_is_valid(argv[i]))
            return cli_misuse(c->command, "\"%.60s\" is no capture's id",
                              argv[i]);
    }
    return CLI_FINE;
}

static int change(struct change *c, int argc, char **argv,
                  const struct cli_settings *settings)
{
    struct patience patience;
    int code = parse(c, argc, argv);

    if (code != CLI_FINE)
        return code;
    patience_begin(&patience, PATIENCE_MS);
    c->service = service_new(settings, &patience);
    if (!c->service)
        code = CLI_REFUSED;
    else
        output_init(&c->output, stdout, service_base(c->service), c->json);
    for (int i = optind; c->service && i < argc && code <= CLI_REFUSED; i++)
        code = worse(code, change_one(c, argv[i]));
    patience_end(&patience);
    service_free(c->service);
    return code;
}

static int cancel(int argc, char **argv, const struct cli_settings *settings)
{
    struct change c = { .command = "cancel", .method = "DELETE", .path = "" };

    return change(&c, argc, argv, settings);
}

static int retry(int argc, char **argv, const struct cli_settings *settings)
{
    struct change c = { .command = "retry",
                        .method = "POST",
                        .path = "/retry" };

    return change(&c, argc, argv, settings);
}

const struct command command_cancel = {
    "cancel",
    "ID... [--json]",
    "cancel captures that have not ended",
    "Cancels each capture and prints it.  One that has ended stays as it is.\n"
    "What the provider still sends of a cancelled one is ignored.\n\n"
    "  --json  the whole documents, as api has them\n\n"
    "Exit codes: 0 all are cancelled, 2 one is not (it has ended, or there is\n"
    "none with this id), 3 api could not be reached.\n",
    cancel,
};

const struct command command_retry = {
    "retry",
    "ID... [--json]",
    "try captures again that failed or were cancelled",
    "Queues each capture again, with a new deadline and as many attempts as a\n"
    "new one has, and prints it.\n\n"
    "  --json  the whole documents, as api has them\n\n"
    "Exit codes: 0 all are queued, 2 one is not (it has not failed, or there "
    "is\n"
    "none with this id), 3 api could not be reached.\n",
    retry,
};
