-- A picture that housekeeping has removed: what was captured stays known, and the
-- document says since when it cannot be had any more.

create or replace view capture_documents as
select j.id, j.status, (select row_to_json(d)::text from (
    select j.id as "jobId", j.batch_id as "batchId", j.url, j.status,
           j.progress, j.attempt,
           j.max_attempts as "maxAttempts", j.provider, j.options, j.metadata,
           case when j.status = 'completed' then (select row_to_json(i) from (
               select '/v1/captures/' || j.id || '/image' as url,
                      j.image_type as type, j.width, j.height,
                      j.size_bytes as size, j.sha256,
                      rfc3339(j.image_removed_at) as "removedAt") i)
               end as image,
           case when j.error_code is not null or j.error is not null then
               (select row_to_json(e) from (
                   select j.error_code as code, j.error as message) e)
               end as error,
           rfc3339(j.created_at) as "submittedAt",
           rfc3339(j.submitted_at) as "startedAt",
           rfc3339(j.completed_at) as "completedAt",
           rfc3339(j.failed_at) as "failedAt",
           rfc3339(j.cancelled_at) as "cancelledAt",
           rfc3339(j.deadline_at) as "deadlineAt") d) as document
from jobs j;
