#include "cli/body.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"

static struct json_object *value_of(const char *text)
{
    char ignored[1];
    struct json_object *value =
        json_parse(text, strlen(text), ignored, sizeof ignored);

    return value ? value : json_object_new_string(text);
}

/* The object that `name` (up to a dot) names in `parent`, made if need be; NULL
 * when something else is there. */
static struct json_object *level(struct json_object *parent, const char *name)
{
    struct json_object *child = NULL;

    if (!json_object_object_get_ex(parent, name, &child)) {
        child = json_object_new_object();
        json_object_object_add(parent, name, child);
    }
    return json_object_is_type(child, json_type_object) ? child : NULL;
}

int body_option(struct json_object *body, const char *option, char *error,
                size_t error_size)
{
    const char *equals = strchr(option, '=');
    char *path = NULL;
    char *name = NULL;
    int rc = -1;

    if (!equals || equals == option) {
        snprintf(error, error_size, "\"%.60s\" is not of the form name=value",
                 option);
        return -1;
    }
    path = mem_dup(option, (size_t)(equals - option));
    name = path;
    for (char *dot; body && (dot = strchr(name, '.')); name = dot + 1) {
        *dot = '\0';
        body = level(body, name);
    }
    if (!body)
        snprintf(error, error_size, "\"%.60s\" is given a value and members",
                 option);
    else if (strcmp(path, "url") == 0 || strcmp(path, "captures") == 0)
        snprintf(error, error_size, "\"%s\" is no option; URLs go without one",
                 path);
    else
        rc = 0;
    if (rc == 0)
        json_object_object_add(body, name, value_of(equals + 1));
    free(path);
    return rc;
}
