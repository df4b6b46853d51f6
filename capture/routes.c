#include "capture/routes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "capture/capture_metrics.h"
#include "capture/job_report.h"
#include "capture/json_put.h"
#include "capture/shot.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/token.h"

static void respond_json(struct http_request *r, unsigned status,
                         struct json_object *body,
                         const struct http_field *fields)
{
    size_t len = 0;
    const char *text = json_compact(body, &len);

    http_respond(r, status, "application/json", text, len, fields);
    json_object_put(body);
}

static void respond_as(struct http_request *r, unsigned status,
                       const struct fault *fault,
                       const struct http_field *fields)
{
    struct json_object *body =
        object_with_text("error", failure_title(fault->failure));

    put_text(body, "message", fault->message);
    put_text(body, "code", failure_code(fault->failure));
    respond_json(r, status, body, fields);
}

static void respond_fault(struct http_request *r, const struct fault *fault,
                          const struct http_field *fields)
{
    respond_as(r, failure_status(fault->failure), fault, fields);
}

/* 404, 405, 410: of the contract's codes only this one fits. */
static void respond_not(struct http_request *r, unsigned status,
                        const char *message)
{
    struct fault fault;

    fault_set(&fault, FAILURE_INVALID_REQUEST, "%s", message);
    respond_as(r, status, &fault, NULL);
}

/* A key in "Authorization: Bearer KEY" or "x-api-key: KEY". */
static bool is_authorized(const struct routes *routes,
                          const struct http_request *r)
{
    const char *given = http_header(r, "x-api-key");
    const char *bearer = http_header(r, "authorization");
    bool good = routes->keys.count == 0;

    if (bearer && strncasecmp(bearer, "Bearer ", 7) == 0)
        given = bearer + 7;
    for (size_t i = 0; given && i < routes->keys.count; i++)
        good |= equal_constant_time(routes->keys.items[i].ptr,
                                    routes->keys.items[i].len, given,
                                    strlen(given));
    return good;
}

static void on_picture(const struct shot_result *result, int64_t elapsed_us,
                       void *arg)
{
    struct http_request *r = arg;
    char duration[24];
    char size[24];
    const struct http_field fields[] = {
        { "X-Screenshot-Duration", duration },
        { "X-Screenshot-Size", size },
        { result->truncated ? "X-Screenshot-Truncated" : NULL, "1" },
        { NULL, NULL },
    };

    if (result->fault.failure != FAILURE_NONE) {
        respond_fault(r, &result->fault, NULL);
        return;
    }
    snprintf(duration, sizeof duration, "%" PRId64, elapsed_us / 1000);
    snprintf(size, sizeof size, "%zu", result->len);
    http_respond(r, 200, image_mime(result->image.type), result->ptr,
                 result->len, fields);
}

static void respond_job(struct http_request *r, const struct job *job)
{
    struct json_object *body = json_object_new_object();
    char *status_url = mem_format("/screenshot/%s", job->id);

    put_bool(body, "success", true);
    put_text(body, "jobId", job->id);
    put_text(body, "status", job_state_name(job->state));
    put_text(body, "statusUrl", status_url);
    free(status_url);
    respond_json(r, 202, body, NULL);
}

static void respond_full(struct http_request *r, unsigned wait_s)
{
    char seconds[16];
    const struct http_field fields[] = { { "Retry-After", seconds },
                                         { NULL, NULL } };
    struct fault fault;

    snprintf(seconds, sizeof seconds, "%u", wait_s);
    fault_set(&fault, FAILURE_RATE_LIMITED,
              "too many captures are waiting: try again in %u s", wait_s);
    respond_fault(r, &fault, fields);
}

