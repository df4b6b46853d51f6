/* emulation.h - making a tab look like the visitor that the options describe.
 */
#ifndef EMULATION_H
#define EMULATION_H

#include "capture/shot_options.h"
#include "capture/tab.h"

/* Sends everything that Chromium cannot refuse; it takes effect before any call
 * that is sent later. */
void emulate(struct tab *t, const struct shot_options *o);

#endif
