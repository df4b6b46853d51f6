/* form.h - fields as the body of an HTML form.
 *
 * From a JSON object: a list is its items under one name, an object is sent as
 * JSON, null not at all.
 */
#ifndef FORM_H
#define FORM_H

struct json_object;

/* application/x-www-form-urlencoded; also what stands behind the ? of a URL. */
char *form_urlencode(struct json_object *fields);
/* multipart/form-data (RFC 7578).  `type`: the content type, with its boundary;
 * both are the caller's to free(). */
char *form_multipart(struct json_object *fields, char **type);

#endif
