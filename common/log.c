#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"

enum { LINE_MAX_BYTES = 4096 };

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

/* Every append below may find the line full; the line is then cut there, which
 * is what a log line should do. */
static void put(struct buf *line, const char *s)
{
    size_t len = strlen(s);
    size_t room = line->max - line->len;

    if (buf_append(line, s, len < room ? len : room) != 0)
        return;
}

/* JSON string escapes; they read well in the text form too. */
static void put_escaped(struct buf *line, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        char escape[sizeof "\\u0000"];

        if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c == '\n')
            snprintf(escape, sizeof escape, "\\n");
        else if (c < 0x20 || c == 0x7f)
            snprintf(escape, sizeof escape, "\\u%04x", c);
        else
            snprintf(escape, sizeof escape, "%c", c);
        put(line, escape);
    }
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
        line.max += 2;
        put(&line, "}\n");
    } else {
        snprintf(pid, sizeof pid, " [%d]", (int)getpid());
        put(&line, time);
        put(&line, pid);
        put_text(&line, level, fields, message);
        line.max += 1;
        put(&line, "\n");
    }
    /* a log that cannot be written has nobody left to tell */
    if (line.data && write(STDERR_FILENO, line.data, line.len) < 0)
        line.len = 0;
    buf_release(&line);
}
