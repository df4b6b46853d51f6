/* page_script.h - the scripts that a shot runs inside a page.
 *
 * They run in a world of their own: same document, but none of the page's
 * variables and overridden functions.
 */
#ifndef PAGE_SCRIPT_H
#define PAGE_SCRIPT_H

#include "capture/shot_options.h"

/* Adds css, hides, scrolls, waits for the selector.  Resolves to {}, or to
 * {bad: SELECTOR} for one that is no selector.  The caller frees it. */
char *page_script_arrange(const struct shot_options *o);
bool page_script_arrange_needed(const struct shot_options *o);

/* Where the element is: {x, y, width, height} in the page's CSS pixels,
 * {missing: true} or {bad: SELECTOR}.  The caller frees it. */
char *page_script_find(const char *selector);

#endif
