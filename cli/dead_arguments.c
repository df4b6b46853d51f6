#include "cli/dead_arguments.h"

#include <getopt.h>
#include <string.h>

#include "common/db.h"
#include "common/token.h"

enum { IDS_MAX_BYTES = 1024 * 1024 };

static int take_action(struct dead_arguments *a, const char *word)
{
    static const char *const actions[] = { [DEAD_LIST] = "list",
                                           [DEAD_SHOW] = "show",
                                           [DEAD_RETRY] = "retry",
                                           [DEAD_DROP] = "drop" };

    for (size_t i = 0; word && i < ARRAY_LEN(actions); i++) {
        if (strcmp(word, actions[i]) == 0) {
            a->action = (enum dead_action)i;
            return CLI_FINE;
        }
    }
    return cli_misuse("dead", "say list, show, retry or drop");
}

static int take_options(struct dead_arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        { "provider", required_argument, NULL, 'p' },
        { "job", required_argument, NULL, 'j' },
        { "error", required_argument, NULL, 'e' },
        { "all", no_argument, NULL, 'a' },
        { "dry-run", no_argument, NULL, 'n' },
        { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == 'p')
            a->provider = optarg;
        else if (c == 'j')
            a->job = optarg;
        else if (c == 'e')
            a->error = optarg;
        else if (c == 'a')
            a->all = true;
        else if (c == 'n')
            a->dry_run = true;
        else if (c == ':')
            return cli_misuse("dead", "%s needs a value", argv[optind - 1]);
        else
            return cli_misuse("dead", "there is no option %s",
                              argv[optind - 1]);
    }
    if (a->job && !uuid_is_valid(a->job))
        return cli_misuse("dead", "--job: \"%.60s\" is no id", a->job);
    return CLI_FINE;
}

static int take_ids(struct dead_arguments *a, int argc, char **argv)
{
    if (optind == argc)
        return CLI_FINE;
    db_array_begin(&a->ids);
    for (int i = optind; i < argc && i < optind + 10000; i++) {
        if (!uuid_is_valid(argv[i]))
            return cli_misuse("dead",
                              "\"%.60s\" is no id; `shotfleet dead "
                              "list` shows them",
                              argv[i]);
        db_array_add(&a->ids, argv[i]);
    }
    db_array_end(&a->ids);
    return CLI_FINE;
}

/* Nothing is changed by leaving something out. */
static int check(const struct dead_arguments *a)
{
    bool filtered = a->provider || a->job || a->error;

    if (a->action == DEAD_SHOW && a->ids.len == 0)
        return cli_misuse("dead", "show needs an id");
    if (a->action != DEAD_LIST && a->ids.len == 0 && !filtered && !a->all)
        return cli_misuse("dead", "say which: ids, --provider, --job, --error, "
                                  "or --all");
    if (a->all && (filtered || a->ids.len > 0))
        return cli_misuse("dead", "--all and a choice exclude each other");
    return CLI_FINE;
}

int dead_arguments_parse(struct dead_arguments *a, int argc, char **argv)
{
    int code;

    *a = (struct dead_arguments){ 0 };
    buf_init(&a->ids, IDS_MAX_BYTES);
    code = take_action(a, argc > 1 ? argv[1] : NULL);
    if (code == CLI_FINE)
        code = take_options(a, argc - 1, argv + 1);
    if (code == CLI_FINE)
        code = take_ids(a, argc - 1, argv + 1);
    return code == CLI_FINE ? check(a) : code;
}

void dead_arguments_release(struct dead_arguments *a)
{
    buf_release(&a->ids);
}
