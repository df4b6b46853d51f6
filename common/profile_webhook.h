/* profile_webhook.h - the part of a profile that says who may call, and what a
 * call says.
 *
 * Plumbing of profile_parse.c; errors go to the fields' report.
 */
#ifndef PROFILE_WEBHOOK_H
#define PROFILE_WEBHOOK_H

#include "common/profile.h"
#include "common/profile_fields.h"

/* The object "webhook", which must be there. */
void webhook_read(const struct fields *root, struct profile *p);

#endif
