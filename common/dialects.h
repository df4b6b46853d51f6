/* dialects.h - in which dialect is this signature right?
 *
 * The search behind diagnosis.h: tries signature schemes, forms of a key and
 * changes of a body, and says what fits.  Knows no time and no URL.
 */
#ifndef DIALECTS_H
#define DIALECTS_H

#include "common/webhook.h"

/* Is the signature right, whatever the time?  `key` (may be NULL) gets which
 * secret it was. */
bool dialect_fits(const struct signature_scheme *scheme,
                  const struct secrets *secrets,
                  const struct signature_input *in, size_t *key);

/* Likewise for a whole request by the terms' profile, which must be one of
 * WEBHOOK_HMAC. */
bool dialect_is_spoken(const struct webhook_terms *terms,
                       const struct webhook_request *r);

/* What is different about the key ("it is to be decoded …"), NULL when no form
 * of it fits. */
const char *dialect_key_form(const struct signature_scheme *scheme,
                             const struct secret *key,
                             const struct signature_input *in);

/* What has happened to the body (body_variants.h), NULL when no change fits. */
const char *dialect_body_change(const struct signature_scheme *scheme,
                                const struct secrets *secrets,
                                const struct signature_input *in);

/* Goes through the dialects that are usual.  `found` gets the one that fits,
 * `named` a profile that signs so, or NULL. */
enum { DIALECT_TEXT_SIZE = 128 };
bool dialect_search(const struct signature_scheme *scheme,
                    const struct secrets *secrets,
                    const struct signature_input *in,
                    const struct profiles *profiles,
                    char found[DIALECT_TEXT_SIZE],
                    const struct profile **named);

#endif
