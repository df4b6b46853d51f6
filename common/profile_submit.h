/* profile_submit.h - the part of a profile that says how a capture is asked
 * for.
 *
 * Plumbing of profile_parse.c; errors go to the fields' report.
 */
#ifndef PROFILE_SUBMIT_H
#define PROFILE_SUBMIT_H

#include "common/profile.h"
#include "common/profile_fields.h"

/* The object "submit", which may be absent. */
void submit_read(const struct fields *root, struct profile *p);
void submit_release(struct profile *p);

#endif
