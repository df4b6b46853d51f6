/* page.h - the page at /, and the demo page that a first capture shows.
 *
 * Both are compiled into the program and come from nowhere else.
 */
#ifndef API_PAGE_H
#define API_PAGE_H

#include "api/exchange.h"
#include "common/embedded.h"

extern const struct embedded demo_files[]; /* demo/ */

/* GET / and GET /page/{file} */
void page_get(struct exchange *x);
/* GET /demo/ and GET /demo/{file} */
void page_demo_get(struct exchange *x);
/* GET /demo */
void page_demo_redirect(struct exchange *x);

#endif
