/* shotfleet completion: what Tab offers, made from the help of each command */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/help_text.h"
#include "common/mem.h"

/* One word that may follow a command. */
typedef void word_fn(const struct command *c, const char *word,
                     const char *meaning, FILE *out);

/* Options, and actions like `list`: an item's tag of small letters alone. */
static void each_word(const struct command *c, word_fn *fn, FILE *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    struct help_reader reader;
    enum help_kind kind;

    help_reader_init(&reader, c->help);
    while ((kind = help_next(&reader)) != HELP_END) {
        char *name = help_option_name(reader.tag);
        char *word = NULL;

        if (kind == HELP_ITEM && name)
            word = mem_format("--%s", name);
        else if (kind == HELP_ITEM && reader.text.len > 0 &&
                 reader.tag[strspn(reader.tag, letters)] == '\0')
            word = mem_strdup(reader.tag);
        if (word)
            fn(c, word, reader.text.data, out);
        free(word);
        free(name);
    }
    help_reader_release(&reader);
}

static void put_word(const struct command *c, const char *word,
                     const char *meaning, FILE *out)
{
    (void)c;
    (void)meaning;
    fprintf(out, "%s ", word);
}

/* In single quotes, as sh, zsh and fish understand it; what stands first in it
 * is enough. */
static void put_quoted(const char *text, FILE *out)
{
    size_t len = strcspn(text, ";:.");

    fputc('\'', out);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\'')
            fputs("'\\''", out);
        else
            fputc(text[i], out);
    }
    fputc('\'', out);
}

static void put_command_names(FILE *out)
{
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "%s ", commands[i]->name);
    fputs("help", out);
}

static void bash(FILE *out)
{
    fputs("_shotfleet() {\n"
          "    local words=''\n"
          "    COMPREPLY=()\n"
          "    case ${COMP_WORDS[1]-} in\n",
          out);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "    %s) words='", commands[i]->name);
        each_word(commands[i], put_word, out);
        fputs("--help' ;;\n", out);
    }
    fputs("    help) words='", out);
    put_command_names(out);
    fputs("' ;;\n"
          "    esac\n"
          "    [ \"$COMP_CWORD\" -gt 1 ] || words='",
          out);
    put_command_names(out);
    fputs(" --help --version'\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
          "\"${COMP_WORDS[COMP_CWORD]}\")\n"
          "}\n"
          "complete -o default -F _shotfleet shotfleet\n",
          out);
}

static void put_zsh_word(const struct command *c, const char *word,
                         const char *meaning, FILE *out)
{
    char *text = mem_format("%s  %s", word, meaning);

    (void)c;
    fprintf(out, "        names+=('%s'); shown+=(", word);
    put_quoted(text, out);
    fputs(")\n", out);
    free(text);
}

static void zsh(FILE *out)
{
    fputs("#compdef shotfleet\n"
          "_shotfleet() {\n"
          "    local -a names shown\n"
          "    if ((CURRENT == 2)) || { ((CURRENT == 3)) && [[ ${words[2]} == "
          "help ]]; }; then\n",
          out);
    for (size_t i = 0; commands[i]; i++)
        put_zsh_word(commands[i], commands[i]->name, commands[i]->summary, out);
    fputs("    else\n"
          "        case ${words[2]} in\n",
          out);
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "        %s)\n", commands[i]->name);
        each_word(commands[i], put_zsh_word, out);
        fputs("        ;;\n", out);
    }
    fputs("        esac\n"
          "    fi\n"
          "    compadd -l -d shown -a names || _files\n"
          "}\n"
          "compdef _shotfleet shotfleet\n",
          out);
}

static void put_fish_word(const struct command *c, const char *word,
                          const char *meaning, FILE *out)
{
    bool option = strncmp(word, "--", 2) == 0;

    fprintf(out,
            "complete -c shotfleet -n '__fish_seen_subcommand_from %s' %s %s "
            "-d ",
            c->name, option ? "-l" : "-a", option ? word + 2 : word);
    put_quoted(meaning, out);
    fputc('\n', out);
}

static void fish(FILE *out)
{
    for (size_t i = 0; commands[i]; i++) {
        fprintf(out, "complete -c shotfleet -n __fish_use_subcommand -a %s -d ",
                commands[i]->name);
        put_quoted(commands[i]->summary, out);
        fputc('\n', out);
        each_word(commands[i], put_fish_word, out);
    }
}

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    static const struct {
        const char *name;
        void (*print)(FILE *out);
    } shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

    (void)settings;
    for (size_t i = 0; argc == 2 && i < ARRAY_LEN(shells); i++) {
        if (strcmp(argv[1], shells[i].name) == 0) {
            shells[i].print(stdout);
            return CLI_FINE;
        }
    }
    return cli_misuse("completion", "say bash, zsh or fish");
}

const struct command command_completion = {
    "completion",
    "bash | zsh | fish",
    "what Tab offers in your shell",
    "Prints a script that completes commands and options.\n\n"
    "  bash  put into ~/.bashrc: eval \"$(shotfleet completion bash)\"\n"
    "  zsh   put into ~/.zshrc, behind compinit: eval \"$(shotfleet "
    "completion\n"
    "        zsh)\"\n"
    "  fish  shotfleet completion fish "
    ">~/.config/fish/completions/shotfleet.fish\n\n"
    "Exit codes: 0, or 2 for another shell.\n",
    run,
};
