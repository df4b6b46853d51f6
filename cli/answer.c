#include "cli/answer.h"

#include <json-c/json.h>

#include "common/json.h"

struct json_object *answer_of(const struct service *s)
{
    char error[64];
    size_t len;
    const char *body = service_body(s, &len);
    struct json_object *answer = json_parse(body, len, error, sizeof error);

    return answer ? answer : json_object_new_object();
}

int answer_complain(const struct service *s, enum service_outcome outcome,
                    struct json_object *answer, const char *what)
{
    const char *detail = json_text(answer, "detail");
    long status = service_status(s);

    if (outcome != SERVICE_ANSWERED || !detail || status == 401)
        return service_complain(s);
    if (what)
        cli_complain("%s: %s", what, detail);
    else
        cli_complain("api at %s: %s", service_base(s), detail);
    return status < 500 ? CLI_REFUSED : CLI_UNREACHABLE;
}
