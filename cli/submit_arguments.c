#include "cli/submit_arguments.h"

#include <errno.h>
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
        if (body_option(a->options, optarg, error, sizeof error) == 0)
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
    case 'f':
        a->file = optarg;
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

static int read_file(struct submit_arguments *a)
{
    bool piped = strcmp(a->file, "-") == 0;
    FILE *f = piped ? stdin : fopen(a->file, "re");
    int rc;

    if (!f) {
        cli_complain("could not open \"%s\": %s", a->file, strerror(errno));
        return -1;
    }
    rc = wishes_read(&a->wishes, f, piped ? "standard input" : a->file,
                     a->options);
    if (!piped)
        fclose(f);
    return rc;
}

int submit_arguments_parse(struct submit_arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        { "option", required_argument, NULL, 'O' },
        { "file", required_argument, NULL, 'f' },
        { "wait", no_argument, NULL, 'w' },
        { "timeout", required_argument, NULL, 't' },
        { "json", no_argument, NULL, 'j' },
        { "output", required_argument, NULL, 'o' },
        { 0 },
    };
    int c;

    *a = (struct submit_arguments){ .options = json_object_new_object(),
                                    .timeout_s = TIMEOUT_DEFAULT_S };
    wishes_init(&a->wishes);
    while ((c = getopt_long(argc, argv, ":f:o:", options, NULL)) != -1) {
        if (take(a, c, argv[optind - 1]) != 0)
            return -1;
    }
    for (int i = optind; i < argc; i++)
        wishes_add(&a->wishes, argv[i], a->options);
    if (a->file && read_file(a) != 0)
        return -1;
    if (a->wishes.count > 0)
        return 0;
    if (a->file)
        cli_complain("there is no URL in %s", a->file);
    else
        cli_misuse("submit", "a URL is missing");
    return -1;
}

void submit_arguments_release(struct submit_arguments *a)
{
    wishes_release(&a->wishes);
    json_object_put(a->options);
    a->options = NULL;
}
