/* picture.h - saving a completed capture's picture as FOLDER/ID.ext. */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include "cli/service.h"

struct json_object;

/* Makes the folder if it is missing (not its parents).  -1 with a complaint. */
MUST_USE int picture_folder(const char *folder);
/* The file is whole or not there.  -1 with a complaint. */
MUST_USE int picture_save(struct service *s, struct json_object *document,
                          const char *folder);

#endif
