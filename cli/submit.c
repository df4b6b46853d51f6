/* shotfleet submit: submits all URLs in batches, then follows batch by batch.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/follow.h"
#include "cli/output.h"
#include "cli/picture.h"
#include "cli/progress.h"
#include "cli/submission.h"
#include "cli/submit_arguments.h"
#include "common/json.h"
#include "common/mem.h"

/* Captures that were submitted in one request. */
struct batch {
    char *events; /* path; NULL: none was accepted */
    size_t open;  /* of them that have not ended */
};

struct submit {
    struct submit_arguments arguments;
    struct batch *batches;
    size_t batch_count;
    struct batch *followed;
    struct service *service;
    struct service *pictures; /* its own: events come in meanwhile */
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

static void on_refused(struct wish *w, const char *code, const char *reason,
                       void *arg)
{
    struct submit *s = arg;

    w->ended = true;
    s->progress.done++;
    s->progress.failed++;
    progress_clear(&s->progress);
    output_refusal(&s->output, wish_url(w), code, reason);
    worsen(s, CLI_REFUSED);
}

static void on_sent(struct submit *s, struct wish *wishes, size_t count,
                    char *events)
{
    struct batch *b;

    s->batches =
        mem_resize_array(s->batches, s->batch_count + 1, sizeof *s->batches);
    b = &s->batches[s->batch_count++];
    *b = (struct batch){ .events = events };
    patience_renew(&s->patience, s->arguments.timeout_s * 1000);
    for (size_t i = 0; i < count; i++) {
        if (!wishes[i].id)
            continue;
        b->open++;
        if (!s->arguments.wait)
            output_capture(&s->output, wishes[i].document);
    }
}

static void submit_all(struct submit *s)
{
    struct wishes *w = &s->arguments.wishes;
    struct submission submission;
    size_t sent = 0;

    submission_init(&submission, s->service, &s->patience);
    submission.refused = on_refused;
    submission.arg = s;
    while (sent < w->count && !patience_is_over(&s->patience)) {
        char *events = NULL;
        int code = CLI_FINE;
        size_t n;

        progress_what(&s->progress, wish_url(&w->items[sent]), "submitting",
                      -1);
        n = submission_send(&submission, &w->items[sent], w->count - sent,
                            &events, &code);
        worsen(s, code);
        if (n == 0)
            break;
        on_sent(s, &w->items[sent], n, events);
        sent += n;
    }
    progress_clear(&s->progress);
    if (sent < w->count && w->count > 1)
        cli_complain("%zu of %zu were not submitted, from %s on",
                     w->count - sent, w->count, wish_url(&w->items[sent]));
    wishes_index(w);
}

/* --- waiting */

static void on_end(struct submit *s, struct wish *w)
{
    bool completed = strcmp(json_text(w->document, "status"), "completed") == 0;

    w->ended = true;
    s->followed->open--;
    patience_renew(&s->patience, s->arguments.timeout_s * 1000);
    progress_clear(&s->progress);
    output_capture(&s->output, w->document);
    if (completed && s->arguments.folder)
        completed =
            picture_save(s->pictures, w->document, s->arguments.folder) == 0;
    s->progress.done++;
    if (!completed) {
        s->progress.failed++;
        worsen(s, CLI_SOME_FAILED);
    }
}

/* A follow_fn. */
static bool on_change(struct json_object *document, void *arg)
{
    struct submit *s = arg;
    const char *id = json_text(document, "jobId");
    const char *status = json_text(document, "status");
    struct wish *w = id ? wishes_find(&s->arguments.wishes, id) : NULL;

    if (!w || w->ended)
        return s->followed->open == 0;
    json_object_put(w->document);
    w->document = json_object_get(document);
    progress_what(&s->progress, wish_url(w), status ? status : "",
                  json_number(document, "progress", -1));
    if (follow_has_ended(document))
        on_end(s, w);
    return s->followed->open == 0;
}

static void follow_batch(struct submit *s, struct batch *b)
{
    enum follow_outcome outcome;

    s->followed = b;
    outcome = follow(s->service, &s->patience, b->events, on_change, s);
    progress_clear(&s->progress);
    if (outcome == FOLLOW_UNREACHABLE) {
        worsen(s, service_complain(s->service));
    } else if (outcome == FOLLOW_REFUSED) {
        cli_complain("api no longer tells of %s (status %ld)", b->events,
                     service_status(s->service));
        worsen(s, CLI_REFUSED);
    }
}

/* Captures go on without us. */
static void say_unfinished(struct submit *s)
{
    struct wishes *w = &s->arguments.wishes;
    const struct wish *last = NULL;
    size_t count = 0;

    for (size_t i = 0; i < w->count; i++) {
        if (!w->items[i].id || w->items[i].ended)
            continue;
        last = &w->items[i];
        output_capture(&s->output, last->document);
        count++;
    }
    if (count == 0)
        return;
    worsen(s, CLI_SOME_FAILED);
    if (s->patience.interrupted)
        return;
    if (count == 1)
        cli_complain("not finished within %ld s: %s; it goes on, see "
                     "`shotfleet status %s`",
                     s->arguments.timeout_s, wish_url(last), last->id);
    else
        cli_complain("%zu captures are not finished, and none was for %ld s; "
                     "they go on, see `shotfleet list`",
                     count, s->arguments.timeout_s);
}

static void wait_for_all(struct submit *s)
{
    for (size_t i = 0; i < s->batch_count; i++) {
        if (s->batches[i].open > 0 && !patience_is_over(&s->patience))
            follow_batch(s, &s->batches[i]);
    }
    say_unfinished(s);
    if (s->arguments.wishes.count > 1)
        progress_sum_up(&s->progress);
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
    s->pictures = s->service ? service_new(settings, &s->patience) : NULL;
    if (!s->pictures) {
        s->code = CLI_REFUSED;
        return;
    }
    output_init(&s->output, stdout, service_base(s->service),
                s->arguments.json);
    progress_init(&s->progress, s->arguments.wishes.count);
    service_on_tick(s->service, progress_draw, &s->progress);
    service_on_tick(s->pictures, progress_draw, &s->progress);
    submit_all(s);
    if (s->arguments.wait)
        wait_for_all(s);
    if (s->patience.interrupted)
        say_interrupted(s);
}

static void submit_release(struct submit *s)
{
    for (size_t i = 0; i < s->batch_count; i++)
        free(s->batches[i].events);
    free(s->batches);
    service_free(s->service);
    service_free(s->pictures);
    submit_arguments_release(&s->arguments);
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    struct submit s = { .code = CLI_FINE };

    if (submit_arguments_parse(&s.arguments, argc, argv) != 0 ||
        (s.arguments.folder && picture_folder(s.arguments.folder) != 0)) {
        submit_release(&s);
        return CLI_REFUSED;
    }
    patience_begin(&s.patience, s.arguments.timeout_s * 1000);
    submit(&s, settings);
    patience_end(&s.patience);
    submit_release(&s);
    return s.code;
}

const struct command command_submit = {
    "submit",
    "[URL]... [-f FILE] [--option NAME=VALUE]... [--wait] [--timeout S]\n"
    "       [--json] [-o DIR]",
    "capture web pages",
    "Queues a capture of each URL and prints its id, up to 1,000 in a "
    "request.\n\n"
    "  -f, --file FILE      take URLs from FILE (\"-\": standard input), one "
    "a\n"
    "                       line; a line may also be a JSON object with url "
    "and\n"
    "                       options of its own; # begins a comment\n"
    "  --option NAME=VALUE  a capture option, as api takes it: device=mobile,\n"
    "                       fullPage=true, format=webp, width=1440 ... A dot\n"
    "                       goes down one level: viewport.width=400\n"
    "  --wait               wait until each capture has ended, and print what\n"
    "                       became of it\n"
    "  --timeout S          wait no longer than this, in seconds (default "
    "300),\n"
    "                       for the next capture to end; captures go on by\n"
    "                       themselves\n"
    "  --json               one JSON document a line\n"
    "  -o, --output DIR     save the pictures as DIR/ID.png (waits, too)\n\n"
    "A terminal shows how many are done and how many failed, the rate and the\n"
    "time that is left; captures are printed as they end.\n\n"
    "Piped, each line holds, separated by tabs: id, status, width x height,\n"
    "bytes, the picture's URL or CODE: reason, and the page's URL.\n\n"
    "Exit codes: 0 all were completed (or queued, without --wait), 1 one "
    "failed\n"
    "or did not finish in time, 2 wrong usage or a URL was refused, 3 api "
    "could\n"
    "not be reached; the highest one that applies.  130 after Ctrl-C.\n",
    run,
};
