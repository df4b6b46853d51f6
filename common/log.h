/* log.h - one line per event, for a tired operator and for a machine.
 *
 * A failure is logged once, where it stops travelling, in the form
 * `could not <do> <thing "name">: <reason>`.  Context goes into fields, never
 * into the text.  Bytes from outside are escaped here, so that nobody can forge
 * a line.  Secrets and bodies are never logged.
 *
 * This is the one module with process-wide state: a log line must be possible
 * everywhere.
 *
 *     log_error(LOG_WITH({ "job", id }), "could not store picture: %s", why);
 *     log_info(NULL, "ready");
 *
 * Lines go to standard error in one write() each.
 */
#ifndef LOG_H
#define LOG_H

#include "common/base.h"

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ERROR
};

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *name;
    const char *value; /* NULL: the field is left out */
};

#define LOG_WITH(...)                                                          \
    ((const struct log_field[]){ __VA_ARGS__, { NULL, NULL } })

/* `program` is borrowed for the life of the process. */
void log_init(const char *program, enum log_level level,
              enum log_format format);
/* "debug info warning error" / "text json"; -1 for any other word. */
MUST_USE int log_level_parse(const char *word, enum log_level *out);
MUST_USE int log_format_parse(const char *word, enum log_format *out);

PRINTF_LIKE(3, 4)
void log_write(enum log_level level, const struct log_field *fields,
               const char *fmt, ...);

#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
