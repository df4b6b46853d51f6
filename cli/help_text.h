/* help_text.h - reading what a command's help says.
 *
 * The help of a command is written for people, in a fixed shape, so that the
 * completions of shells and the manual page are made from the same words:
 *
 *     a paragraph at the margin
 *
 *       -o, --output DIR  an item: its tag, then at least two spaces and what
 *                         it means, which goes on on deeper lines
 *
 * Pure; texts are borrowed from the command.
 */
#ifndef CLI_HELP_TEXT_H
#define CLI_HELP_TEXT_H

#include "common/buf.h"

enum help_kind { HELP_END, HELP_PARAGRAPH, HELP_ITEM };

enum { HELP_TEXT_MAX_BYTES = 16 * 1024, HELP_TAG_SIZE = 64 };

struct help_reader {
    const char *rest;
    char tag[HELP_TAG_SIZE]; /* of an item */
    struct buf text;         /* in one line, NUL-terminated */
};

void help_reader_init(struct help_reader *r, const char *help);
void help_reader_release(struct help_reader *r);
/* The next one; `tag` and `text` hold until the one after. */
enum help_kind help_next(struct help_reader *r);

/* The option's long name in a tag, without dashes; NULL when there is none. */
MUST_USE char *help_option_name(const char *tag);

#endif
