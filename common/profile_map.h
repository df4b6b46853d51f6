/* profile_map.h - where things stand in a body: reading that part of a profile.
 *
 * Plumbing of profile.c and profile_parse.c; errors go to the fields' report.
 */
#ifndef PROFILE_MAP_H
#define PROFILE_MAP_H

#include "common/profile.h"
#include "common/profile_fields.h"

/* "body:PATH", and, where the `outside` of the body will do, "header:NAME" and
 * "query:NAME"; one or a list of them. */
void map_read_places(const struct fields *f, const char *name, bool outside,
                     struct places *out);
/* The object "payload", which must be there: that of a webhook, which has
 * headers and a query, or of a status answer. */
void map_read_payload(const struct fields *parent, bool webhook,
                      struct payload_map *map);
/* Each list of places in it, in turn. */
size_t map_list_count(void);
struct places *map_list(struct payload_map *map, size_t i);
void map_release(struct payload_map *map);

#endif
