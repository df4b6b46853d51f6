-- Applying stream entries: the state machine as data, and the one function
-- through which every result is recorded.

-- A pair that is not here changes nothing.
create table transitions (
    event text,
    from_status text,
    to_status text not null,
    primary key (event, from_status)
);
insert into transitions (event, from_status, to_status) values
    ('submitted', 'queued',    'submitted'),
    -- a webhook may overtake the record of its own submission
    ('progress',  'queued',    'queued'),
    ('progress',  'submitted', 'submitted'),
    ('completed', 'queued',    'completed'),
    ('completed', 'submitted', 'completed'),
    ('failed',    'queued',    'failed'),
    ('failed',    'submitted', 'failed'),
    -- to be tried again; to failed when no attempt is left
    ('retry',     'queued',    'queued'),
    ('retry',     'submitted', 'queued'),
    -- the provider did not take it, which costs no attempt (it is busy, or down)
    ('postpone',  'queued',    'queued');

-- Records what became of many entries at once, in the caller's one transaction.
-- Arrays of equal length, one element per entry, at most one entry per job (the
-- worker sees to it: the next one waits for the next batch).  Answers what was
-- made of each entry and the job's state after it.
create function record_entries(
    entry_ids text[],
    streams text[],
    job_ids uuid[],
    attempts integer[],       -- that the entry speaks of; null: the present one
    events text[],            -- of transitions, or dead, or ignored
    providers text[],
    sources text[],
    delivery_ids text[],
    ips inet[],
    received_ms bigint[],
    provider_job_ids text[],
    progresses integer[],
    image_keys text[],
    image_types text[],
    widths integer[],
    heights integer[],
    sizes_bytes bigint[],
    sha256s text[],
    errors text[],
    error_codes text[],
    delays_ms bigint[],       -- until a retry; dead: until it is fed back
    content_types text[],
    payloads bytea[],         -- dead: the raw body
    dead_ids uuid[],          -- the dead letter that this entry feeds back
    stale_after_ms bigint,
    max_feeds integer,        -- dead letters are fed back so often
    heads text[] default null -- dead: what the entry says outside its body
) returns table (
    entry_id text,
    outcome text,             -- of deliveries, or repeated: recorded before
    job_id uuid,
    status text,
    attempt integer,
    progress integer
)
language plpgsql as $$
#variable_conflict use_column
begin
    -- in order of id, so that two workers never wait for each other
    perform 1 from jobs j where j.id = any (job_ids) order by j.id for update;

    -- a new statement: it sees what was committed while we waited for the locks
    return query
    with entry as (
        select * from unnest(
            entry_ids, streams, job_ids, attempts, events, providers, sources,
            delivery_ids, ips, received_ms, provider_job_ids, progresses,
            image_keys, image_types, widths, heights, sizes_bytes, sha256s,
            errors, error_codes, delays_ms, content_types, payloads, dead_ids,
            heads)
        as e (entry_id, stream, job_id, attempt, event, provider, source,
              delivery_id, ip, received_ms, provider_job_id, progress,
              image_key, image_type, width, height, size_bytes, sha256,
              error, error_code, delay_ms, content_type, payload, dead_id,
              head)
    ),
    decided as (
        select e.*, j.status as old_status, j.attempt as old_attempt,
            case
                when exists (select from deliveries d
                             where d.entry_id = e.entry_id) then 'repeated'
                when e.event in ('dead', 'ignored') then e.event
                when j.id is null then 'dead'
                when e.attempt <> j.attempt then 'ignored'
                when t.to_status is not null then 'recorded'
                when e.event = j.status then 'duplicate'
                else 'ignored'
            end as outcome,
            case when e.event = 'retry' and j.attempt >= j.max_attempts
                 then 'failed' else t.to_status end as new_status
        from entry e
        left join jobs j on j.id = e.job_id
        left join transitions t
            on t.event = e.event and t.from_status = j.status
    ),
    delivered as (
        insert into deliveries (entry_id, job_id, attempt, provider, source,
                                event, outcome, delivery_id, ip, received_at)
        select d.entry_id, d.job_id, d.attempt, d.provider, d.source, d.event,
               d.outcome, d.delivery_id, d.ip,
               to_timestamp(d.received_ms / 1000.0)
        from decided d where d.outcome <> 'repeated'
        on conflict do nothing
    ),
    changed as (
        update jobs j set
            status = d.new_status,
            attempt = j.attempt + (d.event = 'retry'
                                   and d.new_status = 'queued')::integer,
            provider_job_id = case
                when d.event = 'retry' and d.new_status = 'queued' then null
                else coalesce(d.provider_job_id, j.provider_job_id) end,
            progress = case
                when d.event = 'progress'
                    then greatest(j.progress, d.progress::smallint)
                when d.new_status = 'completed' then 100
                when d.new_status = 'queued' then null
                else j.progress end,
            image_key = coalesce(d.image_key, j.image_key),
            image_type = coalesce(d.image_type, j.image_type),
            width = coalesce(d.width, j.width),
            height = coalesce(d.height, j.height),
            size_bytes = coalesce(d.size_bytes, j.size_bytes),
            sha256 = coalesce(d.sha256, j.sha256),
            error = case when d.event = 'progress' then j.error
                         else d.error end,
            error_code = case when d.event = 'progress' then j.error_code
                              else d.error_code end,
            queued_at = case when d.event in ('retry', 'postpone') then null
                             else j.queued_at end,
            submitted_at = case
                when d.event = 'submitted' then now()
                when d.new_status = 'queued' then null
                else j.submitted_at end,
            completed_at = case when d.new_status = 'completed' then now() end,
            failed_at = case when d.new_status = 'failed' then now() end,
            next_check_at = case
                when d.event in ('retry', 'postpone')
                     and d.new_status = 'queued'
                    then now() + d.delay_ms * interval '1 millisecond'
                when d.new_status = 'submitted'
                    then now() + stale_after_ms * interval '1 millisecond'
                when d.new_status = 'queued' and d.dead_id is not null
                    then coalesce(j.next_check_at, now())
                when d.new_status = 'queued' then j.next_check_at
                end,
            checks = 0
        from decided d
        where d.outcome = 'recorded' and j.id = d.job_id
        returning j.id, j.status, j.attempt, j.progress, j.callback_url
    ),
    announced as (
        insert into callbacks (job_id, url, event)
        select c.id, c.callback_url, 'job.' || c.status from changed c
        where c.callback_url is not null
          and c.status in ('completed', 'failed')
        on conflict do nothing
    ),
    -- a job with a dead letter is the dead letter's business, not the poller's;
    -- once a letter is resolved without ending the job it is the poller's again;
    -- a letter of an earlier attempt halts nothing
    halted as (
        update jobs j set
            next_check_at = case when d.outcome <> 'dead'
                                 then coalesce(j.next_check_at, now()) end,
            error = case when d.outcome = 'dead' then d.error
                         else j.error end,
            error_code = case when d.outcome = 'dead' then d.error_code
                              else j.error_code end
        from decided d
        where j.id = d.job_id
          and j.status in ('queued', 'submitted')
          and (d.outcome = 'dead' and coalesce(d.attempt, j.attempt) = j.attempt
               or d.outcome in ('ignored', 'duplicate')
                   and d.dead_id is not null)
    ),
    buried as (
        insert into dead_letters (entry_id, stream, job_id, attempt, provider,
                                  source, type, head, payload, error,
                                  received_at, next_attempt_at)
        select d.entry_id, d.stream, d.job_id, d.attempt, d.provider,
               d.source, d.content_type, d.head, coalesce(d.payload, ''),
               coalesce(d.error, 'no job has this id'),
               to_timestamp(d.received_ms / 1000.0),
               now() + d.delay_ms * interval '1 millisecond'
        from decided d where d.outcome = 'dead' and d.dead_id is null
        on conflict do nothing
    ),
    fed as (
        update dead_letters l set
            attempts = l.attempts + (d.outcome = 'dead')::integer,
            error = case when d.outcome = 'dead'
                         then coalesce(d.error, l.error) else l.error end,
            next_attempt_at = case
                when d.outcome = 'dead' and l.attempts + 1 < max_feeds
                then now() + d.delay_ms * 6 ^ l.attempts
                             * interval '1 millisecond' end,
            resolved_at = case when d.outcome <> 'dead' then now() end
        from decided d
        where d.dead_id = l.id and d.outcome <> 'repeated'
    )
    select d.entry_id, d.outcome, d.job_id, coalesce(c.status, d.old_status),
           coalesce(c.attempt, d.old_attempt), c.progress::integer
    from decided d left join changed c on c.id = d.job_id;
end
$$;
