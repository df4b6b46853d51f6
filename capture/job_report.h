/* job_report.h - a job in the words of the contract: status and webhook bodies.
 */
#ifndef JOB_REPORT_H
#define JOB_REPORT_H

#include "capture/jobs.h"

struct json_object;

/* The answer to GET /screenshot/{id}; the caller releases it.  `picture_url`
 * may be NULL. */
struct json_object *job_status(const struct job *job, const char *picture_url);

/* A webhook: "screenshot.completed", "screenshot.failed", by the job's state.
 */
struct json_object *job_event(const struct job *job, const char *picture_url);
/* "screenshot.progress", in percent. */
struct json_object *job_progress(const struct job *job, int percent);

#endif
