-- deliveries in one partition a day, so that forgetting old ones is dropping
-- whole partitions, and the tables that change most kept tidy by autovacuum.
--
-- An entry's partition is the UTC day of the millisecond in its own id: wherever
-- and however often it is delivered, it meets its own row.

create function entry_day(entry_id text) returns date
language sql immutable parallel safe as $$
    -- an id that somebody made up may lie far in the future
    select date '1970-01-01' + least(2000000,
        left(split_part(split_part(entry_id, ':', 2), '-', 1), 18)::bigint
        / 86400000)::integer
$$;

alter table deliveries rename to deliveries_before;
alter index deliveries_pkey rename to deliveries_before_pkey;
alter index deliveries_job rename to deliveries_before_job;

create table deliveries (
    entry_id text collate "C" not null, -- webhook:1700000000000-0
    day date not null check (day = entry_day(entry_id)),
    job_id uuid,
    attempt integer,
    provider text,
    source text,                 -- webhook, poll, retry; submit for submissions
    event text not null,
    outcome text not null check (
        outcome in ('recorded', 'duplicate', 'ignored', 'dead')),
    delivery_id text,            -- as the provider numbers its webhooks
    ip inet,
    received_at timestamptz not null,
    recorded_at timestamptz not null default now(),
    primary key (entry_id, day)
) partition by range (day);
create index deliveries_job on deliveries (job_id) where job_id is not null;

-- The net: days that nobody made a partition for, and entries that come so late
-- that theirs was dropped already.
create table deliveries_default partition of deliveries default;

create function delivery_partition(day date) returns text
language sql immutable parallel safe as $$
    select 'deliveries_' || to_char(day, 'YYYY_MM_DD')
$$;

-- Its rows were in the default partition so far, if there are any.  The caller
-- has the table locked.
create function delivery_partition_add(new_day date) returns void
language plpgsql as $$
declare
    name constant text := delivery_partition(new_day);
begin
    execute format('create table %I (like deliveries including all)'
                   ' with (autovacuum_freeze_min_age = 0)', name);
    execute format('with moved as (delete from deliveries_default'
                   '               where day = %L returning *)'
                   ' insert into %I select * from moved', new_day, name);
    execute format('alter table deliveries attach partition %I'
                   ' for values from (%L) to (%L)', name, new_day, new_day + 1);
end
$$;

-- Makes the partitions from yesterday until so many days ahead; answers how many
-- were missing.  Any number of callers may do it at once.  Recording waits for
-- the milliseconds that it takes; what holds the table for longer makes it fail
-- after two seconds (lock_not_available), to be tried again later.
create function delivery_partitions_create(days_ahead integer default 7)
returns integer
language plpgsql set lock_timeout = '2s' as $$
declare
    today constant date := (now() at time zone 'UTC')::date;
    missing date[];
begin
    perform pg_advisory_xact_lock(
        hashtextextended('shotfleet delivery partitions', 0));
    missing := array(
        select today + n from generate_series(-1, days_ahead) n
        where to_regclass(delivery_partition(today + n)) is null
        order by n);
    if cardinality(missing) > 0 then
        lock table deliveries in access exclusive mode;
        perform delivery_partition_add(d) from unnest(missing) d;
    end if;
    return cardinality(missing);
end
$$;

-- Forgets the days before that of `before` (in UTC): drops their partitions, and
-- deletes from the default one what was also recorded before it.  Answers how
-- many partitions were dropped.  Waits, and gives up, like the above.
create function delivery_partitions_drop(before timestamptz) returns integer
language plpgsql set lock_timeout = '2s' as $$
declare
    first_day constant date := (before at time zone 'UTC')::date;
    name text;
    dropped integer := 0;
begin
    perform pg_advisory_xact_lock(
        hashtextextended('shotfleet delivery partitions', 0));
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'deliveries'::regclass
          and c.relname ~ '^deliveries_\d+_\d\d_\d\d$'
          and to_date(substr(c.relname, 12), 'YYYY_MM_DD') < first_day
        order by c.relname
    loop
        execute format('drop table %I', name);
        dropped := dropped + 1;
    end loop;
    delete from deliveries_default
    where day < first_day and recorded_at < before;
    return dropped;
end
$$;

-- What is there keeps its place; of malformed webhooks, which had the hash of
-- their bodies for a key, the time they came at is known.
create temp table moving on commit drop as
select entry_id as old_id,
       case when entry_id like 'body:%' then
           'webhook:' || (extract(epoch from received_at) * 1000)::bigint
           || '-' || entry_id
       else entry_id end as entry_id
from deliveries_before;

select delivery_partitions_create();
select delivery_partition_add(d.day)
from (select distinct entry_day(entry_id) as day from moving) d
where d.day > (now() at time zone 'UTC')::date - 400
  and to_regclass(delivery_partition(d.day)) is null
order by d.day;

insert into deliveries (entry_id, day, job_id, attempt, provider, source, event,
                        outcome, delivery_id, ip, received_at, recorded_at)
select m.entry_id, entry_day(m.entry_id), b.job_id, b.attempt, b.provider,
       b.source, b.event, b.outcome, b.delivery_id, b.ip, b.received_at,
       b.recorded_at
from deliveries_before b join moving m on m.old_id = b.entry_id;
drop table deliveries_before;

-- Each job is changed a few times within seconds and then never again.  A fifth
-- of the table, PostgreSQL's default, is far too much to wait for.
alter table jobs set (
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0.02);
alter table dead_letters set (
    autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
alter table callbacks set (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

-- Records what became of many entries at once, in the caller's one transaction.
-- Arrays of equal length, one element per entry, at most one entry per job (the
-- worker sees to it: the next one waits for the next batch); an array without a
-- value may be null as a whole.  Answers in the order of the entries what was
-- made of each, and the job's state after it.
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
            heads, letter_keys) with ordinality
        as e (entry_id, job_id, attempt, event, provider, source,
              delivery_id, ip, received_ms, provider_job_id, progress,
              image_key, image_type, width, height, size_bytes, sha256,
              error, error_code, delay_ms, dead_id, content_type, payload,
              head, letter_key, n)
    ),
    judged as (
        select e.*, j.status as old_status, j.attempt as old_attempt,
            case
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
    -- whoever finds his entry's row there has nothing more to do
    delivered as (
        insert into deliveries (entry_id, day, job_id, attempt, provider, source,
                                event, outcome, delivery_id, ip, received_at)
        select d.entry_id, entry_day(d.entry_id), d.job_id, d.attempt,
               d.provider, d.source, d.event, d.outcome, d.delivery_id, d.ip,
               to_timestamp(d.received_ms / 1000.0)
        from judged d
        on conflict do nothing
        returning entry_id
    ),
    decided as materialized (
        select d.* from judged d join delivered using (entry_id)
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
        select coalesce(d.letter_key, d.entry_id),
               'shotfleet:' || split_part(d.entry_id, ':', 1), d.job_id,
               d.attempt, d.provider, d.source, d.content_type, d.head,
               coalesce(d.payload, ''),
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
        from decided d where d.dead_id = l.id
    )
    select e.entry_id, coalesce(d.outcome, 'repeated'),
           coalesce(c.status, e.old_status), coalesce(c.attempt, e.old_attempt),
           c.progress::integer
    from judged e
    left join decided d on d.n = e.n
    left join changed c on c.id = d.job_id
    order by e.n;
end
$$;
