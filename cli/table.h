/* table.h - rows of a query as a table.
 *
 * On a terminal with a head and aligned columns; elsewhere lines with tabs, and
 * "-" for what is not there.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdio.h>

#include "cli/database.h"

/* `heads`: a name for each column of `rows`; those that begin with '<' stand
 * left, the others right. */
void table_print(FILE *out, const struct rows *rows, const char *const *heads,
                 size_t columns);

#endif
