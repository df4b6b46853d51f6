#include "cli/cli_settings.h"

#include <stddef.h>
#include <string.h>

#include "cli/doctor_keys.h"

#define USE(name, field)                                                       \
    {                                                                          \
        name, offsetof(struct cli_settings, field)                             \
    }

static const struct setting_use uses[] = {
    USE("SHOTFLEET_API_URL", api_url),
    USE("SHOTFLEET_API_KEY", api_key),
    USE("DATABASE_URL", database_url),
    USE("SHOTFLEET_PROVIDER", provider),
    USE("SHOTFLEET_MAX_ATTEMPTS", max_attempts),
    USE("SHOTFLEET_JOB_DEADLINE_S", job_deadline_s),
};

int cli_settings_load(struct cli_settings *s, char error[SETTINGS_ERROR_SIZE])
{
    return settings_load(uses, ARRAY_LEN(uses), s, error);
}

void cli_settings_release(struct cli_settings *s)
{
    settings_release(uses, ARRAY_LEN(uses), s);
}

/* `doctor` loads its own, as they hold the fleet's secrets. */
void cli_settings_print(FILE *out)
{
    struct setting_use all[ARRAY_LEN(uses) + DOCTOR_SETTINGS];

    memcpy(all, uses, sizeof uses);
    memcpy(all + ARRAY_LEN(uses), doctor_settings, sizeof doctor_settings);
    settings_help(all, ARRAY_LEN(all), out);
}
