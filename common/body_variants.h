/* body_variants.h - what a body may have been before something on its way
 * changed it.
 *
 * A signature is over bytes.  A proxy or framework that adds a newline, or
 * reads JSON and writes it anew, breaks it.  This makes the bodies that such a
 * thing may have started from, for diagnosis.h to try.
 */
#ifndef BODY_VARIANTS_H
#define BODY_VARIANTS_H

#include "common/base.h"

size_t body_variant_count(void);
/* Variant `i` of the body, NUL-terminated, the caller frees; NULL when it makes
 * no sense for this body or is the body itself. */
char *body_variant(size_t i, const char *body, size_t body_len,
                   size_t *variant_len);
/* What has happened to the body if variant `i` is what was signed: "a newline
 * was added at its end". */
const char *body_variant_text(size_t i);

#endif
