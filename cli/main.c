/* shotfleet: the command of users and operators. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_settings.h"
#include "cli/commands.h"

static void usage(FILE *out)
{
    fputs("usage: shotfleet COMMAND [ARGUMENTS]\n\n"
          "Screenshots of web pages, from the command line.\n\n",
          out);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("  help       tell more about a command: shotfleet help COMMAND\n\n"
          "Exit codes:\n"
          "  0  done; with --wait: every capture was completed\n"
          "  1  a capture failed, or was not finished in time\n"
          "  2  wrong usage, or refused input\n"
          "  3  api (or PostgreSQL) could not be reached\n"
          "  130  Ctrl-C: it was left, captures go on\n\n",
          out);
}

static void help(const struct command *c, FILE *out)
{
    fprintf(out, "usage: shotfleet %s %s\n\n%s", c->name, c->usage, c->help);
}

void cli_complain(const char *fmt, ...)
{
    va_list args;

    fputs("shotfleet: ", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

int cli_misuse(const char *command, const char *fmt, ...)
{
    va_list args;

    fprintf(stderr, "shotfleet %s: ", command);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "; `shotfleet help %s` tells more\n", command);
    return CLI_REFUSED;
}

int cli_number(const char *command, const char *option, const char *text,
               long min, long max, long *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && *out >= min && *out <= max)
        return 0;
    cli_misuse(command, "%s \"%.40s\" is not a whole number from %ld to %ld",
               option, text, min, max);
    return -1;
}

/* True when nothing is left to do. */
static bool answered(int argc, char **argv, int *code)
{
    bool ask = argc >= 2 && strcmp(argv[1], "help") == 0;
    const struct command *c = NULL;

    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        puts("shotfleet " SHOTFLEET_VERSION);
        return true;
    }
    if (argc < 2) {
        usage(stderr);
        *code = CLI_REFUSED;
        return true;
    }
    if (strcmp(argv[1], "--help") == 0 || (ask && argc == 2)) {
        usage(stdout);
        cli_settings_print(stdout);
        return true;
    }
    c = command_find(ask ? argv[2] : argv[1]);
    if (!c) {
        cli_complain("there is no command \"%s\"; `shotfleet --help` lists "
                     "them",
                     ask ? argv[2] : argv[1]);
        *code = CLI_REFUSED;
        return true;
    }
    if (ask || (argc == 3 && strcmp(argv[2], "--help") == 0)) {
        help(c, stdout);
        return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct cli_settings settings = { 0 };
    char error[SETTINGS_ERROR_SIZE] = "";
    int code = CLI_FINE;

    if (answered(argc, argv, &code))
        return code;
    if (cli_settings_load(&settings, error) == 0) {
        code = command_find(argv[1])->run(argc - 1, argv + 1, &settings);
    } else {
        cli_complain("%s", error);
        code = CLI_REFUSED;
    }
    cli_settings_release(&settings);
    if (fflush(stdout) != 0 && code == CLI_FINE) {
        cli_complain("could not write the output: %s", strerror(errno));
        code = CLI_SOME_FAILED;
    }
    return code;
}
