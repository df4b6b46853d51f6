#include "api/thumbnail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/picture.h"
#include "api/reply.h"
#include "api/storage.h"
#include "api/thumbnailer.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/thumbnail_key.h"

enum { TAG_SIZE = SHA256_HEX_SIZE + 8, BYTES_MAX = 1024 * 1024 };

/* A request whose thumbnail is being made. */
struct making {
    char *key;
    char tag[TAG_SIZE];
};

static void making_free(void *work)
{
    struct making *m = work;

    free(m->key);
    free(m);
}

/* To the picture itself; `passing` when the next one may well get a thumbnail.
 * The path is relative, and the token has been checked. */
static void send_elsewhere(struct exchange *x, bool passing)
{
    const char *token = x->by_key ? NULL : http_query(x->request, "token");
    char *location =
        mem_format("image%s%s", token ? "?token=" : "", token ? token : "");
    const struct http_field extra[] = {
        { "Location", location },
        { "Cache-Control", passing ? "no-store" : "private, max-age=3600" },
        { 0 },
    };

    reply(x, 302, NULL, "", 0, extra);
    free(location);
}

/* Takes `fd`. */
static void send_thumbnail(struct exchange *x, int fd, size_t size,
                           const char *tag)
{
    struct reply_fields fields;
    const struct http_field extra[] = {
        { "Cache-Control", picture_cache_for_good },
        { "ETag", tag },
        { 0 },
    };

    reply_count(x, 200);
    http_respond_file(x->request, 200, image_mime(IMAGE_WEBP), fd, 0, size,
                      reply_fields(x, &fields, extra));
}

/* An empty file says that there can be none.  Whoever asks next is served from
 * there; where it cannot be written, it is made again. */
static void keep(struct api *a, const char *key, const char *ptr, size_t len)
{
    char *temporary = NULL;

    if (folder_open(&a->folder) != 0 ||
        folder_write(&a->folder, ptr, len, false, &temporary) != 0 ||
        folder_publish(&a->folder, temporary, key, false) != 0) {
        log_debug(NULL, "could not keep \"%s\" below \"%s\": %s", key,
                  a->storage, strerror(errno));
        if (temporary)
            unlink(temporary);
    }
    free(temporary);
}

/* The bytes and the size of what was made; NULL when they cannot be read. */
static char *read_all(int fd, size_t *len)
{
    struct stat st;
    char *bytes;

    if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > BYTES_MAX)
        return NULL;
    *len = (size_t)st.st_size;
    bytes = mem_alloc(*len);
    if (pread(fd, bytes, *len, 0) == (ssize_t)*len)
        return bytes;
    free(bytes);
    return NULL;
}

static void on_made(enum thumbnail_outcome outcome, int fd, void *arg)
{
    struct exchange *x = arg;
    struct making *m = x->work;
    size_t len = 0;
    char *bytes = fd >= 0 ? read_all(fd, &len) : NULL;

    if (bytes) {
        keep(x->api, m->key, bytes, len);
        free(bytes);
        send_thumbnail(x, fd, len, m->tag);
        return;
    }
    if (fd >= 0)
        close(fd);
    if (outcome == THUMBNAIL_IMPOSSIBLE)
        keep(x->api, m->key, "", 0);
    send_elsewhere(x, outcome != THUMBNAIL_IMPOSSIBLE);
}

static void make(struct exchange *x, const struct picture *p, const char *key,
                 const char *tag)
{
    size_t size = 0;
    int fd = picture_open(x, p->key, &size);
    struct making *m;

    if (fd < 0) {
        reply_problem(x, PROBLEM_INTERNAL,
                      "the picture was recorded and cannot be read now; the "
                      "fleet's log says why");
        return;
    }
    m = mem_zalloc(sizeof *m);
    m->key = mem_strdup(key);
    snprintf(m->tag, sizeof m->tag, "%s", tag);
    x->work = m;
    x->work_free = making_free;
    if (thumbnailer_make(x->api->thumbnailer, fd, on_made, x) != 0)
        send_elsewhere(x, true);
}

static void on_picture(const struct db_result *result, void *arg)
{
    struct exchange *x = arg;
    char key[THUMBNAIL_KEY_SIZE];
    char tag[TAG_SIZE];
    struct picture p;
    size_t size = 0;
    int fd;

    if (!picture_found(x, result, &p))
        return;
    if (p.type == IMAGE_PDF || !x->api->storage || !p.sha256 ||
        !thumbnail_key(p.key, key)) {
        send_elsewhere(x, false);
        return;
    }
    snprintf(tag, sizeof tag, "\"t-%.64s\"", p.sha256);
    fd = storage_open(x->api->storage, key, &size);
    if (fd < 0) {
        make(x, &p, key, tag);
    } else if (size == 0) {
        close(fd);
        send_elsewhere(x, false);
    } else if (picture_tag_listed(http_header(x->request, "If-None-Match"),
                                  tag)) {
        const struct http_field extra[] = {
            { "Cache-Control", picture_cache_for_good },
            { "ETag", tag },
            { 0 },
        };

        close(fd);
        reply(x, 304, NULL, "", 0, extra);
    } else {
        send_thumbnail(x, fd, size, tag);
    }
}

void thumbnail_get(struct exchange *x)
{
    picture_ask(x, on_picture);
}
