/* document.h - a capture as users see it: the one JSON document that is
 * answered, listed and sent live.
 *
 * PostgreSQL makes it, so that no field is known in two places.  In the users'
 * words `submittedAt` is when they submitted it and `startedAt` when a provider
 * took it.
 */
#ifndef API_DOCUMENT_H
#define API_DOCUMENT_H

/* RFC 3339 in UTC, milliseconds; null stays null. */
#define DOCUMENT_TIME(at)                                                      \
    "to_char(" at " at time zone 'UTC', "                                      \
    "'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

/* Of a row `j` of jobs; text on one line. */
#define DOCUMENT                                                                                                           \
    "(select row_to_json(d)::text from (select"                                                                            \
    " j.id as \"jobId\", j.url, j.status, j.progress, j.attempt,"                                                          \
    " j.max_attempts as \"maxAttempts\", j.provider, j.options, j.metadata,"                                               \
    " case when j.status = 'completed' then (select row_to_json(i) from"                                                   \
    " (select '/v1/captures/' || j.id || '/image' as url, j.image_type as"                                                 \
    " type, j.width, j.height, j.size_bytes as size, j.sha256) i) end"                                                     \
    " as image,"                                                                                                           \
    " case when j.error_code is not null or j.error is not null then"                                                      \
    " (select row_to_json(e) from (select j.error_code as code,"                                                           \
    " j.error as message) e) end as error,"                                                                                \
    " " DOCUMENT_TIME(                                                                                                     \
        "j.created_at") " as \"submittedAt\","                                                                             \
                        " " DOCUMENT_TIME(                                                                                 \
                            "j.submitted_at") " as \"startedAt\","                                                         \
                                              " " DOCUMENT_TIME(                                                           \
                                                  "j.completed_at") " as "                                                 \
                                                                    "\"comple"                                             \
                                                                    "tedAt\","                                             \
                                                                    " " DOCUMENT_TIME(                                     \
                                                                        "j."                                               \
                                                                        "fail"                                             \
                                                                        "ed_"                                              \
                                                                        "at") " as \"failedAt\","                          \
                                                                              " " DOCUMENT_TIME(                           \
                                                                                  "j.cancelled_at") " as \"cancelledAt\"," \
                                                                                                    " " DOCUMENT_TIME(     \
                                                                                                        "j.deadline_at") " as \"deadlineAt\") d)"

#endif
