/* shotfleet list */
#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/service.h"
#include "common/json.h"
#include "common/mem.h"

enum {
    PATIENCE_MS = 60 * 1000,
    LIMIT_DEFAULT = 20,
    LIMIT_MAX = 100000,
    PAGE_MAX = 100, /* what api gives at once */
    FILTERS_MAX_BYTES = 8 * 1024 * 1024,
};

struct list {
    struct buf filters; /* "&status=failed…", for the query */
    long left;
    bool json;
    struct service *service;
    struct output output;
};

static void print(struct list *l, struct json_object *page)
{
    struct json_object *captures = json_at(page, "captures");
    size_t count = 0;

    if (json_object_is_type(captures, json_type_array))
        count = json_object_array_length(captures);
    for (size_t i = 0; i < count && l->left > 0; i++, l->left--)
        output_row(&l->output, json_object_array_get_idx(captures, i));
}

/* One page; *cursor becomes the next one's, NULL at the end. */
static int list_page(struct list *l, char **cursor)
{
    char *path = mem_format("/v1/captures?limit=%ld%s%s%s",
                            l->left < PAGE_MAX ? l->left : PAGE_MAX,
                            l->filters.data ? l->filters.data : "",
                            *cursor ? "&cursor=" : "", *cursor ? *cursor : "");
    enum service_outcome outcome = service_get(l->service, path, NULL, NULL);
    struct json_object *page = answer_of(l->service);
    int code = CLI_FINE;

    free(*cursor);
    *cursor = NULL;
    if (outcome == SERVICE_ANSWERED && service_status(l->service) == 200) {
        print(l, page);
        *cursor = mem_strdup_or_null(json_text(page, "nextCursor"));
    } else {
        code = answer_complain(l->service, outcome, page, NULL);
    }
    json_object_put(page);
    free(path);
    return code;
}

static int list(struct list *l)
{
    char *cursor = NULL;
    int code;

    do {
        code = list_page(l, &cursor);
    } while (code == CLI_FINE && cursor && l->left > 0);
    free(cursor);
    return code;
}

/* The query parameter of each option that chooses. */
static const char *const parameters[] = {
    ['s'] = "status", ['b'] = "batch",          ['p'] = "provider",
    ['u'] = "url",    ['a'] = "submittedAfter", ['z'] = "submittedBefore",
};

static const struct option options[] = {
    { "status", required_argument, NULL, 's' },
    { "batch", required_argument, NULL, 'b' },
    { "provider", required_argument, NULL, 'p' },
    { "url", required_argument, NULL, 'u' },
    { "metadata", required_argument, NULL, 'm' },
    { "after", required_argument, NULL, 'a' },
    { "before", required_argument, NULL, 'z' },
    { "limit", required_argument, NULL, 'l' },
    { "json", no_argument, NULL, 'j' },
    { 0 },
};

static bool is_status(const char *text)
{
    static const char *const all[] = { "queued", "submitted", "completed",
                                       "failed", "cancelled" };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (strcmp(text, all[i]) == 0)
            return true;
    }
    return false;
}

static void filter(struct list *l, const char *name, const char *value)
{
    char *escaped = service_escape(value);

    if (buf_printf(&l->filters, "&%s=%s", name, escaped) != 0)
        abort(); /* as long as a command line may be */
    free(escaped);
}

/* --metadata order=7 is metadata[order]=7 */
static int filter_metadata(struct list *l, const char *text)
{
    const char *equals = strchr(text, '=');
    char *name, *escaped, *parameter;

    if (!equals || equals == text)
        return cli_misuse(
            "list", "--metadata \"%.60s\" is not of the form name=value", text);
    name = mem_dup(text, (size_t)(equals - text));
    escaped = service_escape(name);
    parameter = mem_format("metadata[%s]", escaped);
    filter(l, parameter, equals + 1);
    free(parameter);
    free(escaped);
    free(name);
    return CLI_FINE;
}

static int take(struct list *l, int c, const char *argument)
{
    if (c == 's' && !is_status(optarg))
        return cli_misuse("list", "--status must be queued, submitted, "
                                  "completed, failed or cancelled");
    if (c == 'm')
        return filter_metadata(l, optarg);
    if (c == 'l')
        return cli_number("list", "--limit", optarg, 1, LIMIT_MAX, &l->left) !=
                       0
                   ? CLI_REFUSED
                   : CLI_FINE;
    if (c == ':')
        return cli_misuse("list", "%s needs a value", argument);
    if (c == '?')
        return cli_misuse("list", "there is no option %s", argument);
    if (c == 'j')
        l->json = true;
    else
        filter(l, parameters[c], optarg);
    return CLI_FINE;
}

static int parse(struct list *l, int argc, char **argv)
{
    int code = CLI_FINE;
    int c;

    while (code == CLI_FINE &&
           (c = getopt_long(argc, argv, ":", options, NULL)) != -1)
        code = take(l, c, argv[optind - 1]);
    if (code == CLI_FINE && optind < argc)
        code = cli_misuse("list", "unexpected \"%.60s\"", argv[optind]);
    return code;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct list l = { .left = LIMIT_DEFAULT };
    struct patience patience;
    int code;

    buf_init(&l.filters, FILTERS_MAX_BYTES);
    code = parse(&l, argc, argv);
    patience_begin(&patience, PATIENCE_MS);
    if (code == CLI_FINE) {
        l.service = service_new(settings, &patience);
        code = l.service ? CLI_FINE : CLI_REFUSED;
    }
    if (l.service) {
        output_init(&l.output, stdout, service_base(l.service), l.json);
        code = list(&l);
    }
    patience_end(&patience);
    service_free(l.service);
    buf_release(&l.filters);
    return code;
}

const struct command command_list = {
    "list",
    "[--status STATUS] [--batch ID] [--provider P] [--url TEXT]\n"
    "       [--metadata NAME=VALUE] [--after TIME] [--before TIME] [--limit "
    "N]\n"
    "       [--json]",
    "list captures, newest first",
    "Prints the captures that everything said here fits.\n\n"
    "  --status STATUS        queued, submitted, completed, failed or "
    "cancelled\n"
    "  --batch ID             submitted together\n"
    "  --provider P           taken by this provider\n"
    "  --url TEXT             whose URL contains the text, such as a host\n"
    "  --metadata NAME=VALUE  whose metadata has this; may be given several "
    "times\n"
    "  --after TIME           submitted then or later: 2026-01-31T12:00:00Z\n"
    "  --before TIME          submitted earlier\n"
    "  --limit N              at most so many (default 20)\n"
    "  --json                 one JSON document a line\n\n"
    "Piped, each line holds, separated by tabs: id, status, width x height,\n"
    "bytes, the picture's URL or CODE: reason, and the page's URL.\n\n"
    "Exit codes: 0, 2 when something here is malformed, 3 when api could not "
    "be\n"
    "reached.\n",
    run,
};
