/* option_reader.h - reading one JSON object's members with their bounds.
 *
 * The first thing that is wrong is kept in the reader and makes all further
 * reading do nothing, so that a list of reads needs one check at its end.
 */
#ifndef OPTION_READER_H
#define OPTION_READER_H

#include "capture/failure.h"
#include "common/base.h"

struct json_object;

struct option_reader {
    struct json_object *root;
    const char *prefix; /* "viewport." in front of the names in messages */
    struct fault *fault;
};

/* Each leaves `*out` alone when the member is absent or null; the value must be
 * of the right type and within the bounds, which are inclusive. */
void read_number(struct option_reader *r, const char *name, int64_t min,
                 int64_t max, int64_t *out);
void read_real(struct option_reader *r, const char *name, double min,
               double max, double *out);
void read_switch(struct option_reader *r, const char *name, bool *out);
/* A copy; "" counts as absent. */
void read_text(struct option_reader *r, const char *name, size_t max_bytes,
               char **out);
/* A reader of the object that is the member `name`; false when there is none.
 */
bool read_object(struct option_reader *r, const char *name,
                 struct option_reader *out);
/* An array of at most `max` members; NULL when absent. */
struct json_object *read_list(struct option_reader *r, const char *name,
                              size_t max);

PRINTF_LIKE(3, 4)
void refuse_option(struct option_reader *r, const char *name, const char *fmt,
                   ...);
bool reader_is_fine(const struct option_reader *r);

#endif
