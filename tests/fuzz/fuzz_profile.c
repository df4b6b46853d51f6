/* Any bytes as a profile: refused with a reason, or fit for use. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/profile.h"
#include "tests/fuzz/fuzz.h"

/* What ingest and the worker rely on. */
static void use(const struct profile *p)
{
    static const char body[] = "{\"status\":\"done\",\"url\":\"http://x/\"}";
    static const struct event_source source = { body, sizeof body - 1,
                                                "application/json", NULL };
    struct event e;
    char error[256] = "";

    assert(p->name && *p->name);
    if (p->webhook.auth == WEBHOOK_HMAC) {
        struct secret key = { "key", 3, NULL };
        struct secrets keys = { &key, 1 };
        bool composite = p->webhook.scheme.layout == SIGNATURE_COMPOSITE;
        struct signature_input input = { NULL, "1700000000", "id", body,
                                         sizeof body - 1 };
        char *made =
            signature_make(&p->webhook.scheme, &key, input.id, input.timestamp,
                           input.body, input.body_len);
        enum signature_verdict verdict;

        input.signature = made;
        verdict = signature_verify(&p->webhook.scheme, &keys, &input,
                                   INT64_C(1700000000000), 0, 0, NULL);
        assert(p->webhook.signature_header);
        /* names may hold what the layout splits at; then it is malformed */
        assert(verdict != SIGNATURE_WRONG || composite ||
               p->webhook.scheme.layout == SIGNATURE_LIST);
        free(made);
    }
    if (p->webhook.auth == WEBHOOK_STATIC_HEADER)
        assert(p->webhook.static_header);
    if (p->submit.base_url)
        assert(p->submit.method && p->submit.path && p->submit.url_field &&
               (!profile_webhook_is_fixed(p) || p->answer.job_id.count > 0));
    if (p->status.path)
        assert(p->submit.base_url && strstr(p->status.path, "{id}"));
    assert(event_parse(&e, &p->webhook.payload, &source, error, sizeof error) ==
           0);
    event_release(&e);
    profile_retryable(p, "TIMEOUT", 500);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct profile p;
    char error[512] = "";

    if (profile_parse(&p, "fuzz.json", (const char *)data, size, error,
                      sizeof error) == 0) {
        use(&p);
        profile_release(&p);
    } else {
        assert(strncmp(error, "fuzz.json: ", 11) == 0);
        assert(!p.document);
    }
    return 0;
}
