#include "api/body.h"

#include <string.h>
#include <strings.h>

#include "api/reply.h"

/* "application/json", with parameters or not. */
static bool names_json(const char *type)
{
    static const char json[] = "application/json";
    size_t len = sizeof json - 1;

    return type && strncasecmp(type, json, len) == 0 &&
           (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

bool body_is_json(struct exchange *x)
{
    if (names_json(http_header(x->request, "Content-Type")))
        return true;
    reply_problem(x, PROBLEM_UNSUPPORTED_TYPE,
                  "send the body as JSON with `Content-Type: "
                  "application/json`");
    return false;
}
