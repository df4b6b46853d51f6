/* output.h - how results look.
 *
 * A terminal gets colours (unless NO_COLOR is set or TERM is dumb); anything
 * else gets tab-separated lines, sizes in bytes, "-" for what is not there.
 * Text from outside has its control characters taken out first.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdio.h>

#include "common/base.h"

struct json_object;

struct output {
    FILE *out;
    const char *base; /* of picture URLs */
    bool terminal;
    bool colour;
    bool json; /* one document a line instead */
};

void output_init(struct output *o, FILE *out, const char *base, bool json);

/* A capture's document: id, status, dimensions, bytes, picture URL or "CODE:
 * message", page. */
void output_capture(const struct output *o, struct json_object *document);
/* The same in a table, a line each. */
void output_row(const struct output *o, struct json_object *document);
/* The same for a URL that never became a capture. */
void output_refusal(const struct output *o, const char *url, const char *code,
                    const char *reason);

/* "up" or "down". */
void output_state(const struct output *o, bool up);

/* Without control characters (C0, DEL, C1); one line. */
void output_safely(FILE *out, const char *text);

#endif
