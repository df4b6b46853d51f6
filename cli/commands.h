/* commands.h - the table of subcommands, in the order of `shotfleet --help`. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct command *const commands[]; /* ended by NULL */

/* NULL when there is none of this name. */
const struct command *command_find(const char *name);

#endif
