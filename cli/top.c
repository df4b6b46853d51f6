/* shotfleet top: the fleet at a glance, live */
#include <getopt.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/service.h"
#include "cli/terminal.h"
#include "common/json.h"
#include "common/mem.h"

enum {
    PATIENCE_MS = 5000, /* for each question */
    INTERVAL_DEFAULT_S = 2,
    INTERVAL_MAX_S = 3600,
    HISTORY = 40,   /* columns of the small plot */
    HEAD_ROWS = 9,  /* above the captures */
    PAGE_MAX = 100, /* what api gives at once */
};

struct top {
    const struct cli_settings *settings;
    long interval_s;
    bool once;
    bool json;
    struct output output;
    int64_t unfinished[HISTORY]; /* the newest last */
    size_t seen;
};

/* --- asking */

/* Why there is no answer: onto the screen, where it is drawn; else as ever. */
static int complain(const struct top *t, const struct service *s,
                    enum service_outcome outcome, struct json_object *answer)
{
    const char *detail = json_text(answer, "detail");

    if (t->once)
        return answer_complain(s, outcome, answer, NULL);
    fputs("  api cannot be asked: ", t->output.out);
    if (outcome == SERVICE_ANSWERED)
        output_safely(t->output.out,
                      detail ? detail : "what answers is not api");
    else if (outcome == SERVICE_UNREACHABLE)
        output_safely(t->output.out, service_error(s));
    else
        fputs("no answer in time", t->output.out);
    fputc('\n', t->output.out);
    return CLI_UNREACHABLE;
}

/* Owned by the caller; NULL with *code set where api gives none. */
static struct json_object *ask(const struct top *t, const char *path, int *code)
{
    struct patience patience;
    struct service *service;
    struct json_object *answer = NULL;
    enum service_outcome outcome;

    patience_begin(&patience, PATIENCE_MS);
    service = service_new(t->settings, &patience);
    if (service) {
        outcome = service_get(service, path, NULL, NULL);
        answer = answer_of(service);
        if (outcome != SERVICE_ANSWERED || service_status(service) != 200) {
            *code = complain(t, service, outcome, answer);
            json_object_put(answer);
            answer = NULL;
        }
    } else {
        *code = CLI_REFUSED;
    }
    service_free(service);
    patience_end(&patience);
    return answer;
}

/* --- drawing */

static void put_seconds(FILE *out, struct json_object *root, const char *path)
{
    struct json_object *value = json_at(root, path);

    if (value)
        fprintf(out, "%.1f s", json_object_get_double(value));
    else
        fputs("-", out);
}

static void put_captures(FILE *out, struct json_object *fleet)
{
    fprintf(
        out,
        "  captures     %" PRId64 " queued   %" PRId64 " submitted   oldest ",
        json_number(fleet, "queued", 0), json_number(fleet, "submitted", 0));
    put_seconds(out, fleet, "oldestUnfinishedSeconds");
    fprintf(out,
            "\n  last hour    %" PRId64 " completed   %" PRId64
            " failed\n  dead letters %" PRId64 "\n",
            json_number(fleet, "completedLastHour", 0),
            json_number(fleet, "failedLastHour", 0),
            json_number(fleet, "deadLetters", 0));
}

static size_t length_of(struct json_object *array)
{
    return json_object_is_type(array, json_type_array)
               ? json_object_array_length(array)
               : 0;
}

static void put_streams(FILE *out, struct json_object *fleet)
{
    struct json_object *streams = json_at(fleet, "streams");

    fputs("  streams     ", out);
    for (size_t i = 0; i < length_of(streams); i++) {
        struct json_object *stream = json_object_array_get_idx(streams, i);

        fputc(' ', out);
        output_safely(out, json_text(stream, "name"));
        fprintf(out, " %" PRId64, json_number(stream, "length", 0));
        if (json_at(stream, "oldestSeconds")) {
            fputs(" (oldest ", out);
            put_seconds(out, stream, "oldestSeconds");
            fputc(')', out);
        }
        fputs("  ", out);
    }
    fputc('\n', out);
}

static void put_health(const struct top *t, FILE *out,
                       struct json_object *fleet)
{
    struct json_object *servers = json_at(fleet, "redis");

    fprintf(out, "  fleet        %" PRId64 " workers   postgresql ",
            json_number(fleet, "workers.alive", 0));
    output_state(&t->output, json_boolean(fleet, "postgresql.up") == 1);
    for (size_t i = 0; i < length_of(servers); i++) {
        struct json_object *server = json_object_array_get_idx(servers, i);
        const char *name = json_text(server, "server");

        fputs("   redis ", out);
        output_safely(out, name ? name : "");
        fputc(' ', out);
        output_state(&t->output, json_boolean(server, "up") == 1);
    }
    fputc('\n', out);
}

/* How many captures were unfinished at the last looks. */
static void put_plot(const struct top *t, FILE *out)
{
    static const char *const bars[] = {
        "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"
    };
    int64_t most = 1;

    for (size_t i = HISTORY - t->seen; i < HISTORY; i++)
        most = t->unfinished[i] > most ? t->unfinished[i] : most;
    fputs("  unfinished   ", out);
    for (size_t i = HISTORY - t->seen; i < HISTORY; i++)
        fputs(bars[t->unfinished[i] * (int64_t)(ARRAY_LEN(bars) - 1) / most],
              out);
    fprintf(out, " %" PRId64 "\n\n", t->unfinished[HISTORY - 1]);
}

