/* shotfleet submit: submits all URLs, then waits for one after the other. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "cli/picture.h"
#include "cli/progress.h"
#include "cli/service.h"
#include "cli/submit_arguments.h"
#include "cli/watch.h"
#include "common/json.h"
#include "common/mem.h"

struct submit {
    struct submit_arguments arguments;
    char **ids; /* of the arguments' URLs; NULL: not accepted */
    struct service *service;
    struct patience patience;
    struct output output;
    struct progress progress;
    int code; /* the worst so far */
};

static void worsen(struct submit *s, int code)
{
    if (code > s->code)
        s->code = code;
}

/* --- submitting */

/* api's answer as an object, owned by the caller; an empty one if it is none.
 */
static struct json_object *answer_of(const struct service *s)
{
    char error[64];
    size_t len;
    const char *body = service_body(s, &len);
    struct json_object *answer = json_parse(body, len, error, sizeof error);

    return answer ? answer : json_object_new_object();
}

static void accepted(struct submit *s, size_t i, struct json_object *answer)
{
    const char *id = json_text(answer, "jobId");

    if (!id) {
        worsen(s, service_complain(s->service));
        return;
    }
    s->ids[i] = mem_strdup(id);
    if (s->arguments.wait)
        return;
    json_object_object_add(answer, "url",
                           json_object_new_string(s->arguments.urls[i]));
    output_capture(&s->output, answer);
}

static void refused(struct submit *s, size_t i, struct json_object *answer)
{
    const char *code = json_text(answer, "code");
    const char *detail = json_text(answer, "detail");

    if (!detail) /* what libmicrohttpd's side of api refuses */
        detail = json_text(answer, "error");
    progress_clear(&s->progress);
    s->progress.done++;
    output_refusal(&s->output, s->arguments.urls[i], code ? code : "REFUSED",
                   detail ? detail : "api did not say why");
    worsen(s, CLI_REFUSED);
}

/* False when the others need not be tried. */
static bool submit_one(struct submit *s, size_t i)
{
    struct json_object *answer = NULL;
    const char *detail = NULL;
    enum service_outcome outcome;
    long status;

    json_object_object_add(s->arguments.body, "url",
                           json_object_new_string(s->arguments.urls[i]));
    progress_what(&s->progress, s->arguments.urls[i], "submitting", -1);
    outcome = service_post(s->service, "/v1/captures",
                           json_object_to_json_string_ext(
                               s->arguments.body, JSON_C_TO_STRING_PLAIN));
    status = service_status(s->service);
    answer = answer_of(s->service);
    detail = json_text(answer, "detail");
    if (outcome == SERVICE_ANSWERED && status == 202) {
        accepted(s, i, answer);
    } else if (outcome == SERVICE_ANSWERED && status >= 400 && status < 500 &&
               status != 401) {
        refused(s, i, answer);
    } else if (!s->patience.interrupted) {
        progress_clear(&s->progress);
        if (outcome == SERVICE_ANSWERED && detail)
            cli_complain("api at %s: %s", service_base(s->service), detail);
        worsen(s, outcome == SERVICE_ANSWERED && detail && status != 401
                      ? CLI_UNREACHABLE
                      : service_complain(s->service));
    }
    json_object_put(answer);
    return s->code < CLI_UNREACHABLE && status != 401 &&
           !patience_is_over(&s->patience);
}

static void submit_all(struct submit *s)
{
    size_t i = 0;

    while (i < s->arguments.count && submit_one(s, i))
        i++;
    progress_clear(&s->progress);
    if (i + 1 < s->arguments.count)
        cli_complain("%zu more were not submitted", s->arguments.count - i - 1);
}

/* --- waiting */

static void on_change(struct json_object *document, void *arg)
{
    struct submit *s = arg;
    const char *url = json_text(document, "url");
    const char *status = json_text(document, "status");

    progress_what(&s->progress, url ? url : "", status ? status : "",
                  json_number(document, "progress", -1));
}

static void ended(struct submit *s, struct json_object *document)
{
    output_capture(&s->output, document);
    if (strcmp(json_text(document, "status"), "completed") != 0)
        worsen(s, CLI_SOME_FAILED);
    else if (s->arguments.folder &&
             picture_save(s->service, document, s->arguments.folder) != 0)
        worsen(s, CLI_SOME_FAILED);
}

