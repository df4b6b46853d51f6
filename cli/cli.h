/* cli.h - the shotfleet command: what its subcommands share.
 *
 * Results go to standard output, everything else to standard error.  On a
 * terminal the output is for people; elsewhere it is plain, one line a result.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include "common/base.h"

struct cli_settings {
    char *api_url;
    char *api_key;
    char *database_url;
    char *provider;
    int64_t max_attempts;
    int64_t job_deadline_s;
};

/* Where several apply, the highest one is the command's. */
enum cli_exit {
    CLI_FINE = 0,
    CLI_SOME_FAILED = 1,
    CLI_REFUSED = 2, /* usage, or input that api refused */
    CLI_UNREACHABLE = 3,
    CLI_INTERRUPTED = 130, /* 128 + SIGINT, as shells say it */
};

struct command {
    const char *name;
    const char *usage; /* behind the name */
    const char *summary;
    const char *help; /* of the command, whole */
    /* `argv[0]` is the command's name. */
    int (*run)(int argc, char **argv, const struct cli_settings *settings);
};

extern const struct command command_submit, command_status, command_list,
    command_watch, command_cancel, command_retry, command_open, command_top,
    command_dead, command_callback, command_providers, command_clean,
    command_doctor, command_migrate, command_completion, command_manual,
    command_ledger, command_keys;

/* "shotfleet: …" to standard error. */
PRINTF_LIKE(1, 2) void cli_complain(const char *fmt, ...);
/* As cli_complain(), then where help is; returns CLI_REFUSED. */
PRINTF_LIKE(2, 3) int cli_misuse(const char *command, const char *fmt, ...);

/* A whole number from min to max; -1 with a complaint that names `option`. */
MUST_USE int cli_number(const char *command, const char *option,
                        const char *text, long min, long max, long *out);

#endif
