#include "cli/table.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"

enum { COLUMNS_MAX = 24 };

static const char *text(const struct rows *rows, size_t row, size_t column)
{
    const char *value = rows_value(rows, row, column);

    return value && *value ? value : "-";
}

/* Of characters, in UTF-8. */
static int width_of(const char *s)
{
    int width = 0;

    for (; *s; s++)
        width += ((unsigned char)*s & 0xc0) != 0x80;
    return width;
}

static void put(FILE *out, const char *value, int width, bool left, bool last)
{
    int pad = width - width_of(value);

    if (!left)
        fprintf(out, "%*s", pad, "");
    output_safely(out, value);
    if (last)
        fputc('\n', out);
    else
        fprintf(out, "%*s", (left ? pad : 0) + 2, "");
}

static void print_plain(FILE *out, const struct rows *rows, size_t columns)
{
    for (size_t row = 0; row < rows_count(rows); row++) {
        for (size_t c = 0; c < columns; c++) {
            output_safely(out, text(rows, row, c));
            fputc(c + 1 < columns ? '\t' : '\n', out);
        }
    }
}

void table_print(FILE *out, const struct rows *rows, const char *const *heads,
                 size_t columns)
{
    int widths[COLUMNS_MAX];

    assert(columns <= COLUMNS_MAX);
    if (isatty(fileno(out)) != 1) {
        print_plain(out, rows, columns);
        return;
    }
    for (size_t c = 0; c < columns; c++) {
        widths[c] = width_of(heads[c]) - (heads[c][0] == '<');
        for (size_t row = 0; row < rows_count(rows); row++) {
            if (width_of(text(rows, row, c)) > widths[c])
                widths[c] = width_of(text(rows, row, c));
        }
    }
    for (size_t c = 0; c < columns; c++)
        put(out, heads[c] + (heads[c][0] == '<'), widths[c], heads[c][0] == '<',
            c + 1 == columns);
    for (size_t row = 0; row < rows_count(rows); row++) {
        for (size_t c = 0; c < columns; c++)
            put(out, text(rows, row, c), widths[c], heads[c][0] == '<',
                c + 1 == columns);
    }
}
