/* shotfleet doctor */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "cli/doctor_keys.h"
#include "cli/doctor_rejected.h"
#include "cli/doctor_report.h"
#include "common/buf.h"
#include "common/clock.h"

/* Head and the largest body that ingest can be set to take. */
enum { FILE_MAX_BYTES = 65 * 1024 * 1024 };

struct doctor_arguments {
    const char *provider; /* NULL: by the path of the request */
    const char *file;
    int64_t at_ms; /* when it came; -1: the file's time */
};

static int read_time(const char *text, int64_t *ms)
{
    enum timestamp_unit unit =
        strlen(text) > 11 ? TIMESTAMP_MILLISECONDS : TIMESTAMP_SECONDS;

    if (timestamp_parse(text, TIMESTAMP_ISO8601, ms) == 0 ||
        timestamp_parse(text, unit, ms) == 0)
        return 0;
    cli_misuse("doctor", "--at \"%.60s\" is no time like 2026-01-31T12:00:00Z",
               text);
    return -1;
}

/* CLI_FINE, or what a misuse is answered with. */
static int read_arguments(int argc, char **argv, struct doctor_arguments *a)
{
    static const struct option options[] = {
        { "provider", required_argument, NULL, 'p' },
        { "at", required_argument, NULL, 'a' },
        { 0 },
    };
    int c;

    *a = (struct doctor_arguments){ .at_ms = -1 };
    while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (c == 'p')
            a->provider = optarg;
        else if (c == 'a' && read_time(optarg, &a->at_ms) != 0)
            return CLI_REFUSED;
        else if (c == ':')
            return cli_misuse("doctor", "%s needs a value", argv[optind - 1]);
        else if (c == '?')
            return cli_misuse("doctor", "there is no option %s",
                              argv[optind - 1]);
    }
    if (argc - optind != 2 || strcmp(argv[optind], "webhook") != 0)
        return cli_misuse("doctor",
                          "what is needed is: webhook FILE, or rejected");
    a->file = argv[optind + 1];
    return CLI_FINE;
}

/* The whole file, and when it was written. */
static int read_file(const char *path, struct buf *into, int64_t *written_ms)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    char chunk[16 * 1024];
    struct stat info;
    size_t n = 0;
    int rc = -1;

    *written_ms = clock_wall_ms();
    if (!file)
        goto out;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0) {
        if (buf_append(into, chunk, n) != 0) {
            errno = EFBIG;
            goto out;
        }
    }
    if (ferror(file) || fstat(fileno(file), &info) != 0)
        goto out;
    if (S_ISREG(info.st_mode))
        *written_ms = (int64_t)info.st_mtim.tv_sec * 1000 +
                      info.st_mtim.tv_nsec / 1000000;
    rc = 0;
out:
    if (rc != 0)
        cli_complain("could not read \"%s\": %s", path, strerror(errno));
    if (file && !standard)
        fclose(file);
    return rc;
}

static const struct profile *find_profile(const struct profiles *profiles,
                                          const struct doctor_arguments *a,
                                          const struct saved_request *request)
{
    static const char prefix[] = "/webhooks/";
    const char *name = a->provider;

    if (!name && strncmp(request->path, prefix, sizeof prefix - 1) == 0)
        name = request->path + sizeof prefix - 1;
    else if (!name && strcmp(request->path, "/api/webhooks/screenshot") == 0)
        name = "screenshotly";
    if (!name)
        cli_misuse("doctor", "the request's path names no provider; give one "
                             "with --provider");
    else if (!profiles_find(profiles, name))
        cli_complain(
            "there is no provider profile \"%.60s\" in the folder that "
            "SHOTFLEET_PROVIDERS_DIR names",
            name);
    return name ? profiles_find(profiles, name) : NULL;
}

static int examine(const struct doctor_settings *s,
                   const struct doctor_arguments *a,
                   const struct profiles *profiles, const struct profile *p,
                   const struct saved_request *request, int64_t came_ms)
{
    char error[SETTINGS_ERROR_SIZE], when[CLOCK_TEXT_SIZE];
    struct doctor_keys keys;
    int code = CLI_REFUSED;

    if (doctor_keys_load(&keys, s, profiles, p, error) == 0) {
        const struct diagnosis_terms terms = {
            .webhook = { .profile = p,
                         .secrets = &keys.own,
                         .token_keys = &keys.tokens,
                         .now_ms = came_ms,
                         .max_age_ms = s->max_age_s * 1000,
                         .max_future_ms = s->max_future_s * 1000 },
            .profiles = profiles,
            .rings = keys.rings,
            .ring_count = keys.ring_count,
        };

        clock_format(came_ms, when);
        printf("%s as a webhook of profile \"%s\" that came %s%s\n", a->file,
               p->name, when, a->at_ms < 0 ? " (the file's time)" : "");
        code = doctor_report(&terms, request, s->max_body_bytes, stdout)
                   ? CLI_FINE
                   : CLI_SOME_FAILED;
    } else {
        cli_complain("%s", error);
    }
    doctor_keys_release(&keys);
    return code;
}

