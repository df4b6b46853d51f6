/* dead_arguments.h - the command line of `shotfleet dead`: what to do, with
 * which dead letters. */
#ifndef CLI_DEAD_ARGUMENTS_H
#define CLI_DEAD_ARGUMENTS_H

#include "cli/cli.h"
#include "common/buf.h"

enum dead_action { DEAD_LIST, DEAD_SHOW, DEAD_RETRY, DEAD_DROP };

struct dead_arguments {
    enum dead_action action;
    struct buf ids;       /* as a PostgreSQL array; empty: not given */
    const char *provider; /* NULL: any; so are the next two */
    const char *job;
    const char *error;
    bool all;
    bool dry_run;
};

/* CLI_FINE, or CLI_REFUSED with a complaint.  Release in either case. */
MUST_USE int dead_arguments_parse(struct dead_arguments *a, int argc,
                                  char **argv);
void dead_arguments_release(struct dead_arguments *a);

#endif
