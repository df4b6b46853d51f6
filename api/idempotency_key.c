#include "api/idempotency_key.h"

static int put(char out[IDEMPOTENCY_KEY_SIZE], size_t *len, char c)
{
    if (*len == IDEMPOTENCY_KEY_MAX)
        return -1;
    out[(*len)++] = c;
    return 0;
}

static bool is_visible(char c)
{
    return c > ' ' && c <= '~';
}

static int parse_string(const char *text, char out[IDEMPOTENCY_KEY_SIZE],
                        size_t *len)
{
    for (text++; *text && *text != '"'; text++) {
        if (*text == '\\' && *++text != '"' && *text != '\\')
            return -1;
        if ((*text != ' ' && !is_visible(*text)) || put(out, len, *text) != 0)
            return -1;
    }
    return *text == '"' && text[1] == '\0' ? 0 : -1;
}

static int parse_bare(const char *text, char out[IDEMPOTENCY_KEY_SIZE],
                      size_t *len)
{
    for (; *text; text++) {
        if (!is_visible(*text) || *text == '"' || put(out, len, *text) != 0)
            return -1;
    }
    return 0;
}

int idempotency_key_parse(const char *header, char out[IDEMPOTENCY_KEY_SIZE])
{
    size_t len = 0;
    int rc = *header == '"' ? parse_string(header, out, &len)
                            : parse_bare(header, out, &len);

    if (rc != 0 || len == 0)
        return -1;
    out[len] = '\0';
    return 0;
}