static int diagnose_file(const struct doctor_settings *s,
                         const struct doctor_arguments *a)
{
    struct saved_request request = { 0 };
    struct profiles profiles = { 0 };
    const struct profile *p = NULL;
    struct buf text;
    char error[SETTINGS_ERROR_SIZE];
    int64_t written_ms = 0;
    int code = CLI_REFUSED;

    buf_init(&text, FILE_MAX_BYTES);
    if (read_file(a->file, &text, &written_ms) != 0)
        goto out;
    if (saved_request_parse(&request, text.data ? text.data : "", text.len,
                            error, sizeof error) != 0) {
        cli_complain("%s is no saved HTTP request: %s", a->file, error);
        goto out;
    }
    if (profiles_load(&profiles, s->providers_dir, error, sizeof error) != 0) {
        cli_complain("%s", error);
        goto out;
    }
    p = find_profile(&profiles, a, &request);
    if (p)
        code = examine(s, a, &profiles, p, &request,
                       a->at_ms < 0 ? written_ms : a->at_ms);
out:
    profiles_release(&profiles);
    saved_request_release(&request);
    buf_release(&text);
    return code;
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    bool rejected = argc > 1 && strcmp(argv[1], "rejected") == 0;
    struct doctor_arguments arguments;
    struct doctor_settings own = { 0 };
    char error[SETTINGS_ERROR_SIZE];
    int code = rejected ? CLI_FINE : read_arguments(argc, argv, &arguments);

    (void)settings;
    if (code != CLI_FINE)
        return code;
    if (settings_load(doctor_settings, DOCTOR_SETTINGS, &own, error) == 0) {
        code = rejected ? doctor_rejected(argc - 1, argv + 1, own.admin_listen)
                        : diagnose_file(&own, &arguments);
    } else {
        cli_complain("%s", error);
        code = CLI_REFUSED;
    }
    settings_release(doctor_settings, DOCTOR_SETTINGS, &own);
    return code;
}

const struct command command_doctor = {
    "doctor",
    "webhook [--provider NAME] [--at TIME] FILE | rejected [--last N] "
    "[--from ADDRESS:PORT] [--json]",
    "tell why webhooks are refused",
    "  webhook   judges a saved webhook\n"
    "  rejected  shows what ingest refused last, and why\n\n"
    "webhook judges the HTTP request in FILE (\"-\": standard input) as ingest "
    "would, "
    "by\n"
    "the profiles and secrets in this environment, and says what is wrong "
    "with\n"
    "it: another key, a body that was changed on its way, another provider's\n"
    "dialect, a wrong unit of time, a clock that is off.  Sends nothing, and "
    "never\nprints a secret.\n\n"
    "  --provider NAME  the profile to judge by; else the one in the path\n"
    "  --at TIME        when it came (2026-01-31T12:00:00Z, or Unix seconds); "
    "else\n"
    "                   when the file was written\n\n"
    "FILE holds the request as it came: request line, headers, an empty line, "
    "the\nbody to the byte.  One way to get it is to have the provider call\n\n"
    "  nc -l -p 9000 >FILE\n\n"
    "rejected asks ingest's admin port, and writes a line for each request: "
    "time,\n"
    "reason, address, provider, capture, explanation, the newest last.  Of "
    "each\n"
    "reason every ingest process keeps the last 16, in memory; one in a second "
    "is\n"
    "looked into as `doctor webhook` does.  The senders learn nothing of "
    "it.\n\n"
    "  --last N             so many, at most 1000 (20)\n"
    "  --from ADDRESS:PORT  ingest's SHOTFLEET_ADMIN_LISTEN; else what is set "
    "here\n"
    "  --json               one JSON document a line\n\n"
    "SHOTFLEET_RETIRED_SECRETS may hold secrets that are valid no more, to "
    "see\n"
    "whether the sender still uses one.\n\n"
    "Exit codes: 0 ingest would let it in, or refusals are shown; 1 it would "
    "not,\n2 wrong usage, 3 ingest could not be asked.\n",
    run,
};
