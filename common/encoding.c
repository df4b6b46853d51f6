#include "common/encoding.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static const char plain_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_encode(const uint8_t *ptr, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[ptr[i] >> 4];
        *out++ = digits[ptr[i] & 15];
    }
    *out = '\0';
}

size_t decimal_encode(int64_t value, char *out)
{
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t len = value < 0 ? 2 : 1;
    char *at;

    for (uint64_t n = rest; n >= 10; n /= 10)
        len++;
    at = out + len;
    *at = '\0';
    do
        *--at = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    if (value < 0)
        *out = '-';
    return len;
}

/* 1 + the value of a hexadecimal digit; 0: it is none. */
static const unsigned char hex_digits[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
    ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
    ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
    ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

int hex_value(char c)
{
    return hex_digits[(unsigned char)c] - 1;
}

bool hex_decode(const char *text, size_t len, uint8_t *out, size_t out_len)
{
    if (len % 2 != 0 || len / 2 != out_len)
        return false;
    for (size_t i = 0; i < out_len; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

char *base64_encode(const uint8_t *ptr, size_t len, bool url_safe)
{
    const char *alphabet = url_safe ? url_alphabet : plain_alphabet;
    char *text = mem_alloc((len + 2) / 3 * 4 + 1);
    char *out = text;

    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i;
        uint32_t group = (uint32_t)ptr[i] << 16;

        if (have > 1)
            group |= (uint32_t)ptr[i + 1] << 8;
        if (have > 2)
            group |= ptr[i + 2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        if (have > 1)
            *out++ = alphabet[group >> 6 & 63];
        else if (!url_safe)
            *out++ = '=';
        if (have > 2)
            *out++ = alphabet[group & 63];
        else if (!url_safe)
            *out++ = '=';
    }
    *out = '\0';
    return text;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

uint8_t *base64_decode(const char *text, size_t len, size_t *out_len)
{
    size_t padding = 0;
    size_t used = 0;
    uint32_t bits = 0;
    uint8_t *out = NULL;

    if (len % 4 != 0)
        return NULL;
    while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
        padding++;
    out = mem_alloc(len / 4 * 3);
    for (size_t i = 0; i < len - padding; i++) {
        int value = base64_value(text[i]);

        if (value < 0)
            goto refuse;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0)
            out[used++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    /* what the last character has beyond the last whole byte */
    if ((padding == 1 && (bits & 3) != 0) || (padding == 2 && (bits & 15) != 0))
        goto refuse;
    *out_len = used;
    return out;
refuse:
    free(out);
    return NULL;
}

char *percent_encode(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    char *out = mem_alloc(3 * strlen(text) + 1);
    size_t n = 0;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (strchr(plain, *text)) {
            out[n++] = *text;
        } else {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        }
    }
    out[n] = '\0';
    return out;
}
