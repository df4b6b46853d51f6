#include "common/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/encoding.h"
#include "common/limits.h"
#include "common/mem.h"

static void trim_slashes(char *url)
{
    size_t len = strlen(url);

    while (len > 0 && url[len - 1] == '/')
        url[--len] = '\0';
}

/* `text` with the one `mark` in it replaced. */
static char *replace(const char *text, const char *mark, const char *with)
{
    const char *at = strstr(text, mark);

    if (!at)
        return mem_strdup(text);
    return mem_format("%.*s%s%s", (int)(at - text), text, with,
                      at + strlen(mark));
}

static int load_base_url(struct provider *p, char error[SETTINGS_ERROR_SIZE])
{
    const struct profile *profile = p->profile;
    char *url =
        settings_for_profile("SHOTFLEET_PROVIDER_URL", profile->name, error);

    if (!url)
        return -1;
    if (!*url && profile->submit.base_url) {
        free(url);
        url = mem_strdup(profile->submit.base_url);
    }
    trim_slashes(url);
    p->base_url = url;
    if (*url && strncmp(url, "http://", 7) != 0 &&
        strncmp(url, "https://", 8) != 0) {
        snprintf(
            error, SETTINGS_ERROR_SIZE,
            "SHOTFLEET_PROVIDER_URL=\"%.200s\" begins neither with http:// "
            "nor with https://",
            url);
        return -1;
    }
    return 0;
}

static int load_key(struct provider *p, char error[SETTINGS_ERROR_SIZE])
{
    const struct profile *profile = p->profile;
    char *key =
        settings_for_profile("SHOTFLEET_PROVIDER_KEY", profile->name, error);
    char *value;

    if (!key)
        return -1;
    if (*key && profile->submit.auth_header) {
        value = replace(profile->submit.auth_value, "{key}", key);
        p->auth_line = mem_format("%s: %s", profile->submit.auth_header, value);
        explicit_bzero(value, strlen(value));
        free(value);
    }
    if (*key && profile->submit.key_field) {
        p->key = key;
        return 0;
    }
    explicit_bzero(key, strlen(key));
    free(key);
    return 0;
}

int providers_load(struct providers *out, const char *dir,
                   char error[SETTINGS_ERROR_SIZE])
{
    *out = (struct providers){ 0 };
    if (profiles_load(&out->profiles, dir, error, SETTINGS_ERROR_SIZE) != 0)
        return -1;
    out->count = out->profiles.count;
    out->items = mem_zalloc(out->count * sizeof *out->items);
    for (size_t i = 0; i < out->count; i++) {
        struct provider *p = &out->items[i];

        p->profile = &out->profiles.items[i];
        if (load_base_url(p, error) != 0 || load_key(p, error) != 0)
            return -1;
    }
    return 0;
}

void providers_release(struct providers *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct provider *item = &p->items[i];

        if (item->auth_line)
            explicit_bzero(item->auth_line, strlen(item->auth_line));
        free(item->auth_line);
        if (item->key)
            explicit_bzero(item->key, strlen(item->key));
        free(item->key);
        free(item->base_url);
    }
    free(p->items);
    profiles_release(&p->profiles);
    *p = (struct providers){ 0 };
}

const struct provider *providers_find(const struct providers *p,
                                      const char *name)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->items[i].profile->name, name) == 0)
            return &p->items[i];
    }
    return NULL;
}

char *provider_url(const struct provider *p, const char *path, const char *id)
{
    char *encoded = percent_encode(id ? id : "");
    char *filled = replace(path, "{id}", encoded);
    char *url = mem_format("%s%s", p->base_url, filled);

    free(encoded);
    free(filled);
    return url;
}
