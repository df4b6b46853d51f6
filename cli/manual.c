/* shotfleet manual: the manual page, made from the help of each command */
#include <string.h>

#include "cli/cli.h"
#include "cli/cli_settings.h"
#include "cli/commands.h"
#include "cli/help_text.h"

/* Text for man(7): what troff would take for its own is escaped. */
static void put(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
    }
    fputc('\n', out);
}

static void put_help(const char *help, FILE *out)
{
    struct help_reader reader;
    enum help_kind kind;

    help_reader_init(&reader, help);
    while ((kind = help_next(&reader)) != HELP_END) {
        if (kind == HELP_PARAGRAPH) {
            fputs(".PP\n", out);
        } else {
            fputs(".TP\n.B ", out);
            put(reader.tag, out);
        }
        if (reader.text.len > 0)
            put(reader.text.data, out);
    }
    help_reader_release(&reader);
}

static void put_command(const struct command *c, FILE *out)
{
    fprintf(out, ".SS %s\n", c->name);
    put(c->summary, out);
    fputs(".PP\n.B shotfleet ", out);
    fprintf(out, "%s ", c->name);
    for (const char *u = c->usage; *u; u++) /* in one line */
        fputc(*u == '\n' ? ' ' : *u, out);
    fputc('\n', out);
    put_help(c->help, out);
}

static void put_page(FILE *out)
{
    fputs(".TH SHOTFLEET 1 \"\" \"shotfleet " SHOTFLEET_VERSION "\"\n"
          ".SH NAME\n"
          "shotfleet \\- screenshots of web pages, from the command line\n"
          ".SH SYNOPSIS\n"
          ".B shotfleet\n"
          ".I COMMAND\n"
          ".RI [ ARGUMENTS ]\n"
          ".SH DESCRIPTION\n"
          "Submits captures to a fleet, watches them, saves their pictures, "
          "and looks\n"
          "after the fleet.  Commands for users ask the api at\n"
          ".BR SHOTFLEET_API_URL ;\n"
          "those for operators ask PostgreSQL at\n"
          ".BR DATABASE_URL .\n"
          ".PP\n"
          "Results go to standard output, everything else to standard error.  "
          "On a\n"
          "terminal results are laid out for people, in colours unless\n"
          ".B NO_COLOR\n"
          "is set; elsewhere each is a line of fields separated by tabs.\n"
          ".SH COMMANDS\n",
          out);
    for (size_t i = 0; commands[i]; i++)
        put_command(commands[i], out);
    fputs(".SH EXIT STATUS\n"
          "0: done.  1: a capture failed, or was not finished in time.  2: "
          "wrong usage,\n"
          "or refused input.  3: the api or PostgreSQL could not be reached.  "
          "130: Ctrl\\-C.\n"
          "Where several apply, the highest one.\n"
          ".SH ENVIRONMENT\n"
          ".EX\n",
          out);
    cli_settings_print(out);
    fputs(".EE\n", out);
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    (void)argv;
    (void)settings;
    if (argc != 1)
        return cli_misuse("manual", "nothing may follow");
    put_page(stdout);
    return CLI_FINE;
}

const struct command command_manual = {
    "manual",
    "",
    "the manual page",
    "Prints the manual page for man(1):\n\n"
    "  shotfleet manual | man -l -\n\n"
    "Exit codes: 0.\n",
    run,
};
