/* submit_arguments.h - the command line of `shotfleet submit`. */
#ifndef CLI_SUBMIT_ARGUMENTS_H
#define CLI_SUBMIT_ARGUMENTS_H

#include "cli/wishes.h"

struct submit_arguments {
    struct json_object *options; /* of all captures */
    const char *folder;          /* for pictures; NULL: they are not fetched */
    const char *file;            /* of URLs; "-": standard input; or NULL */
    bool wait;
    bool json;
    long timeout_s;
    struct wishes wishes;
};

/* Reads the file, too.  -1 with a complaint made; release in either case. */
MUST_USE int submit_arguments_parse(struct submit_arguments *a, int argc,
                                    char **argv);
void submit_arguments_release(struct submit_arguments *a);

#endif
