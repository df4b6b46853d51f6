/* shotfleet status */
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

enum { PATIENCE_MS = 30 * 1000 };

static int show(struct service *s, const char *id, bool json)
{
    char *path = mem_format("/v1/captures/%s", id);
    enum service_outcome outcome = service_get(s, path, NULL, NULL);
    struct json_object *document = answer_of(s);
    struct output output;
    int code = CLI_FINE;

    if (outcome == SERVICE_ANSWERED && service_status(s) == 200) {
        output_init(&output, stdout, service_base(s), json);
        output_capture(&output, document);
    } else if (outcome == SERVICE_ANSWERED && service_status(s) == 404) {
        cli_complain("there is no capture %s at %s", id, service_base(s));
        code = CLI_REFUSED;
    } else {
        code = answer_complain(s, outcome, document, NULL);
    }
    json_object_put(document);
    free(path);
    return code;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    static const struct option options[] = {
        { "json", no_argument, NULL, 'j' },
        { 0 },
    };
    struct patience patience;
    struct service *service = NULL;
    bool json = false;
    int code = CLI_REFUSED;
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c != 'j')
            return cli_misuse("status", "there is no option %s",
                              argv[optind - 1]);
        json = true;
    }
    if (argc - optind != 1)
        return cli_misuse("status", "exactly one id is needed");
    if (!uuid_is_valid(argv[optind]))
        return cli_misuse("status", "\"%.60s\" is no capture's id",
                          argv[optind]);
    patience_begin(&patience, PATIENCE_MS);
    service = service_new(settings, &patience);
    if (service)
        code = show(service, argv[optind], json);
    patience_end(&patience);
    service_free(service);
    return code;
}

const struct command command_status = {
    "status",
    "ID [--json]",
    "tell what became of a capture",
    "Prints the capture's present state.\n\n"
    "  --json  the whole document, as api has it\n\n"
    "Exit codes: 0 whatever the state, 2 there is no such capture, 3 api "
    "could\n"
    "not be reached.\n",
    run,
};
