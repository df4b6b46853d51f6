#include "capture/job_report.h"

#include <string.h>

#include "capture/json_put.h"

static void put_metadata(struct json_object *o, const struct job *job)
{
    struct json_object *metadata = put_object(o, "metadata");

    put_number(metadata, "width", job->image.width);
    put_number(metadata, "height", job->image.height);
    put_number(metadata, "size", (int64_t)job->size_bytes);
    put_text(metadata, "format", strchr(image_mime(job->image.type), '/') + 1);
    if (job->truncated)
        put_bool(metadata, "truncated", true);
}

static void put_error(struct json_object *o, const struct job *job)
{
    put_text(o, "error", job->error);
    put_text(o, "errorCode", failure_code(job->failure));
}

struct json_object *job_status(const struct job *job, const char *picture_url)
{
    struct json_object *o = json_object_new_object();

    put_text(o, "jobId", job->id);
    put_text(o, "status", job_state_name(job->state));
    put_bool(o, "completed", job->state == JOB_COMPLETED);
    put_bool(o, "failed", job->state == JOB_FAILED);
    if (job->state == JOB_COMPLETED) {
        put_text(o, "imageUrl", picture_url);
        put_metadata(o, job);
    }
    if (job->state == JOB_FAILED)
        put_error(o, job);
    return o;
}

static struct json_object *event(const char *name, const struct job *job,
                                 struct json_object **data)
{
    struct json_object *o = object_with_text("event", name);

    *data = put_object(o, "data");
    put_text(*data, "jobId", job->id);
    return o;
}

struct json_object *job_event(const struct job *job, const char *picture_url)
{
    struct json_object *data = NULL;
    struct json_object *o =
        event(job->state == JOB_COMPLETED ? "screenshot.completed"
                                          : "screenshot.failed",
              job, &data);

    if (job->state == JOB_COMPLETED) {
        put_text(data, "imageUrl", picture_url);
        put_metadata(data, job);
    } else {
        put_error(data, job);
    }
    return o;
}

struct json_object *job_progress(const struct job *job, int percent)
{
    struct json_object *data = NULL;
    struct json_object *o = event("screenshot.progress", job, &data);

    put_number(data, "progress", percent);
    return o;
}
