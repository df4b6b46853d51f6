#include "api/picture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/lookup.h"
#include "api/range.h"
#include "api/reply.h"
#include "api/storage.h"
#include "common/clock.h"
#include "common/image.h"
#include "common/log.h"

static const struct db_statement picture_statement = {
    "api_picture",
    "select j.status, j.image_key, j.image_type, j.sha256, "
    "       rfc3339(j.image_removed_at) "
    "from jobs j where j.id = $1::uuid",
};

/* How long a link to the storage is good for. */
enum { LINK_S = 300 };

const char picture_cache_for_good[] = "private, max-age=31536000, immutable";

enum { STATUS, KEY, TYPE, SHA256, REMOVED_AT }; /* its columns */

bool picture_tag_listed(const char *list, const char *tag)
{
    size_t len = strlen(tag);

    if (!list)
        return false;
    while (*list) {
        list += strspn(list, " \t,");
        if (*list == '*')
            return true;
        if (strncmp(list, "W/", 2) == 0)
            list += 2;
        if (strncmp(list, tag, len) == 0)
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

/* Which bytes were asked for.  A range of another picture than ours (If-Range)
 * means all of it; we have no Last-Modified that a date could mean. */
static enum range_verdict range_of(const struct exchange *x, const char *tag,
                                   size_t size, size_t *first, size_t *len)
{
    const char *known = http_header(x->request, "If-Range");

    *first = 0;
    *len = size;
    if (strcmp(http_method(x->request), "GET") != 0 ||
        (known && (!tag || strcmp(known, tag) != 0)))
        return RANGE_WHOLE;
    return range_parse(http_header(x->request, "Range"), size, first, len);
}

static void send_range(struct exchange *x, int fd, size_t size,
                       enum image_type type, const char *tag,
                       const char *disposition)
{
    size_t first, len;
    enum range_verdict verdict = range_of(x, tag, size, &first, &len);
    unsigned status = verdict == RANGE_PART ? 206 : 200;
    struct reply_fields fields;
    char range[80];
    struct http_field extra[] = {
        { "Cache-Control", picture_cache_for_good },
        { "Content-Disposition", disposition },
        { "Accept-Ranges", "bytes" },
        { tag ? "ETag" : NULL, tag },
        { 0 },
        { 0 },
    };

    if (verdict == RANGE_NONE) {
        close(fd);
        reply_range_not_satisfiable(x, size);
        return;
    }
    if (verdict == RANGE_PART) {
        snprintf(range, sizeof range, "bytes %zu-%zu/%zu", first,
                 first + len - 1, size);
        extra[tag ? 4 : 3] = (struct http_field){ "Content-Range", range };
    }
    reply_count(x, status);
    http_respond_file(x->request, status, image_mime(type), fd, first, len,
                      reply_fields(x, &fields, extra));
}

int picture_open(const struct exchange *x, const char *key, size_t *size)
{
    int fd = storage_open(x->api->storage, key, size);

    if (fd < 0)
        log_error(LOG_WITH({ "job", x->name }),
                  "could not open picture \"%s\" below \"%s\": %s", key,
                  x->api->storage, strerror(errno));
    return fd;
}

static void send_file(struct exchange *x, const struct picture *p,
                      const char *tag, const char *disposition)
{
    size_t size = 0;
    int fd = picture_open(x, p->key, &size);

    if (fd < 0)
        reply_problem(x, PROBLEM_INTERNAL,
                      "the picture was recorded and cannot be read now; the "
                      "fleet's log says why");
    else
        send_range(x, fd, size, p->type, tag, disposition);
}

/* The storage itself sends it, for a while; the tag and the type come from
 * there. */
static void send_link(struct exchange *x, const struct picture *p,
                      const char *disposition)
{
    const struct s3_link link = { .key = p->key,
                                  .content_type = image_mime(p->type),
                                  .disposition = disposition,
                                  .now_s = clock_wall_ms() / 1000,
                                  .seconds = LINK_S };
    char *location = s3_link(&x->api->s3, &link);
    char cache[64];
    const struct http_field extra[] = { { "Location", location },
                                        { "Cache-Control", cache },
                                        { 0 } };

    snprintf(cache, sizeof cache, "private, max-age=%d", LINK_S / 2);
    reply(x, 302, NULL, "", 0, extra);
    free(location);
}

static void send_picture(struct exchange *x, const struct picture *p)
{
    char tag[SHA256_HEX_SIZE + 2];
    char disposition[128];
    const struct http_field extra[] = {
        { "Cache-Control", picture_cache_for_good },
        { "Content-Disposition", disposition },
        { "Accept-Ranges", "bytes" },
        { p->sha256 ? "ETag" : NULL, tag },
        { 0 },
    };

    snprintf(tag, sizeof tag, "\"%s\"", p->sha256 ? p->sha256 : "");
    snprintf(disposition, sizeof disposition, "%s; filename=\"%s.%s\"",
             http_query_count(x->request, "download") > 0 ? "attachment"
                                                          : "inline",
             x->name, image_extension(p->type));
    if (p->sha256 &&
        picture_tag_listed(http_header(x->request, "If-None-Match"), tag))
        reply(x, 304, NULL, "", 0, extra);
    else if (!x->api->storage)
        send_link(x, p, disposition);
    else
        send_file(x, p, p->sha256 ? tag : NULL, disposition);
}

static void answer_without(struct exchange *x, const char *status,
                           const char *removed_at)
{
    if (removed_at)
        reply_problem(x, PROBLEM_PICTURE_REMOVED,
                      "the picture was removed at %s: the fleet keeps pictures "
                      "for a limited time; capture the page again",
                      removed_at);
    else
        reply_problem(x, PROBLEM_NO_PICTURE, "the capture is %s%s", status,
                      strcmp(status, "queued") == 0 ||
                              strcmp(status, "submitted") == 0
                          ? "; its picture comes when it is completed"
                          : "");
}

bool picture_found(struct exchange *x, const struct db_result *result,
                   struct picture *out)
{
    const char *type, *status, *removed_at;

    if (db_result_status(result) != DB_OK) {
        reply_db_failure(x, result);
        return false;
    }
    if (db_rows(result) == 0) {
        lookup_unknown(x);
        return false;
    }
    status = db_value(result, 0, STATUS);
    removed_at = db_value(result, 0, REMOVED_AT);
    if (removed_at || strcmp(status, "completed") != 0) {
        answer_without(x, status, removed_at);
        return false;
    }
    type = db_value(result, 0, TYPE);
    *out = (struct picture){ .key = db_value(result, 0, KEY),
                             .sha256 = db_value(result, 0, SHA256),
                             .type = image_type_parse(type ? type : "") };
    if (out->type != IMAGE_UNKNOWN)
        return true;
    log_error(LOG_WITH({ "job", x->name }, { "type", type }),
              "could not send picture \"%s\": not a type of picture", out->key);
    reply_problem(x, PROBLEM_INTERNAL,
                  "the picture is of no type that is served");
    return false;
}

void picture_ask(struct exchange *x, db_fn *fn)
{
    const char *values[] = { x->name };

    if (lookup_ready(x))
        db_call(x->api->db, &picture_statement, values, ARRAY_LEN(values), fn,
                x);
}

static void on_picture(const struct db_result *result, void *arg)
{
    struct picture p;

    if (picture_found(arg, result, &p))
        send_picture(arg, &p);
}

void picture_get(struct exchange *x)
{
    picture_ask(x, on_picture);
}
