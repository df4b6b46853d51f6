/* settings.h - settings from the environment, described once.
 *
 * settings.c holds the catalogue of every setting of every program (name, type,
 * default, bounds, help).  A program lists the ones that it uses and where in
 * its own struct they go; `--help` is printed from the same list.
 *
 *     struct ingest_settings { char *redis_url; int64_t max_body_bytes; };
 *     static const struct setting_use uses[] = {
 *         { "REDIS_URL", offsetof(struct ingest_settings, redis_url) },
 *         { "SHOTFLEET_MAX_BODY_BYTES",
 *           offsetof(struct ingest_settings, max_body_bytes) },
 *     };
 *
 * Text settings land in a `char *` (owned, never NULL, "" when unset), numbers
 * in an `int64_t`, switches in a `bool`.  A secret is text that may also be
 * read from the file that NAME_FILE names (trailing newline removed; both at
 * once is an error).  An unknown SHOTFLEET_* name in the environment is an
 * error too.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdio.h>

#include "common/base.h"

enum setting_type {
    SETTING_TEXT,   /* char * */
    SETTING_SECRET, /* char *, also NAME_FILE, never printed */
    SETTING_LIST,   /* char *, also NAME_FILE; there also one item a line */
    SETTING_NUMBER, /* int64_t within min..max */
    SETTING_BYTES,  /* int64_t; suffixes KiB MiB GiB */
    SETTING_SWITCH, /* bool: 0 1 no yes off on false true */
};

struct setting {
    const char *name;
    enum setting_type type;
    const char *fallback; /* NULL: empty text, 0, off */
    int64_t min, max;     /* numbers and bytes */
    const char *help;     /* one line, for --help and docs/settings.md */
};

struct setting_use {
    const char *name; /* as in the catalogue */
    size_t offset;    /* into the program's struct */
};

enum { SETTINGS_ERROR_SIZE = 512 };

/* Fills `into` (zeroed by the caller).  On -1, `error` holds one line that
 * names the setting and the remedy; release `into` all the same. */
MUST_USE int settings_load(const struct setting_use *uses, size_t count,
                           void *into, char error[SETTINGS_ERROR_SIZE]);
void settings_release(const struct setting_use *uses, size_t count, void *into);

/* The value of a per-profile setting: NAME_<PROFILE> (upper case, '-' as '_'),
 * else NAME; also through *_FILE for secrets.  Owned by the caller; "" when
 * neither is set; NULL with `error` when a file cannot be read. */
MUST_USE char *settings_for_profile(const char *name, const char *profile,
                                    char error[SETTINGS_ERROR_SIZE]);

/* Prints the program's settings with type, default and help. */
void settings_help(const struct setting_use *uses, size_t count, FILE *out);

/* Sets up log.h from SHOTFLEET_LOG_LEVEL and SHOTFLEET_LOG_FORMAT, answers
 * --help and --version (exits 0), refuses other arguments (exits 2), loads the
 * settings (exits 2 with the error): the first step of every program's main. */
void settings_start(int argc, char **argv, const char *program,
                    const char *summary, const struct setting_use *uses,
                    size_t count, void *into);

/* Every setting of the catalogue, ended by name NULL; for docs and tests. */
const struct setting *settings_catalogue(void);

#endif
