#include "cli/doctor_rejected.h"

#include <getopt.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/service.h"
#include "common/json.h"
#include "common/mem.h"

enum { PATIENCE_MS = 10 * 1000, LAST_MAX = 1000 };

struct arguments {
    const char *from; /* address:port */
    long last;
    bool json;
};

static int parse(struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        { "from", required_argument, NULL, 'f' },
        { "last", required_argument, NULL, 'l' },
        { "json", no_argument, NULL, 'j' },
        { 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == 'f')
            a->from = optarg;
        else if (c == 'j')
            a->json = true;
        else if (c == 'l' && cli_number("doctor", "--last", optarg, 1, LAST_MAX,
                                        &a->last) != 0)
            return CLI_REFUSED;
        else if (c == ':' || c == '?')
            return cli_misuse("doctor",
                              c == ':' ? "%s needs a value"
                                       : "there is no option %s",
                              argv[optind - 1]);
    }
    if (optind < argc)
        return cli_misuse("doctor", "unexpected \"%.60s\"", argv[optind]);
    if (*a->from == '\0')
        return cli_misuse("doctor", "where is ingest's admin port? say --from "
                                    "ADDRESS:PORT, or set "
                                    "SHOTFLEET_ADMIN_LISTEN as ingest has it");
    return CLI_FINE;
}

static void print_rejection(struct json_object *d)
{
    static const char *const columns[] = { "at", "reason", "ip", "provider",
                                           "job" };
    const char *why = json_text(d, "explanation");

    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        const char *value = json_text(d, columns[i]);

        output_safely(stdout, value ? value : "-");
        putchar('\t');
    }
    if (!why)
        why = json_text(d, "detail");
    output_safely(stdout, why ? why : "-");
    putchar('\n');
}

/* One line of the answer; -1 when it is none of ours. */
static int print_line(const char *line, size_t len, bool json)
{
    char error[128];
    struct json_object *d = json_parse(line, len, error, sizeof error);
    int rc = json_text(d, "at") && json_text(d, "reason") ? 0 : -1;

    if (rc == 0 && json)
        printf("%.*s\n", (int)len, line);
    else if (rc == 0)
        print_rejection(d);
    json_object_put(d);
    return rc;
}

/* The last ones of the lines in `text`, each of which ends with a newline. */
static int print_last(const char *text, size_t len, const struct arguments *a)
{
    const char *from = text + len;
    int rc = 0;

    for (long lines = 0; from > text; from--) {
        if (from[-1] == '\n' && ++lines > a->last)
            break;
    }
    while (rc == 0 && from < text + len) {
        const char *end = memchr(from, '\n', (size_t)(text + len - from));

        if (!end)
            return -1;
        rc = print_line(from, (size_t)(end - from), a->json);
        from = end + 1;
    }
    return rc;
}

static int show(struct service *s, const struct arguments *a)
{
    enum service_outcome outcome = service_get(s, "/rejected", NULL, NULL);
    size_t len = 0;
    const char *text = service_body(s, &len);

    if (outcome != SERVICE_ANSWERED) {
        cli_complain("could not ask ingest at %s: %s; is it running, and is "
                     "this its SHOTFLEET_ADMIN_LISTEN?",
                     a->from,
                     outcome == SERVICE_OVER ? "no answer in time"
                                             : service_error(s));
        return CLI_UNREACHABLE;
    }
    if (service_status(s) == 403) {
        cli_complain("ingest at %s tells only its own machine what it has "
                     "refused; ask there",
                     a->from);
        return CLI_UNREACHABLE;
    }
    if (service_status(s) != 200 || print_last(text, len, a) != 0) {
        cli_complain("what answers at %s is not the admin port of ingest "
                     "(status %ld)",
                     a->from, service_status(s));
        return CLI_UNREACHABLE;
    }
    if (len == 0)
        cli_complain("ingest at %s has refused nothing since it was started",
                     a->from);
    return CLI_FINE;
}

int doctor_rejected(int argc, char **argv, const char *admin)
{
    struct arguments a = { .from = admin, .last = 20 };
    struct cli_settings to = { 0 };
    struct service *s = NULL;
    struct patience patience;
    int code = parse(&a, argc, argv);

    if (code != CLI_FINE)
        return code;
    to.api_url = mem_format("http://%s", a.from);
    to.api_key = "";
    patience_begin(&patience, PATIENCE_MS);
    s = service_new(&to, &patience);
    code = s ? show(s, &a) : CLI_REFUSED;
    service_free(s);
    patience_end(&patience);
    free(to.api_url);
    return code;
}
