/* Any bytes as the body of a capture request: what was accepted is in bounds.
 */
#include <assert.h>
#include <stdlib.h>

#include "capture/shot_options.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tests/fuzz/fuzz.h"

enum { TIMEOUT_MS = 30000 };

static void check(const struct shot_options *o)
{
    assert(!o->url != !o->html);
    assert(o->format != IMAGE_UNKNOWN);
    assert(o->quality >= 0 && o->quality <= 100);
    assert(o->width >= 320 && o->width <= 3840);
    assert(o->height >= 240 && o->height <= 3840);
    assert(o->device_scale_factor >= 1 && o->device_scale_factor <= 3);
    assert(o->delay_ms >= 0 && o->delay_ms <= 10000);
    assert(o->timeout_ms > 0 && o->timeout_ms <= LIMIT_CAPTURE_MS);
    if (o->has_position)
        assert(o->latitude >= -90 && o->latitude <= 90 &&
               o->longitude >= -180 && o->longitude <= 180);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *body = mem_dup((const char *)data, size);
    struct shot_options o;
    struct fault fault = { 0 };

    if (shot_options_parse(&o, body, size, TIMEOUT_MS, &fault) == 0)
        check(&o);
    else
        assert(fault.failure != FAILURE_NONE && fault.message[0]);
    shot_options_release(&o);
    free(body);
    return 0;
}
