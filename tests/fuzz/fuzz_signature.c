/* Any header for every layout: it is never accepted without the key, and what
 * is made for any texts is accepted.
 *
 * Input: a byte that chooses the dialect, then the header, a newline, the
 * timestamp, a newline, the body. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/signature.h"
#include "tests/fuzz/fuzz.h"

static const struct signature_scheme schemes[] = {
    { .layout = SIGNATURE_PLAIN,
      .template = "{timestamp}.{body}",
      .unit = TIMESTAMP_MILLISECONDS },
    { .layout = SIGNATURE_PLAIN,
      .algorithm = SIGNATURE_SHA512,
      .encoding = SIGNATURE_BASE64,
      .template = "{body}" },
    { .layout = SIGNATURE_PREFIX,
      .algorithm = SIGNATURE_SHA1,
      .prefix = "sha1=",
      .template = "{body}" },
    { .layout = SIGNATURE_COMPOSITE,
      .key_name = "sha256",
      .timestamp_key = "t",
      .template = "{timestamp}.{body}",
      .unit = TIMESTAMP_SECONDS },
    { .layout = SIGNATURE_LIST,
      .encoding = SIGNATURE_BASE64,
      .prefix = "v1",
      .template = "{id}.{timestamp}.{body}",
      .unit = TIMESTAMP_ISO8601 },
};

/* The text up to a newline or a NUL, NUL-terminated; *data moves behind it. */
static char *take_line(const uint8_t **data, size_t *size)
{
    size_t len = 0;
    char *line = NULL;

    while (len < *size && (*data)[len] != '\n' && (*data)[len] != '\0')
        len++;
    line = mem_dup((const char *)*data, len);
    len += len < *size;
    *data += len;
    *size -= len;
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* nobody who sends bytes here knows it */
    struct secret key = { "\x93\x1c\xf0 unguessable", 15, NULL };
    struct secrets keys = { &key, 1 };
    const struct signature_scheme *scheme = NULL;
    struct signature_input input = { .id = "msg_1" };
    enum signature_verdict verdict = SIGNATURE_FINE;
    char *header = NULL;
    char *timestamp = NULL;
    int64_t sent_ms = 0;

    if (size == 0)
        return 0;
    scheme = &schemes[data[0] % ARRAY_LEN(schemes)];
    data++;
    size--;
    header = take_line(&data, &size);
    timestamp = take_line(&data, &size);
    input.signature = header;
    input.timestamp = timestamp;
    input.body = (const char *)data;
    input.body_len = size;

    verdict = signature_verify(scheme, &keys, &input, INT64_C(1700000000000),
                               300000, 60000, NULL);
    assert(verdict == SIGNATURE_WRONG || verdict == SIGNATURE_MALFORMED ||
           verdict == SIGNATURE_NO_TIMESTAMP);
    free(header);

    header = signature_make(scheme, &key, input.id, timestamp, input.body,
                            input.body_len);
    input.signature = header;
    /* within a composite header the time cannot be just any text */
    if (timestamp_parse(timestamp, scheme->unit, &sent_ms) == 0 ||
        scheme->unit == TIMESTAMP_NONE) {
        verdict = signature_verify(scheme, &keys, &input, sent_ms, 0, 0, NULL);
        assert(verdict == SIGNATURE_FINE);
    }
    free(header);
    free(timestamp);
    return 0;
}
