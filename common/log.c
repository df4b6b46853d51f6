#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/json_escape.h"

enum {
    VALUE_MAX_BYTES =
        2048, /* of the message and of each field; the rest is cut */
    LINE_MAX_BYTES = 256 * 1024,
};

static struct {
    const char *program;
    enum log_level level;
    enum log_format format;
} state = { "shotfleet", LOG_LEVEL_INFO, LOG_FORMAT_TEXT };

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARNING] = "warning",
    [LOG_LEVEL_ERROR] = "error",
};

void log_init(const char *program, enum log_level level, enum log_format format)
{
    state.program = program;
    state.level = level;
    state.format = format;
}

int log_level_parse(const char *word, enum log_level *out)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (strcmp(word, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

int log_format_parse(const char *word, enum log_format *out)
{
    if (strcmp(word, "text") != 0 && strcmp(word, "json") != 0)
        return -1;
    *out = word[0] == 't' ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
    return 0;
}

static void put(struct buf *line, const char *s)
{
    if (buf_append_str(line, s) != 0)
        abort(); /* VALUE_MAX_BYTES and the few fields of a call bound it */
}

static void put_escaped(struct buf *line, const char *s)
{
    if (json_escape(line, s, VALUE_MAX_BYTES) != 0)
        abort(); /* likewise */
}

static bool needs_quotes(const char *s)
{
    return *s == '\0' || strpbrk(s, " =\"\\\n\r\t") != NULL;
}

static void put_text(struct buf *line, enum log_level level,
                     const struct log_field *fields, const char *message)
{
    put(line, " ");
    put(line, level_names[level]);
    put(line, " ");
    put(line, state.program);
    put(line, ": ");
    put_escaped(line, message);
    for (; fields && fields->name; fields++) {
        if (!fields->value)
            continue;
        put(line, " ");
        put(line, fields->name);
        put(line, needs_quotes(fields->value) ? "=\"" : "=");
        put_escaped(line, fields->value);
        put(line, needs_quotes(fields->value) ? "\"" : "");
    }
    put(line, "\n");
}

static void put_json_pair(struct buf *line, const char *name, const char *value)
{
    put(line, ",\"");
    put(line, name);
    put(line, "\":\"");
    put_escaped(line, value);
    put(line, "\"");
}

static void put_json(struct buf *line, enum log_level level,
                     const struct log_field *fields, const char *message)
{
    put_json_pair(line, "level", level_names[level]);
    put_json_pair(line, "program", state.program);
    put_json_pair(line, "message", message);
    for (; fields && fields->name; fields++) {
        if (fields->value)
            put_json_pair(line, fields->name, fields->value);
    }
    put(line, "}\n");
}

void log_write(enum log_level level, const struct log_field *fields,
               const char *fmt, ...)
{
    char time[CLOCK_TEXT_SIZE];
    char pid[24];
    char message[2048];
    struct buf line;
    va_list args;

    if (level < state.level)
        return;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    clock_format(clock_wall_ms(), time);

    buf_init(&line, LINE_MAX_BYTES);
    if (state.format == LOG_FORMAT_JSON) {
        snprintf(pid, sizeof pid, "\",\"pid\":%d", (int)getpid());
        put(&line, "{\"time\":\"");
        put(&line, time);
        put(&line, pid);
        put_json(&line, level, fields, message);
    } else {
        snprintf(pid, sizeof pid, " [%d]", (int)getpid());
        put(&line, time);
        put(&line, pid);
        put_text(&line, level, fields, message);
    }
    /* a log that cannot be written has nobody left to tell */
    if (line.data && write(STDERR_FILENO, line.data, line.len) < 0)
        line.len = 0;
    buf_release(&line);
}
