-- What users are told of a capture, and the calls that tell it: who is due, what
-- became of an attempt, and an operator's second try.

-- RFC 3339 in UTC, milliseconds; null stays null.
create function rfc3339(at timestamptz) returns text
language sql stable parallel safe as $$
    select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- A capture as users see it: the one JSON document that is answered, listed,
-- sent live and posted to callbacks, so that no field is known in two places.
-- In the users' words `submittedAt` is when they submitted it and `startedAt`
-- when a provider took it.
create view capture_documents as
select j.id, j.status, (select row_to_json(d)::text from (
    select j.id as "jobId", j.url, j.status, j.progress, j.attempt,
           j.max_attempts as "maxAttempts", j.provider, j.options, j.metadata,
           case when j.status = 'completed' then (select row_to_json(i) from (
               select '/v1/captures/' || j.id || '/image' as url,
                      j.image_type as type, j.width, j.height,
                      j.size_bytes as size, j.sha256) i) end as image,
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

-- Callbacks whose time has come, leased to the caller, who appends them to the
-- stream.  What is lost on the way is due again when the lease ends.  Those of a
-- disabled host are put aside instead.
create function callbacks_due(how_many integer)
returns table (callback_id uuid, attempts integer)
language sql volatile as $$
    with due as (
        select c.id, h.disabled_at is not null as aside
        from callbacks c left join callback_hosts h on h.host = c.host
        where c.delivered_at is null and c.next_attempt_at <= now()
        order by c.next_attempt_at
        limit how_many
        for update of c skip locked
    ),
    moved as (
        update callbacks c set
            next_attempt_at = case when not d.aside
                                   then now() + interval '5 minutes' end,
            error = case when d.aside
                         then 'its host is disabled after a day of failures'
                              || coalesce('; ' || c.error, '')
                         else c.error end
        from due d where c.id = d.id
        returning c.id, c.attempts, d.aside
    )
    select m.id, m.attempts from moved m where not m.aside
$$;

-- Records one attempt; `made` is how many there were before it, so that of two
-- reports of the same attempt only the first one counts.  Outcomes:
--   delivered
--   failed     tried again after a growing pause, nine times within a day
--   postponed  not sent, costs no attempt
--   stopped    for good
-- Answers whether the host was disabled just now.
create function record_callback(
    callback_id uuid,
    made integer,
    outcome text,
    error text,
    delay_ms bigint           -- at least so long until the next one
) returns boolean
language plpgsql as $$
declare
    pauses constant interval[] :=
        '{5 s, 30 s, 2 min, 10 min, 1 h, 3 h, 6 h, 12 h}';
    wish constant interval := least(delay_ms * interval '1 millisecond',
                                    interval '12 hours');
    called text;              -- the host
    disabled timestamptz;
begin
    if outcome = 'delivered' then
        update callbacks c set
            attempts = made + 1, error = null, next_attempt_at = null,
            delivered_at = coalesce(c.delivered_at, now())
        where c.id = callback_id
        returning c.host into called;
        delete from callback_hosts h where h.host = called;
        return false;
    end if;

    update callbacks c set
        attempts = made + (outcome <> 'postponed')::integer,
        error = case when outcome = 'postponed'
                     then coalesce(c.error, record_callback.error)
                     else record_callback.error end,
        next_attempt_at = case
            when outcome = 'postponed' then now() + wish
            when outcome = 'failed' and made < cardinality(pauses) then
                now() + greatest(wish, pauses[made + 1]
                                       * (0.8 + 0.4 * random())) end
    where c.id = callback_id and c.attempts = made and c.delivered_at is null
      and c.next_attempt_at is not null
    returning c.host into called;
    if outcome <> 'failed' or called is null then
        return false;
    end if;

    insert into callback_hosts as h (host) values (called)
    on conflict (host) do update set
        failures = h.failures + 1,
        disabled_at = case
            when h.failures >= 19
                 and h.failing_since <= now() - interval '24 hours'
            then coalesce(h.disabled_at, now()) end
    returning h.disabled_at into disabled;
    return coalesce(disabled = now(), false);
end
$$;

-- Callbacks to look at or to send again.  Ids, of callbacks or of jobs, find
-- delivered ones too; without ids only those that are not.
create function callbacks_found(ids uuid[] default null, host text default null)
returns setof callbacks
language sql stable as $$
    select c.* from callbacks c
    where case when ids is null then c.delivered_at is null
               else c.id = any (ids) or c.job_id = any (ids) end
      and (callbacks_found.host is null or c.host = lower(callbacks_found.host))
    order by c.id
$$;

-- To be sent at the poller's next round, with a day of attempts from now on.
create function retry_callbacks(ids uuid[]) returns bigint
language sql volatile as $$
    with moved as (
        update callbacks c set attempts = 0, next_attempt_at = now(),
                               delivered_at = null
        where c.id = any (ids)
        returning c.host
    ),
    enabled as (
        delete from callback_hosts h using moved m where h.host = m.host
    )
    select count(*) from moved
$$;
