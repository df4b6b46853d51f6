/* shotfleet open */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "common/token.h"

static int run(int argc, char **argv, const struct cli_settings *settings)
{
    const char *base = settings->api_url;
    size_t len = strlen(base);

    if (argc > 2)
        return cli_misuse("open", "one id is enough");
    if (argc == 2 && !uuid_is_valid(argv[1]))
        return cli_misuse("open", "\"%.60s\" is no capture's id", argv[1]);
    while (len > 0 && base[len - 1] == '/')
        len--;
    printf("%.*s/%s%s\n", (int)len, base, argc == 2 ? "#/captures/" : "",
           argc == 2 ? argv[1] : "");
    return CLI_FINE;
}

const struct command command_open = {
    "open",
    "[ID]",
    "print the address of the page, or of a capture's",
    "Prints the address for a browser, and asks nobody:\n\n"
    "  xdg-open \"$(shotfleet open ID)\"\n\n"
    "Exit codes: 0, or 2 when ID is none.\n",
    run,
};
