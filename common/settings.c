#include "common/settings.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "common/mem.h"

extern char **environ;

enum { SECRET_FILE_MAX_BYTES = 64 * 1024 };

/* Settings that may carry a profile's name behind an underscore. */
static const char *const per_profile[] = {
    "SHOTFLEET_WEBHOOK_SECRETS",
    "SHOTFLEET_RETIRED_SECRETS",
    "SHOTFLEET_PROVIDER_KEY",
    "SHOTFLEET_PROVIDER_URL",
};

static const struct setting *find(const char *name, size_t len)
{
    for (const struct setting *s = settings_catalogue(); s->name; s++) {
        if (strlen(s->name) == len && memcmp(s->name, name, len) == 0)
            return s;
    }
    return NULL;
}

static bool is_per_profile(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(per_profile); i++) {
        size_t stem = strlen(per_profile[i]);

        if (len > stem + 1 && memcmp(name, per_profile[i], stem) == 0 &&
            name[stem] == '_')
            return true;
    }
    return false;
}

static bool is_text(const struct setting *s)
{
    return s->type == SETTING_TEXT || s->type == SETTING_SECRET ||
           s->type == SETTING_LIST;
}

static bool may_be_file(const struct setting *s)
{
    return s->type == SETTING_SECRET || s->type == SETTING_LIST;
}

static bool is_known(const char *name, size_t len)
{
    static const char suffix[] = "_FILE";
    size_t suffix_len = sizeof suffix - 1;
    const struct setting *s;

    if (find(name, len) || is_per_profile(name, len))
        return true;
    if (len <= suffix_len ||
        memcmp(name + len - suffix_len, suffix, suffix_len) != 0)
        return false;
    s = find(name, len - suffix_len);
    return s && may_be_file(s);
}

static int check_names(char error[SETTINGS_ERROR_SIZE])
{
    static const char prefix[] = "SHOTFLEET_";

    for (char **e = environ; e && *e; e++) {
        size_t len = strcspn(*e, "=");

        if (strncmp(*e, prefix, sizeof prefix - 1) != 0 || is_known(*e, len))
            continue;
        snprintf(error, SETTINGS_ERROR_SIZE,
                 "unknown setting %.*s; --help lists the settings",
                 (int)(len < 100 ? len : 100), *e);
        return -1;
    }
    return 0;
}

/* The file's text without the line's end; NULL with `error`. */
static char *read_secret(const char *name, const char *path,
                         char error[SETTINGS_ERROR_SIZE])
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = fopen(path, "re");

    if (!f) {
        snprintf(error, SETTINGS_ERROR_SIZE,
                 "%s_FILE: could not open \"%s\": %s", name, path,
                 strerror(errno));
        return NULL;
    }
    text = mem_alloc(SECRET_FILE_MAX_BYTES + 1);
    len = fread(text, 1, SECRET_FILE_MAX_BYTES + 1, f);
    if (ferror(f) || len > SECRET_FILE_MAX_BYTES) {
        snprintf(error, SETTINGS_ERROR_SIZE,
                 "%s_FILE: could not read \"%s\": %s", name, path,
                 ferror(f) ? strerror(errno) : "larger than 64 KiB");
        free(text);
        text = NULL;
    } else {
        while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
            len--;
        text[len] = '\0';
    }
    fclose(f);
    return text;
}

/* From the environment or NAME_FILE; *out stays NULL when neither is set. */
static int read_text(const char *name, bool secret, char **out,
                     char error[SETTINGS_ERROR_SIZE])
{
    const char *value = getenv(name);
    const char *path = NULL;
    char *file_name = NULL;

    if (secret) {
        file_name = mem_format("%s_FILE", name);
        path = getenv(file_name);
        free(file_name);
    }
    if (value && path) {
        snprintf(error, SETTINGS_ERROR_SIZE,
                 "%s and %s_FILE are both set; unset one of them", name, name);
        return -1;
    }
    if (path) {
        *out = read_secret(name, path, error);
        return *out ? 0 : -1;
    }
    *out = mem_strdup_or_null(value);
    return 0;
}

static int64_t unit_of(const struct setting *s, const char *suffix)
{
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = {
        { "", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 }
    };

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(suffix, units[i].suffix) == 0)
            return i == 0 || s->type == SETTING_BYTES ? units[i].factor : 0;
    }
    return 0;
}

static int parse_number(const struct setting *s, const char *text, int64_t *out,
                        char error[SETTINGS_ERROR_SIZE])
{
    char *end = NULL;
    int64_t unit;

    errno = 0;
    *out = strtoll(text, &end, 10);
    unit = unit_of(s, end);
    if (errno == 0 && end != text && !isspace((unsigned char)*text) &&
        unit > 0 && !__builtin_mul_overflow(*out, unit, out) &&
        *out >= s->min && *out <= s->max)
        return 0;
    snprintf(error, SETTINGS_ERROR_SIZE,
             "%s=\"%.100s\" is not %s from %" PRId64 " to %" PRId64, s->name,
             text, s->type == SETTING_BYTES ? "a size in bytes" : "a number",
             s->min, s->max);
    return -1;
}

