/* profile_map.h - where things stand in a body: reading that part of a profile.
 *
 * Plumbing of profile.c and profile_parse.c; errors go to the fields' report.
 */
#ifndef PROFILE_MAP_H
#define PROFILE_MAP_H

#include "common/profile.h"
#include "common/profile_fields.h"

/* "body:PATH" or a list of them. */
void map_read_places(const struct fields *f, const char *name,
                     struct places *out);
/* The object "payload", which must be there. */
void map_read_payload(const struct fields *parent, struct payload_map *map);
void map_release(struct payload_map *map);

#endif
