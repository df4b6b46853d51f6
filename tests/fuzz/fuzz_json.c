/* Any bytes: what parses must come out of json-c as it went in, and what is
 * printed must parse again. */
#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "common/json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[256] = "";
    const char *text = NULL;
    struct json_object *again = NULL;
    struct json_object *root =
        json_parse((const char *)data, size, error, sizeof error);

    assert((root == NULL) == (error[0] != '\0'));
    if (!root)
        return 0;
    json_text(root, "a.b.0");
    json_number(root, "a.0.b", -1);
    json_boolean(root, "0");
    text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN);
    again = json_parse(text, strlen(text), error, sizeof error);
    assert(again && json_object_equal(root, again));
    json_object_put(again);
    json_object_put(root);
    return 0;
}