static int parse_switch(const struct setting *s, const char *text, bool *out,
                        char error[SETTINGS_ERROR_SIZE])
{
    static const char *const words[][2] = {
        { "0", "1" }, { "no", "yes" }, { "off", "on" }, { "false", "true" }
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        for (int value = 0; value < 2; value++) {
            if (strcasecmp(text, words[i][value]) == 0) {
                *out = value;
                return 0;
            }
        }
    }
    snprintf(error, SETTINGS_ERROR_SIZE, "%s=\"%.100s\" is neither on nor off",
             s->name, text);
    return -1;
}

static int load_one(const struct setting *s, void *field,
                    char error[SETTINGS_ERROR_SIZE])
{
    char *text = NULL;
    int rc = 0;

    if (read_text(s->name, may_be_file(s), &text, error) != 0)
        return -1;
    if (!text)
        text = mem_strdup(s->fallback ? s->fallback : "");
    switch (s->type) {
    case SETTING_TEXT:
    case SETTING_SECRET:
        *(char **)field = text;
        return 0;
    case SETTING_LIST:
        for (char *c = text; *c; c++)
            *c = *c == '\n' ? ',' : *c;
        *(char **)field = text;
        return 0;
    case SETTING_NUMBER:
    case SETTING_BYTES:
        rc = parse_number(s, text, field, error);
        break;
    case SETTING_SWITCH:
        rc = parse_switch(s, *text ? text : "off", field, error);
        break;
    }
    free(text);
    return rc;
}

static const struct setting *must_find(const char *name)
{
    const struct setting *s = find(name, strlen(name));

    assert(s);
    return s;
}

int settings_load(const struct setting_use *uses, size_t count, void *into,
                  char error[SETTINGS_ERROR_SIZE])
{
    if (check_names(error) != 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (load_one(must_find(uses[i].name), (char *)into + uses[i].offset,
                     error) != 0)
            return -1;
    }
    return 0;
}

void settings_release(const struct setting_use *uses, size_t count, void *into)
{
    for (size_t i = 0; i < count; i++) {
        const struct setting *s = must_find(uses[i].name);
        char **text = (char **)(void *)((char *)into + uses[i].offset);

        if (!is_text(s))
            continue;
        if (*text && s->type == SETTING_SECRET)
            explicit_bzero(*text, strlen(*text));
        free(*text);
        *text = NULL;
    }
}

char *settings_for_profile(const char *name, const char *profile,
                           char error[SETTINGS_ERROR_SIZE])
{
    const struct setting *s = must_find(name);
    bool secret = s->type == SETTING_SECRET;
    char *own = mem_format("%s_%s", name, profile);
    char *text = NULL;
    int rc;

    for (char *c = own + strlen(name); *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    rc = read_text(own, secret, &text, error);
    if (rc == 0 && !text)
        rc = read_text(name, secret, &text, error);
    free(own);
    if (rc != 0)
        return NULL;
    return text ? text : mem_strdup(s->fallback ? s->fallback : "");
}

static void help_one(const struct setting *s, FILE *out)
{
    fprintf(out, "  %s%s\n      %s", s->name,
            may_be_file(s) ? " (also NAME_FILE)" : "", s->help);
    if (s->type == SETTING_NUMBER || s->type == SETTING_BYTES)
        fprintf(out, " [%" PRId64 "..%" PRId64 "]", s->min, s->max);
    if (s->fallback)
        fprintf(out, " (default %s)", s->fallback);
    fputc('\n', out);
}

void settings_help(const struct setting_use *uses, size_t count, FILE *out)
{
    fputs("Settings, from the environment:\n", out);
    for (size_t i = 0; i < count; i++)
        help_one(must_find(uses[i].name), out);
    help_one(must_find("SHOTFLEET_LOG_LEVEL"), out);
    help_one(must_find("SHOTFLEET_LOG_FORMAT"), out);
}

static void start_log(const char *program)
{
    const char *level_word = getenv("SHOTFLEET_LOG_LEVEL");
    const char *format_word = getenv("SHOTFLEET_LOG_FORMAT");
    enum log_level level = LOG_LEVEL_INFO;
    enum log_format format = LOG_FORMAT_TEXT;
    int bad_level = level_word && log_level_parse(level_word, &level) != 0;
    int bad_format = format_word && log_format_parse(format_word, &format) != 0;

    log_init(program, level, format);
    if (bad_level)
        log_error(NULL,
                  "SHOTFLEET_LOG_LEVEL=\"%s\" is not debug, info, warning or "
                  "error",
                  level_word);
    if (bad_format)
        log_error(NULL, "SHOTFLEET_LOG_FORMAT=\"%s\" is not text or json",
                  format_word);
    if (bad_level || bad_format)
        exit(EXIT_CONFIG);
}

void settings_start(int argc, char **argv, const char *program,
                    const char *summary, const struct setting_use *uses,
                    size_t count, void *into)
{
    char error[SETTINGS_ERROR_SIZE] = "";

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", program, SHOTFLEET_VERSION);
        exit(0);
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("usage: %s [--help | --version]\n\n%s\n\n", program, summary);
        settings_help(uses, count, stdout);
        exit(0);
    }
    start_log(program);
    if (argc > 1) {
        log_error(NULL, "unexpected argument \"%s\"; %s --help tells more",
                  argv[1], program);
        exit(EXIT_CONFIG);
    }
    if (settings_load(uses, count, into, error) != 0) {
        log_error(NULL, "%s", error);
        exit(EXIT_CONFIG);
    }
}
