/* Any text as the headers Range and Idempotency-Key: what is accepted lies
 * within its bounds. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/idempotency_key.h"
#include "api/range.h"
#include "common/mem.h"
#include "tests/fuzz/fuzz.h"

static void check_range(const char *text, size_t size)
{
    size_t first = 0, len = 0;

    if (range_parse(text, size, &first, &len) == RANGE_PART)
        assert(len > 0 && len <= size && first < size && first <= size - len);
    else
        assert(first == 0 && len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_dup((const char *)data, size);
    char key[IDEMPOTENCY_KEY_SIZE];

    check_range(text, 0);
    check_range(text, 1);
    check_range(text, 1000);
    check_range(text, SIZE_MAX);
    if (idempotency_key_parse(text, key) == 0)
        assert(strlen(key) >= 1 && strlen(key) <= IDEMPOTENCY_KEY_MAX);
    free(text);
    return 0;
}
