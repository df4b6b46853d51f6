/* Any bytes as the head of a request to the filter proxy: what is passed on is
 * one request, to the host that was judged. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture/proxy_request.h"
#include "common/mem.h"
#include "tests/fuzz/fuzz.h"

/* No second request hides behind an early empty line. */
static void check_head(const struct proxy_request *r)
{
    const char *end = strstr(r->head.data, "\r\n\r\n");

    assert(strlen(r->head.data) == r->head.len);
    assert(end && end + 4 == r->head.data + r->head.len);
    for (size_t i = 0; i < r->head.len; i++) {
        if (r->head.data[i] == '\n')
            assert(i > 0 && r->head.data[i - 1] == '\r');
        if (r->head.data[i] == '\r')
            assert(r->head.data[i + 1] == '\n');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *head = mem_dup((const char *)data, size);
    struct proxy_request r;
    const char *why = NULL;

    if (proxy_request_parse(&r, head, size, &why) == 0) {
        assert(r.host[0] != '\0' && strlen(r.host) < sizeof r.host);
        assert(r.port != 0 && r.body_bytes >= 0);
        if (r.tunnel)
            assert(r.head.len == 0);
        else
            check_head(&r);
    } else {
        assert(why);
    }
    proxy_request_release(&r);
    free(head);
    return 0;
}
