-- A worker need not ask for a job before it records what a webhook says of it: an
-- entry that names a job which is not there, or is another provider's, becomes a dead
-- letter here, without a job (known_id).
--
-- An entry is told from another one with its id by when it was received; its row
-- has that behind the id: webhook:1700000000000-0~1700000000123.

-- Planned anew each time, so that it touches the one partition.
create function is_another(entry_id text, received_ms bigint) returns boolean
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
begin
    return exists (
        select from deliveries d
        where d.entry_id = is_another.entry_id and d.day = entry_day(is_another.entry_id)
          and d.received_at <> to_timestamp(is_another.received_ms / 1000.0));
end
$$;

-- A batch looks its jobs up by their ids, whatever the planner believes: where the
-- statistics are from a quiet moment, an index of jobs in flight promises a row or
-- none, and every entry would be held against every job in flight.  So what `halted`
-- asks of a job's state comes from `judged`, which has read its row.
--
-- A letter that was fed back counts a failure only once for each of its tries
-- (dead_tries, and what `feeds` it; letter_is_past() in 0019).
drop function record_entries;
create function record_entries(
    entry_ids text[],
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
    dead_ids uuid[],          -- the dead letter that this entry feeds back
    -- of what may become a dead letter:
    content_types text[],
    payloads bytea[],         -- the raw body
    heads text[],             -- what the entry says outside its body
    letter_keys text[],       -- of letters with one key one is kept; null: the
                              -- entry's id
    dead_tries integer[],     -- of dead_ids, as feed_due() said; null: not said
    stale_after_ms bigint,
    max_feeds integer         -- dead letters are fed back so often
) returns table (
    entry_id text,
    outcome text,             -- of deliveries, or repeated: recorded before
    status text,
    attempt integer,
    progress integer
)
language plpgsql set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    -- in order of id, so that two workers never wait for each other
    perform 1 from jobs j where j.id = any (job_ids) order by j.id for update;

    -- a new statement: it sees what was committed while we waited for the locks
    return query
    with entry as (
        select * from unnest(
            entry_ids, job_ids, attempts, events, providers, sources,
            delivery_ids, ips, received_ms, provider_job_ids, progresses,
            image_keys, image_types, widths, heights, sizes_bytes, sha256s,
            errors, error_codes, delays_ms, dead_ids, content_types, payloads,
            heads, letter_keys, dead_tries) with ordinality
        as e (entry_id, job_id, attempt, event, provider, source,
              delivery_id, ip, received_ms, provider_job_id, progress,
              image_key, image_type, width, height, size_bytes, sha256,
              error, error_code, delay_ms, dead_id, content_type, payload,
              head, letter_key, tries, n)
    ),
    judged as (
        select e.*, j.id as known_id, j.status as old_status,
            j.attempt as old_attempt,
            case
                when e.event = 'ignored' then 'ignored'
                when (e.event = 'dead' or j.id is null)
                     and letter_is_past(e.dead_id, e.tries) then 'ignored'
                when e.event = 'dead' or j.id is null then 'dead'
                when e.attempt <> j.attempt then 'ignored'
                when t.to_status is not null then 'recorded'
                when e.event = j.status then 'duplicate'
                else 'ignored'
            end as outcome,
            case when e.event = 'retry' and j.attempt >= j.max_attempts
                 then 'failed' else t.to_status end as new_status,
            -- a failure that counts no more is nothing to the letter
            case when e.event <> 'dead' and j.id is not null
                      or not letter_is_past(e.dead_id, e.tries)
                 then e.dead_id end as feeds
        from entry e
        -- a job of another provider's is none of its business
        left join jobs j on j.id = e.job_id
            and (e.provider is null or j.provider = e.provider)
        left join transitions t
            on t.event = e.event and t.from_status = j.status
    ),
    -- whoever finds his entry's row there has nothing more to do
    delivered as (
        insert into deliveries (entry_id, day, job_id, attempt, provider, source,
                                event, outcome, delivery_id, ip, received_at)
        select d.entry_id, entry_day(d.entry_id), d.known_id, d.attempt,
               d.provider, d.source, d.event, d.outcome, d.delivery_id, d.ip,
               to_timestamp(d.received_ms / 1000.0)
        from judged d
        on conflict do nothing
        returning entry_id
    ),
    -- unless it is another's: a Redis that lost its last entries while its clock
    -- had been ahead gives their ids out again
    met as materialized (
        select d.* from judged d left join delivered x using (entry_id)
        where x.entry_id is null
    ),
    renamed as materialized (
        select m.n, regexp_replace(m.entry_id, '^[^@]+', '\&~' || m.received_ms)
               as row_id
        from met m where is_another(m.entry_id, m.received_ms)
    ),
    delivered_too as (
        insert into deliveries (entry_id, day, job_id, attempt, provider, source,
                                event, outcome, delivery_id, ip, received_at)
        select r.row_id, entry_day(r.row_id), d.known_id, d.attempt,
               d.provider, d.source, d.event, d.outcome, d.delivery_id, d.ip,
               to_timestamp(d.received_ms / 1000.0)
        from renamed r join met d using (n)
        on conflict do nothing
        returning entry_id
    ),
    decided as materialized (
        select d.*, d.entry_id as row_id from judged d join delivered using (entry_id)
        union all
        select d.*, r.row_id from met d join renamed r using (n)
        join delivered_too x on x.entry_id = r.row_id
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
        where d.outcome = 'recorded' and j.id = d.known_id
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
        where j.id = d.known_id
          and d.old_status in ('queued', 'submitted')
          and (d.outcome = 'dead' and coalesce(d.attempt, j.attempt) = j.attempt
               or d.outcome in ('ignored', 'duplicate')
                   and d.feeds is not null)
    ),
    buried as (
        insert into dead_letters (entry_id, stream, job_id, attempt, provider,
                                  source, type, head, payload, error, history,
                                  received_at, next_attempt_at)
        select coalesce(d.letter_key, d.row_id),
               'shotfleet:' || split_part(d.entry_id, ':', 1), d.known_id,
               d.attempt, d.provider, d.source, d.content_type, d.head,
               coalesce(d.payload, ''),
               w.why, tried_again('[]', w.why),
               to_timestamp(d.received_ms / 1000.0),
               case when d.event = 'dead'
                    then now() + d.delay_ms * interval '1 millisecond' end
        from decided d
        cross join lateral (select
            case when d.event = 'dead' then coalesce(d.error, 'no reason given')
                 else 'no job of this provider has this id' end) w (why)
        where d.outcome = 'dead' and d.feeds is null
        on conflict do nothing
    ),
    fed as (
        update dead_letters l set
            attempts = l.attempts
                + (d.outcome = 'dead' and not w.waits)::integer,
            host_waits = l.host_waits + (d.outcome = 'dead' and w.waits)::integer,
            error = case when d.outcome = 'dead'
                         then coalesce(d.error, l.error) else l.error end,
            history = case when d.outcome = 'dead'
                           then tried_again(l.history, coalesce(d.error, l.error))
                           else l.history end,
            next_attempt_at = case
                when d.outcome = 'dead' and w.waits
                then now() + least(600000, d.delay_ms * 2 ^ least(l.host_waits, 10))
                             * (0.5 + random() / 2) * interval '1 millisecond'
                when d.outcome = 'dead' and l.attempts + 1 < max_feeds
                then now() + d.delay_ms * 6 ^ l.attempts
                             * interval '1 millisecond' end,
            resolved_at = case when d.outcome <> 'dead' then now() end
        from decided d
        -- the picture's host is away: for a day that is not the letter's fault
        join lateral (select d.error_code = 'PICTURE_HOST' is true
                             and f.received_at > now() - interval '1 day'
                      from dead_letters f where f.id = d.feeds) w (waits)
            on true
        -- as it is once whoever is at it just now has committed
        where d.feeds = l.id
          and (d.outcome <> 'dead'
               or coalesce(d.tries = l.attempts + l.host_waits, true))
    )
    select e.entry_id, coalesce(d.outcome, 'repeated'),
           coalesce(c.status, e.old_status), coalesce(c.attempt, e.old_attempt),
           c.progress::integer
    from judged e
    left join decided d on d.n = e.n
    left join changed c on c.id = d.known_id
    order by e.n;
end
$$;
