/* shotfleet list */
#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

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
};

struct list {
    const char *status; /* NULL: all */
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
    char *path =
        mem_format("/v1/captures?limit=%ld%s%s%s%s",
                   l->left < PAGE_MAX ? l->left : PAGE_MAX,
                   l->status ? "&status=" : "", l->status ? l->status : "",
                   *cursor ? "&cursor=" : "", *cursor ? *cursor : "");
    enum service_outcome outcome = service_get(l->service, path, NULL, NULL);
    struct json_object *page = NULL;
    char error[64];
    size_t len;
    const char *body = service_body(l->service, &len);
    int code = CLI_FINE;

    free(*cursor);
    *cursor = NULL;
    page = json_parse(body, len, error, sizeof error);
    if (outcome == SERVICE_ANSWERED && service_status(l->service) == 200 &&
        page) {
        print(l, page);
        *cursor = mem_strdup_or_null(json_text(page, "nextCursor"));
    } else {
        code = service_complain(l->service);
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

static int parse(struct list *l, int argc, char **argv)
{
    static const struct option options[] = {
        { "status", required_argument, NULL, 's' },
        { "limit", required_argument, NULL, 'l' },
        { "json", no_argument, NULL, 'j' },
        { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == 's' && is_status(optarg))
            l->status = optarg;
        else if (c == 's')
            return cli_misuse("list",
                              "--status must be queued, submitted, completed, "
                              "failed or cancelled");
        else if (c == 'j')
            l->json = true;
        else if (c == ':')
            return cli_misuse("list", "%s needs a value", argv[optind - 1]);
        else if (c != 'l')
            return cli_misuse("list", "there is no option %s",
                              argv[optind - 1]);
        else if (cli_number("list", "--limit", optarg, 1, LIMIT_MAX,
                            &l->left) != 0)
            return CLI_REFUSED;
    }
    if (optind < argc)
        return cli_misuse("list", "unexpected \"%.60s\"", argv[optind]);
    return CLI_FINE;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct list l = { .left = LIMIT_DEFAULT };
    struct patience patience;
    int code = parse(&l, argc, argv);

    if (code != CLI_FINE)
        return code;
    patience_begin(&patience, PATIENCE_MS);
    l.service = service_new(settings, &patience);
    if (l.service) {
        output_init(&l.output, stdout, service_base(l.service), l.json);
        code = list(&l);
    } else {
        code = CLI_REFUSED;
    }
    patience_end(&patience);
    service_free(l.service);
    return code;
}

const struct command command_list = {
    "list",
    "[--status STATUS] [--limit N] [--json]",
    "list captures, newest first",
    "  --status STATUS  only queued, submitted, completed, failed or "
    "cancelled\n"
    "  --limit N        at most so many (default 20)\n"
    "  --json           one JSON document a line\n\n"
    "Piped, each line holds, separated by tabs: id, status, width x height,\n"
    "bytes, the picture's URL or CODE: reason, and the page's URL.\n\n"
    "Exit codes: 0, or 3 when api could not be reached.\n",
    run,
};
