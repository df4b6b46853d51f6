/* submit_arguments.h - the command line of `shotfleet submit`. */
#ifndef CLI_SUBMIT_ARGUMENTS_H
#define CLI_SUBMIT_ARGUMENTS_H

#include "common/base.h"

struct json_object;

struct submit_arguments {
    struct json_object *body; /* the options; each URL is put in beside them */
    const char *folder;       /* for pictures; NULL: they are not fetched */
    bool wait;
    bool json;
    long timeout_s;
    char **urls;
    size_t count;
};

/* -1 with a complaint made; release in either case. */
MUST_USE int submit_arguments_parse(struct submit_arguments *a, int argc,
                                    char **argv);
void submit_arguments_release(struct submit_arguments *a);

#endif