/* The capture goes on without us. */
static void unfinished(struct submit *s, size_t i, struct json_object *document)
{
    if (document)
        output_capture(&s->output, document);
    if (!s->patience.interrupted)
        cli_complain("not finished within %ld s: %s; it goes on, see "
                     "`shotfleet status %s`",
                     s->arguments.timeout_s, s->arguments.urls[i], s->ids[i]);
    worsen(s, s->patience.interrupted ? CLI_INTERRUPTED : CLI_SOME_FAILED);
}

static void wait_for(struct submit *s, size_t i)
{
    struct json_object *document = NULL;
    enum watch_outcome outcome = watch_capture(
        s->service, &s->patience, s->ids[i], on_change, s, &document);

    progress_clear(&s->progress);
    s->progress.done++;
    switch (outcome) {
    case WATCH_ENDED:
        ended(s, document);
        break;
    case WATCH_OVER:
        unfinished(s, i, document);
        break;
    case WATCH_UNREACHABLE:
        unfinished(s, i, document);
        worsen(s, service_complain(s->service));
        break;
    case WATCH_REFUSED:
        cli_complain("api no longer tells about capture %s (status %ld)",
                     s->ids[i], service_status(s->service));
        worsen(s, CLI_REFUSED);
        break;
    }
    json_object_put(document);
}

static void wait_for_all(struct submit *s)
{
    for (size_t i = 0; i < s->arguments.count; i++) {
        if (s->ids[i] && !s->patience.interrupted)
            wait_for(s, i);
    }
}

static void say_interrupted(struct submit *s)
{
    progress_clear(&s->progress);
    cli_complain("interrupted; what was submitted goes on, see `shotfleet "
                 "list`");
    worsen(s, CLI_INTERRUPTED);
}

/* --- the command */

static void submit(struct submit *s, const struct cli_settings *settings)
{
    s->service = service_new(settings, &s->patience);
    if (!s->service) {
        s->code = CLI_REFUSED;
        return;
    }
    output_init(&s->output, stdout, service_base(s->service),
                s->arguments.json);
    progress_init(&s->progress, s->arguments.count);
    service_on_tick(s->service, progress_draw, &s->progress);
    submit_all(s);
    if (s->arguments.wait && s->code < CLI_UNREACHABLE)
        wait_for_all(s);
    if (s->patience.interrupted)
        say_interrupted(s);
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct submit s = { .code = CLI_FINE };

    if (submit_arguments_parse(&s.arguments, argc, argv) != 0 ||
        (s.arguments.folder && picture_folder(s.arguments.folder) != 0)) {
        submit_arguments_release(&s.arguments);
        return CLI_REFUSED;
    }
    s.ids = mem_zalloc(s.arguments.count * sizeof *s.ids);
    patience_begin(&s.patience, s.arguments.timeout_s * 1000);
    submit(&s, settings);
    patience_end(&s.patience);
    for (size_t i = 0; i < s.arguments.count; i++)
        free(s.ids[i]);
    free(s.ids);
    service_free(s.service);
    submit_arguments_release(&s.arguments);
    return s.code;
}

const struct command command_submit = {
    "submit",
    "URL... [--option NAME=VALUE]... [--wait] [--timeout S] [--json] [-o DIR]",
    "capture web pages",
    "Queues a capture of each URL and prints its id.\n\n"
    "  --option NAME=VALUE  a capture option, as api takes it: device=mobile,\n"
    "                       fullPage=true, format=webp, width=1440 ... A dot\n"
    "                       goes down one level: viewport.width=400\n"
    "  --wait               wait until each capture has ended, and print what\n"
    "                       became of it\n"
    "  --timeout S          wait no longer than this, in seconds (default "
    "300);\n"
    "                       captures go on by themselves\n"
    "  --json               one JSON document a line\n"
    "  -o, --output DIR     save the pictures as DIR/ID.png (waits, too)\n\n"
    "Piped, each line holds, separated by tabs: id, status, width x height,\n"
    "bytes, the picture's URL or CODE: reason, and the page's URL.\n\n"
    "Exit codes: 0 all were completed (or queued, without --wait), 1 one "
    "failed\n"
    "or did not finish in time, 2 wrong usage or a URL was refused, 3 api "
    "could\n"
    "not be reached; the highest one that applies.  130 after Ctrl-C.\n",
    run,
};
