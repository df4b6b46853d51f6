/* cli_settings.h - the settings of the shotfleet command. */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "cli/cli.h"
#include "common/settings.h"

/* As settings_load(); release in either case. */
MUST_USE int cli_settings_load(struct cli_settings *s,
                               char error[SETTINGS_ERROR_SIZE]);
void cli_settings_release(struct cli_settings *s);
/* Those of all commands, for --help. */
void cli_settings_print(FILE *out);

#endif
