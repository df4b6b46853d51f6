-- Getting jobs in, and finding those that nobody speaks of any more.

-- Queues captures.  next_check_at is when the poller looks whether the stream
-- entry is still there; the caller appends it right after committing.
create function create_job(
    url text,
    options jsonb default '{}',
    provider text default null,
    batch_id uuid default null,
    metadata jsonb default '{}',
    callback_url text default null,
    appended_by_caller boolean default true
) returns uuid
language sql volatile as $$
    insert into jobs (url, options, provider, max_attempts, deadline_at,
                      batch_id, metadata, callback_url, queued_at,
                      next_check_at)
    select create_job.url, coalesce(create_job.options, '{}'),
           coalesce(create_job.provider, f.provider), f.max_attempts,
           now() + f.deadline, create_job.batch_id,
           coalesce(create_job.metadata, '{}'), create_job.callback_url,
           case when appended_by_caller then now() end,
           now() + case when appended_by_caller then interval '5 seconds'
                        else interval '0' end
    from fleet_defaults f
    returning id
$$;

-- For people with psql: the poller picks the job up within a second.
create function submit_capture(url text, options jsonb default '{}')
returns uuid
language sql volatile as $$
    select pg_notify('shotfleet_submit', '');
    select create_job(url, options, appended_by_caller => false)
$$;

-- Queued jobs whose stream entry is gone, to be appended again by the caller.
-- Entries are deleted once acknowledged and the stream is in order, so an entry
-- older than the stream's oldest one (`oldest_ms`, 9223372036854775807 for an
-- empty stream) cannot be there any more.  Five seconds for clocks that differ.
create function requeue_due(oldest_ms bigint, how_many integer)
returns table (job_id uuid, attempt integer, provider text, expired boolean)
language sql volatile as $$
    with due as (
        select j.id,
               j.queued_at is null
               or extract(epoch from j.queued_at) * 1000 + 5000 < oldest_ms
                   as gone
        from jobs j
        where j.status = 'queued'
          and j.next_check_at <= now()
        order by j.next_check_at
        limit how_many
        for update skip locked
    ),
    moved as (
        update jobs j set
            queued_at = case when d.gone then now() else j.queued_at end,
            next_check_at = now() + interval '5 seconds'
        from due d where j.id = d.id
        returning j.id, j.attempt, j.provider, d.gone,
                  j.deadline_at <= now() as expired
    )
    select m.id, m.attempt, m.provider, m.expired
    from moved m where m.gone or m.expired
$$;

-- Submitted jobs that nothing was heard of, leased to the caller by moving their
-- next check away: back-off with full jitter, at most ten minutes.
create function check_due(stale_after_ms bigint, how_many integer)
returns table (job_id uuid, attempt integer, provider text,
               provider_job_id text, expired boolean)
language sql volatile as $$
    with due as (
        select j.id from jobs j
        where j.status = 'submitted'
          and j.next_check_at <= now()
        order by j.next_check_at
        limit how_many
        for update skip locked
    )
    update jobs j set
        checks = j.checks + 1,
        next_check_at = now() + interval '1 millisecond' * least(
            600000, stale_after_ms * (0.5 + random() * 2 ^ least(j.checks, 10)))
    from due d where j.id = d.id
    returning j.id, j.attempt, j.provider, j.provider_job_id,
              j.deadline_at <= now()
$$;

-- Dead letters whose time has come, leased for a minute.
create function feed_due(how_many integer)
returns table (dead_id uuid, stream text, job_id uuid, attempt integer,
               provider text, source text, type text, payload bytea,
               received_ms bigint, dropped boolean, head text)
language sql volatile as $$
    with due as (
        select l.id from dead_letters l
        where l.resolved_at is null and l.next_attempt_at <= now()
        order by l.next_attempt_at
        limit how_many
        for update skip locked
    )
    update dead_letters l set next_attempt_at = now() + interval '1 minute'
    from due d where l.id = d.id
    returning l.id, l.stream, l.job_id, l.attempt, l.provider, l.source,
              l.type, l.payload,
              (extract(epoch from l.received_at) * 1000)::bigint,
              l.dropped, l.head
$$;

-- The dead letters that wait, or wait for a person; null matches everything.
create function dead_letters_open(
    ids uuid[] default null,
    provider text default null,
    job_id uuid default null,
    error_has text default null
) returns setof dead_letters
language sql stable as $$
    select l.* from dead_letters l
    where l.resolved_at is null
      and (ids is null or l.id = any (ids))
      and (dead_letters_open.provider is null
           or l.provider = dead_letters_open.provider)
      and (dead_letters_open.job_id is null
           or l.job_id = dead_letters_open.job_id)
      and (error_has is null or strpos(l.error, error_has) > 0)
    order by l.id
$$;

-- To be fed back at the poller's next round.
create function retry_dead_letters(ids uuid[]) returns bigint
language sql volatile as $$
    with moved as (
        update dead_letters l set next_attempt_at = now(), dropped = false
        where l.id = any (ids) and l.resolved_at is null
        returning 1
    )
    select count(*) from moved
$$;

-- Given up.  A job that still waits for its letter fails; the poller tells the
-- workers, as it does of everything.
create function drop_dead_letters(ids uuid[]) returns bigint
language sql volatile as $$
    with moved as (
        update dead_letters l set
            dropped = true,
            next_attempt_at = case when j.id is not null then now() end,
            resolved_at = case when j.id is null then now() end
        from dead_letters d
        left join jobs j on j.id = d.job_id
                         and j.status in ('queued', 'submitted')
        where l.id = d.id and d.id = any (ids) and l.resolved_at is null
        returning 1
    )
    select count(*) from moved
$$;

-- Where is my job?  Made to be read.
create view job_status as
select id, url, status, attempt, progress,
       date_trunc('milliseconds', coalesce(completed_at, failed_at,
                                           cancelled_at, now())
                                  - created_at) as took,
       width, height, size_bytes, image_key, error_code, error,
       created_at
from jobs
order by id desc;

-- Is anything stuck?  Costs the work in flight and the last hour, not history.
create view fleet_status as
select active.*, recent.*, dead.*
from (select count(*) filter (where status = 'queued') as queued,
             count(*) filter (where status = 'submitted') as submitted,
             now() - min(created_at) as oldest_unfinished
      from jobs where status in ('queued', 'submitted')) active,
     (select count(*) filter (where status = 'completed')
                 as completed_last_hour,
             count(*) filter (where status = 'failed') as failed_last_hour
      from jobs where id >= uuidv7_at(now() - interval '1 hour')) recent,
     (select count(*) as dead_letters
      from dead_letters where resolved_at is null) dead;