static void remember(struct top *t, struct json_object *fleet)
{
    memmove(t->unfinished, t->unfinished + 1,
            (HISTORY - 1) * sizeof *t->unfinished);
    t->unfinished[HISTORY - 1] =
        json_number(fleet, "queued", 0) + json_number(fleet, "submitted", 0);
    t->seen += t->seen < HISTORY;
}

static void put_newest(const struct top *t, struct json_object *page)
{
    struct json_object *captures = json_at(page, "captures");

    for (size_t i = 0; i < length_of(captures); i++)
        output_row(&t->output, json_object_array_get_idx(captures, i));
}

static void put_head(const struct top *t, FILE *out)
{
    fprintf(out, "shotfleet top   every %ld s   q quits   ", t->interval_s);
    output_safely(out, t->settings->api_url);
    fputs("\n\n", out);
}

static char *newest_path(void)
{
    unsigned height = terminal_height();
    unsigned rows = height > HEAD_ROWS ? height - HEAD_ROWS : 1;

    return mem_format("/v1/captures?limit=%u",
                      rows < PAGE_MAX ? rows : PAGE_MAX);
}

static void draw(struct top *t)
{
    int code = CLI_FINE;
    char *frame = NULL, *path = newest_path();
    size_t frame_len = 0;
    FILE *out = open_memstream(&frame, &frame_len);
    struct json_object *fleet, *page = NULL;

    if (!out)
        abort(); /* out of memory */
    t->output.out = out;
    put_head(t, out);
    fleet = ask(t, "/v1/fleet", &code);
    if (fleet) {
        remember(t, fleet);
        put_captures(out, fleet);
        put_streams(out, fleet);
        put_health(t, out, fleet);
        put_plot(t, out);
        page = ask(t, path, &code);
        put_newest(t, page);
    }
    fclose(out);
    terminal_draw(frame, frame_len);
    json_object_put(fleet);
    json_object_put(page);
    free(frame);
    free(path);
}

static int watch(struct top *t)
{
    struct terminal terminal;

    output_init(&t->output, stdout, t->settings->api_url, false);
    terminal_begin(&terminal);
    do {
        draw(t);
    } while (!terminal_is_left(t->interval_s * 1000));
    terminal_end(&terminal);
    return CLI_FINE;
}

/* --- once, for programs */

/* A line for every number and text: its path, a tab, its value. */
static void put_flat(const char *path, struct json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, name, member)
        {
            char *below = mem_format("%s%s%s", path, *path ? "." : "", name);

            put_flat(below, member);
            free(below);
        }
        return;
    }
    for (size_t i = 0; i < length_of(value); i++) {
        char *below = mem_format("%s.%zu", path, i);

        put_flat(below, json_object_array_get_idx(value, i));
        free(below);
    }
    if (json_object_is_type(value, json_type_array))
        return;
    output_safely(stdout, path);
    putchar('\t');
    output_safely(stdout, value ? json_object_get_string(value) : "-");
    putchar('\n');
}

static int print_once(struct top *t)
{
    int code = CLI_FINE;
    struct json_object *fleet = ask(t, "/v1/fleet", &code);

    if (fleet && t->json)
        puts(json_object_to_json_string_ext(
            fleet, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    else if (fleet)
        put_flat("", fleet);
    json_object_put(fleet);
    return code;
}

/* --- the command */

static int parse(struct top *t, int argc, char **argv)
{
    static const struct option options[] = {
        { "interval", required_argument, NULL, 'i' },
        { "once", no_argument, NULL, 'o' },
        { "json", no_argument, NULL, 'j' },
        { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == ':')
            return cli_misuse("top", "%s needs a value", argv[optind - 1]);
        if (c == '?')
            return cli_misuse("top", "there is no option %s", argv[optind - 1]);
        if (c == 'i' && cli_number("top", "--interval", optarg, 1,
                                   INTERVAL_MAX_S, &t->interval_s) != 0)
            return CLI_REFUSED;
        t->once = t->once || c != 'i';
        t->json = t->json || c == 'j';
    }
    if (optind < argc)
        return cli_misuse("top", "unexpected \"%.60s\"", argv[optind]);
    return CLI_FINE;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct top t = { .settings = settings, .interval_s = INTERVAL_DEFAULT_S };
    int code = parse(&t, argc, argv);

    if (code != CLI_FINE)
        return code;
    t.once = t.once || !terminal_is_there();
    return t.once ? print_once(&t) : watch(&t);
}

const struct command command_top = {
    "top",
    "[--interval S] [--once] [--json]",
    "the fleet at a glance, live",
    "On a terminal: captures under way, streams, workers, servers and the "
    "newest\n"
    "captures, drawn anew every few seconds; q, Esc or Ctrl-C ends it.\n"
    "Elsewhere, or with --once, the numbers alone, a line each: name, tab, "
    "value.\n\n"
    "  --interval S  seconds between two looks (default 2)\n"
    "  --once        print the numbers once\n"
    "  --json        print them once, as api has them\n\n"
    "Exit codes: 0, 2 wrong usage or key, 3 api could not be reached.\n",
    run,
};
