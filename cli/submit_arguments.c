#include "cli/submit_arguments.h"

#include <getopt.h>
#include <json-c/json.h>
#include <string.h>

#include "cli/body.h"
#include "cli/cli.h"

enum { TIMEOUT_DEFAULT_S = 300, TIMEOUT_MAX_S = 7 * 86400 };

static int take(struct submit_arguments *a, int c, const char *argument)
{
    char error[128] = "";

    switch (c) {
    case 'O':
        if (body_option(a->body, optarg, error, sizeof error) == 0)
            return 0;
        cli_misuse("submit", "--option %s", error);
        return -1;
    case 't':
        return cli_number("submit", "--timeout", optarg, 1, TIMEOUT_MAX_S,
                          &a->timeout_s);
    case 'w':
        a->wait = true;
        return 0;
    case 'j':
        a->json = true;
        return 0;
    case 'o':
        a->folder = optarg;
        a->wait = true; /* there is no picture before */
        return 0;
    case ':':
        cli_misuse("submit", "%s needs a value", argument);
        return -1;
    default:
        cli_misuse("submit", "there is no option %s", argument);
        return -1;
    }
}

int submit_arguments_parse(struct submit_arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        { "option", required_argument, NULL, 'O' },
        { "wait", no_argument, NULL, 'w' },
        { "timeout", required_argument, NULL, 't' },
        { "json", no_argument, NULL, 'j' },
        { "output", required_argument, NULL, 'o' },
        { 0 },
    };
    int c;

    *a = (struct submit_arguments){ .body = json_object_new_object(),
                                    .timeout_s = TIMEOUT_DEFAULT_S };
    while ((c = getopt_long(argc, argv, ":o:", options, NULL)) != -1) {
        if (take(a, c, argv[optind - 1]) != 0)
            return -1;
    }
    a->urls = argv + optind;
    a->count = (size_t)(argc - optind);
    if (a->count == 0) {
        cli_misuse("submit", "a URL is missing");
        return -1;
    }
    return 0;
}

void submit_arguments_release(struct submit_arguments *a)
{
    json_object_put(a->body);
    a->body = NULL;
}
