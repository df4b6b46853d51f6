#include "cli/help_text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"

void help_reader_init(struct help_reader *r, const char *help)
{
    *r = (struct help_reader){ .rest = help };
    buf_init(&r->text, HELP_TEXT_MAX_BYTES);
}

void help_reader_release(struct help_reader *r)
{
    buf_release(&r->text);
}

static size_t indent_of(const char *line)
{
    return strspn(line, " ");
}

/* Adds a line to the text, behind a space. */
static void add(struct help_reader *r, const char *ptr, size_t len)
{
    int rc = 0;

    if (r->text.len > 0 && len > 0)
        rc = buf_append(&r->text, " ", 1);
    rc |= buf_append(&r->text, ptr, len);
    assert(rc == 0); /* our own text, and short */
    (void)rc;
}

/* Splits an item's first line at its first two spaces.  Returns where the text
 * begins. */
static const char *take_tag(struct help_reader *r, const char *line, size_t len)
{
    const char *gap = memmem(line, len, "  ", 2);
    size_t tag_len = gap ? (size_t)(gap - line) : len;

    snprintf(r->tag, sizeof r->tag, "%.*s", (int)tag_len, line);
    return line + tag_len + strspn(line + tag_len, " ");
}

enum help_kind help_next(struct help_reader *r)
{
    enum help_kind kind = HELP_END;
    size_t first_indent = 0;

    buf_clear(&r->text);
    r->tag[0] = '\0';
    r->rest += strspn(r->rest, "\n");
    while (*r->rest && *r->rest != '\n') {
        size_t indent = indent_of(r->rest);
        const char *line = r->rest + indent;
        const char *end = line + strcspn(line, "\n");

        if (kind == HELP_END) {
            kind = indent > 0 ? HELP_ITEM : HELP_PARAGRAPH;
            first_indent = indent;
            if (kind == HELP_ITEM)
                line = take_tag(r, line, (size_t)(end - line));
        } else if (kind == HELP_ITEM ? indent <= first_indent : indent > 0) {
            break; /* the next one */
        }
        add(r, line, (size_t)(end - line));
        r->rest = *end ? end + 1 : end;
    }
    return kind;
}

char *help_option_name(const char *tag)
{
    const char *dashes = strstr(tag, "--");

    if (!dashes)
        return NULL;
    return mem_dup(dashes + 2, strcspn(dashes + 2, " =,["));
}
