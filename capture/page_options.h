/* page_options.h - the options that are lists and objects of their own. */
#ifndef PAGE_OPTIONS_H
#define PAGE_OPTIONS_H

#include "capture/option_reader.h"
#include "capture/shot_options.h"

/* An object of names and texts, none of which are about the connection; owned
 * by the caller, NULL when absent. */
void read_headers(struct option_reader *r, struct json_object **out);
/* A list as Network.setCookies wants it.  A cookie without a domain belongs to
 * `url`. */
void read_cookies(struct option_reader *r, const char *url,
                  struct json_object **out);
/* A list of texts. */
void read_selectors(struct option_reader *r, const char *name,
                    struct json_object **out);
void read_pdf(struct option_reader *r, struct shot_pdf *out);

#endif