static void submit(struct routes *routes, struct http_request *r)
{
    struct shot_options options;
    struct fault fault;
    struct job *job = NULL;
    unsigned wait_s = 0;
    size_t len = 0;
    const char *body = http_body(r, &len);
    bool async = false;

    if (shot_options_parse(&options, body, len, routes->timeout_ms, &fault) !=
        0) {
        metric_add(routes->metrics, CAPTURES + fault.failure, 1);
        respond_fault(r, &fault, NULL);
        goto out;
    }
    async = options.async;
    job = studio_submit(routes->studio, &options, async ? NULL : on_picture, r,
                        &wait_s);
    if (!job)
        respond_full(r, wait_s);
    else if (async)
        respond_job(r, job);
out:
    shot_options_release(&options);
}

static void show_status(struct routes *routes, struct http_request *r,
                        const char *id)
{
    const struct job *job = studio_find(routes->studio, id);
    char *picture_url = NULL;

    if (!job) {
        respond_not(r, 404, "there is no such job");
    } else if (job->state == JOB_EXPIRED) {
        respond_not(r, 410, "the job has expired");
    } else {
        picture_url = studio_picture_url(routes->studio, job);
        respond_json(r, 200, job_status(job, picture_url), NULL);
        free(picture_url);
    }
}

/* `name`: "ID.EXT" */
static void show_picture(struct routes *routes, struct http_request *r,
                         const char *name)
{
    static const struct http_field fields[] = {
        { "Cache-Control", "private, max-age=86400, immutable" },
        { "X-Content-Type-Options", "nosniff" },
        { NULL, NULL },
    };
    char id[JOB_ID_SIZE];
    const struct job *job = NULL;
    size_t len = 0;
    int fd = -1;

    snprintf(id, sizeof id, "%s", name);
    if (strlen(name) > JOB_ID_SIZE && name[JOB_ID_SIZE - 1] == '.')
        job = studio_find(routes->studio, id);
    if (!job || (job->state != JOB_COMPLETED && job->state != JOB_EXPIRED) ||
        image_type_parse(name + JOB_ID_SIZE) != job->image.type) {
        respond_not(r, 404, "there is no such picture");
        return;
    }
    if (job->state == JOB_COMPLETED)
        fd = studio_picture(routes->studio, job, &len);
    if (fd < 0)
        respond_not(r, 410, "the picture has expired");
    else
        http_respond_file(r, 200, image_mime(job->image.type), fd, 0, len,
                          fields);
}

/* What follows `prefix` in `path`; NULL when it does not begin with it. */
static const char *after(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(path, prefix, len) == 0 ? path + len : NULL;
}

static void refuse_method(struct http_request *r, const char *allowed)
{
    const struct http_field fields[] = { { "Allow", allowed }, { NULL, NULL } };
    struct fault fault;

    fault_set(&fault, FAILURE_INVALID_REQUEST, "the method must be %s",
              allowed);
    respond_as(r, 405, &fault, fields);
}

static void refuse_key(struct routes *routes, struct http_request *r)
{
    static const struct http_field fields[] = {
        { "WWW-Authenticate", "Bearer" }, { NULL, NULL }
    };
    struct fault fault;

    metric_add(routes->metrics, CAPTURES + FAILURE_UNAUTHORIZED, 1);
    fault_set(&fault, FAILURE_UNAUTHORIZED,
              "send a key as \"Authorization: Bearer KEY\" or \"x-api-key: "
              "KEY\"");
    respond_fault(r, &fault, fields);
}

void routes_handle(struct http_request *r, void *arg)
{
    struct routes *routes = arg;
    const char *method = http_method(r);
    const char *path = http_path(r);
    const char *below_api = after(path, "/api/screenshot");
    const char *below = below_api ? below_api : after(path, "/screenshot");
    const char *name = after(path, "/images/");
    bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

    if (name && !reads)
        refuse_method(r, "GET");
    else if (name)
        show_picture(routes, r, name);
    else if (!below || (*below != '\0' && *below != '/'))
        respond_not(r, 404, "there is nothing here");
    else if (!is_authorized(routes, r))
        refuse_key(routes, r);
    else if (*below == '/' && !reads)
        refuse_method(r, "GET");
    else if (*below == '/')
        show_status(routes, r, below + 1);
    else if (strcmp(method, "POST") != 0)
        refuse_method(r, "POST");
    else
        submit(routes, r);
}
