/* ca_file.h - certificates of authorities that are trusted besides the
 * system's.
 *
 * The file of SHOTFLEET_CA_FILE: PEM, one certificate or many.
 */
#ifndef CA_FILE_H
#define CA_FILE_H

#include "common/settings.h"

/* Is there at least one certificate in it?  "" is fine: there is no such file.
 * On -1 `error` holds one line. */
MUST_USE int ca_file_check(const char *path, char error[SETTINGS_ERROR_SIZE]);

#endif
