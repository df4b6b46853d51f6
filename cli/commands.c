#include "cli/commands.h"

#include <string.h>

const struct command *const commands[] = {
    /* of users */
    &command_submit,
    &command_status,
    &command_list,
    &command_watch,
    &command_cancel,
    &command_retry,
    &command_open,
    /* of operators */
    &command_top,
    &command_dead,
    &command_ledger,
    &command_callback,
    &command_keys,
    &command_providers,
    &command_clean,
    &command_doctor,
    &command_migrate,
    /* of shells */
    &command_completion,
    &command_manual,
    NULL,
};

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}
