#include "common/profile.h"

#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/profile_map.h"
#include "common/profile_parse.h"
#include "common/profile_submit.h"

static const char suffix[] = ".json";

/* one profile */

int profile_parse(struct profile *out, const char *file, const char *ptr,
                  size_t len, char *error, size_t error_size)
{
    char reason[256];
    struct json_object *document = json_parse(ptr, len, reason, sizeof reason);

    *out = (struct profile){ 0 };
    if (!document) {
        snprintf(error, error_size, "%s: %s", file, reason);
        return -1;
    }
    return profile_from_document(out, file, document, error, error_size);
}

void profile_release(struct profile *p)
{
    free(p->file);
    submit_release(p);
    free(p->answer.job_id.items);
    free(p->picture.origins);
    free(p->webhook.id.items);
    free(p->webhook.redact.items);
    map_release(&p->webhook.payload);
    map_release(&p->status.payload);
    free(p->errors.retryable);
    free(p->errors.permanent);
    json_object_put(p->document); /* accepts NULL */
    *p = (struct profile){ 0 };
}

static bool contains(const char *const *list, size_t count, const char *code)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(list[i], code) == 0)
            return true;
    }
    return false;
}

bool profile_webhook_is_fixed(const struct profile *p)
{
    return !p->submit.webhook_field && p->submit.webhook_header_count == 0;
}

bool profile_retryable(const struct profile *p, const char *code,
                       unsigned http_status)
{
    if (code && contains(p->errors.permanent, p->errors.permanent_count, code))
        return false;
    if (code && contains(p->errors.retryable, p->errors.retryable_count, code))
        return true;
    if (http_status != 0)
        return http_status == 408 || http_status == 429 || http_status >= 500;
    return !code;
}

/* all of a folder */

static int is_profile(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len >= sizeof suffix &&
           strcmp(entry->d_name + len - (sizeof suffix - 1), suffix) == 0;
}

static int load_one(struct profile *out, const char *dir, const char *base,
                    char *error, size_t error_size)
{
    char *path = mem_format("%s/%s", dir, base);
    struct json_object *document = json_read_file(path, error, error_size);
    int result = -1;

    if (!document ||
        profile_from_document(out, path, document, error, error_size) != 0)
        goto out;
    if (strlen(out->name) != strlen(base) - (sizeof suffix - 1) ||
        strncmp(out->name, base, strlen(out->name)) != 0) {
        snprintf(error, error_size,
                 "%s: name: \"%s\" must be the file's name, without %s", path,
                 out->name, suffix);
        profile_release(out);
        goto out;
    }
    result = 0;
out:
    free(path);
    return result;
}

int profiles_load(struct profiles *out, const char *dir, char *error,
                  size_t error_size)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, is_profile, alphasort);
    int result = -1;

    *out = (struct profiles){ 0 };
    if (count <= 0) {
        snprintf(error, error_size,
                 "could not load provider profiles from \"%s\": %s", dir,
                 count < 0 ? strerror(errno) : "no *.json there");
        goto out;
    }
    out->items = mem_resize_array(NULL, (size_t)count, sizeof *out->items);
    for (int i = 0; i < count; i++) {
        if (load_one(&out->items[out->count], dir, entries[i]->d_name, error,
                     error_size) != 0)
            goto out;
        out->count++;
    }
    result = 0;
out:
    if (result != 0)
        profiles_release(out);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return result;
}

void profiles_release(struct profiles *p)
{
    for (size_t i = 0; i < p->count; i++)
        profile_release(&p->items[i]);
    free(p->items);
    *p = (struct profiles){ 0 };
}

const struct profile *profiles_find(const struct profiles *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->items[i].name, name) == 0)
            return &p->items[i];
    }
    return NULL;
}
