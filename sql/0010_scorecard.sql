-- How well providers serve us, by day, so that it can be read at once however
-- long the history is.  Days are UTC.  What a provider was asked counts for the
-- day when it was asked (jobs by their ids, which hold the time), what it sent
-- for the day when it came (deliveries, a partition each).
--
-- A day is summed up again and again while something may still change it, and
-- once more when something came late; a day that is final is not looked at.

create function uuidv7_time(id uuid) returns timestamptz
language sql immutable parallel safe as $$
    select to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)
                        ::bigint / 1000.0)
$$;

create function utc_day(at timestamptz) returns date
language sql immutable parallel safe as $$
    select (at at time zone 'UTC')::date
$$;

create table scorecard_days (
    day date primary key,
    refreshed_at timestamptz,
    took interval,
    final boolean not null default false,
    forgotten boolean not null default false -- its jobs are being removed
);
create index scorecard_days_open on scorecard_days (day) where not final;

create table provider_days (
    day date,
    provider text,
    captures bigint not null default 0,     -- asked for on this day, and ...
    completed bigint not null default 0,
    failed bigint not null default 0,
    cancelled bigint not null default 0,
    attempts bigint not null default 0,     -- of all of them
    errors jsonb not null default '{}',     -- code: failed captures
    bytes bigint not null default 0,        -- of pictures
    picture_p50_ms bigint,                  -- from asking to the picture
    picture_p99_ms bigint,
    webhooks bigint not null default 0,     -- that came on this day, and ...
    duplicates bigint not null default 0,   -- ended what one had ended already
    late bigint not null default 0,         -- ended what the poller had ended
    out_of_order bigint not null default 0, -- progress after the end
    never_came bigint not null default 0,   -- attempts that the poller ended, and
                                            -- nothing came later
    delay_p50_ms bigint,                    -- from submission to webhook
    delay_p99_ms bigint,
    primary key (day, provider)
);

-- Webhooks that were refused at the door, as ingest has counted them.
create table refusals (
    day date,
    provider text,
    outcome text,            -- signature, timestamp, body ...
    count bigint not null,
    primary key (day, provider, outcome)
);

-- What the provider was asked.
create function scorecard_captures(of_day date) returns setof provider_days
language sql stable as $$
    with job as (
        select j.*, extract(epoch from j.completed_at - j.created_at) * 1000
                    as picture_ms
        from jobs j
        where j.id >= uuidv7_at(of_day::timestamp at time zone 'UTC')
          and j.id < uuidv7_at((of_day + 1)::timestamp at time zone 'UTC')
    ),
    error as (
        select e.provider, jsonb_object_agg(e.error_code, e.n) as errors
        from (select j.provider, j.error_code, count(*) as n from job j
              where j.status = 'failed' group by 1, 2) e
        group by 1
    ),
    total as (
        select j.provider, count(*) as captures,
               count(*) filter (where j.status = 'completed') as completed,
               count(*) filter (where j.status = 'failed') as failed,
               count(*) filter (where j.status = 'cancelled') as cancelled,
               sum(j.attempt) as attempts, sum(j.size_bytes) as bytes,
               percentile_disc(array[0.5, 0.99]) within group (
                   order by j.picture_ms) as picture_ms
        from job j group by 1
    )
    select of_day, t.provider, t.captures, t.completed, t.failed, t.cancelled,
           t.attempts, coalesce(e.errors, '{}'), coalesce(t.bytes, 0),
           t.picture_ms[1]::bigint, t.picture_ms[2]::bigint, 0::bigint,
           0::bigint, 0::bigint, 0::bigint, 0::bigint, null::bigint,
           null::bigint
    from total t left join error e using (provider)
$$;

-- What the provider sent, or did not.  An attempt has one end; whatever more ends
-- it is a duplicate.
create function scorecard_webhooks(of_day date) returns setof provider_days
language sql stable as $$
    with came as (
        select d.*, d.event in ('completed', 'failed', 'retry', 'dead') as ends
        from deliveries d
        where d.day = of_day and d.source in ('webhook', 'poll')
          and d.provider is not null
    ),
    webhook as (
        select c.provider, count(*) as webhooks,
               count(*) filter (where c.event = 'progress'
                                and c.outcome = 'ignored') as out_of_order
        from came c where c.source = 'webhook' group by 1
    ),
    -- one row for each attempt that a webhook or the poller has ended
    ended as (
        select c.provider, c.job_id, c.attempt,
               count(*) filter (where c.source = 'webhook') as webhooks,
               bool_or(c.source = 'poll' and c.outcome = 'recorded') as polled
        from came c
        where c.ends and c.job_id is not null
        group by 1, 2, 3
    ),
    judged as (
        select e.provider, sum(greatest(0, e.webhooks - 1)) as duplicates,
               count(*) filter (where e.polled and e.webhooks > 0) as late,
               count(*) filter (where e.polled and e.webhooks = 0
                   and not exists (
                       select from deliveries w
                       where w.job_id = e.job_id and w.day = of_day + 1
                         and w.source = 'webhook' and w.attempt = e.attempt
                         and w.event in ('completed', 'failed', 'retry')))
                   as never_came
        from ended e group by 1
    ),
    delayed as (
        select c.provider, percentile_disc(array[0.5, 0.99]) within group (
                   -- a webhook may overtake the record of its submission
                   order by greatest(0, extract(
                       epoch from c.received_at - j.submitted_at) * 1000))
                   as delay_ms
        from came c join jobs j on j.id = c.job_id
        where c.source = 'webhook' and c.outcome = 'recorded'
          and c.event in ('completed', 'failed')
          and j.submitted_at is not null
        group by 1
    )
    select of_day, provider, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
           0::bigint, '{}'::jsonb, 0::bigint, null::bigint, null::bigint,
           coalesce(w.webhooks, 0), coalesce(j.duplicates, 0)::bigint,
           coalesce(j.late, 0), coalesce(w.out_of_order, 0),
           coalesce(j.never_came, 0), d.delay_ms[1]::bigint,
           d.delay_ms[2]::bigint
    from webhook w
    full join judged j using (provider)
    full join delayed d using (provider)
$$;

create function scorecard_refresh(of_day date) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    started constant timestamptz := clock_timestamp();
    -- within eight days every job has ended, but for those that wait for a person
    final constant boolean :=
        utc_day(now()) > of_day + 1 and (
            utc_day(now()) > of_day + 8
            or not exists (
                select from jobs j
                where j.status in ('queued', 'submitted')
                  and j.id >= uuidv7_at(of_day::timestamp at time zone 'UTC')
                  and j.id < uuidv7_at((of_day + 1)::timestamp
                                       at time zone 'UTC')));
begin
    delete from provider_days where day = of_day;
    insert into provider_days
    select of_day, provider, coalesce(c.captures, 0), coalesce(c.completed, 0),
           coalesce(c.failed, 0), coalesce(c.cancelled, 0),
           coalesce(c.attempts, 0), coalesce(c.errors, '{}'),
           coalesce(c.bytes, 0), c.picture_p50_ms, c.picture_p99_ms,
           coalesce(w.webhooks, 0), coalesce(w.duplicates, 0),
           coalesce(w.late, 0), coalesce(w.out_of_order, 0),
           coalesce(w.never_came, 0), w.delay_p50_ms, w.delay_p99_ms
    from scorecard_captures(of_day) c
    full join scorecard_webhooks(of_day) w using (provider);

    insert into scorecard_days values (
        of_day, now(), clock_timestamp() - started, final)
    on conflict (day) do update set
        refreshed_at = excluded.refreshed_at, took = excluded.took,
        final = excluded.final;

    -- days whose jobs have ended on this one, unless they are forgotten
    update scorecard_days s set final = false
    where s.final and not s.forgotten
      and s.refreshed_at < now() - interval '1 hour'
      and s.day in (
          select utc_day(uuidv7_time(d.job_id)) from deliveries d
          where d.day = of_day and d.outcome = 'recorded'
            and d.event in ('completed', 'failed')
            and d.recorded_at > s.refreshed_at
            and d.job_id < uuidv7_at((of_day - 1)::timestamp
                                     at time zone 'UTC'));
end
$$;

-- Sums up the one day that is most in need of it; null when none is.  Today is
-- looked at every minute, others every ten; none gets more than a twentieth of
-- the time.
create function scorecard_step() returns date
language plpgsql as $$
declare
    today constant date := utc_day(now());
    chosen date;
begin
    if not pg_try_advisory_xact_lock(
            hashtextextended('shotfleet scorecard', 0)) then
        return null;
    end if;
    insert into scorecard_days (day)
    select n::date from generate_series(
        coalesce((select max(s.day) + 1 from scorecard_days s),
                 utc_day(uuidv7_time((select j.id from jobs j
                                      order by j.id limit 1))),
                 today),
        today, interval '1 day') n
    on conflict do nothing;

    select s.day into chosen from scorecard_days s
    where not s.final
      and (s.refreshed_at is null or s.refreshed_at < now() - greatest(
              20 * s.took,
              case when s.day >= today then interval '1 minute'
                   else interval '10 minutes' end))
    order by s.day desc limit 1;
    if chosen is not null then
        perform scorecard_refresh(chosen);
    end if;
    return chosen;
end
$$;

-- Adds what ingest has counted.  An entry is counted once: the ids of one Redis
-- grow, and what was counted of each is known.
create table refusal_marks (
    redis text primary key,
    last_ms bigint not null,
    last_number bigint not null
);

create function record_refusals(
    redis text,
    ids text[],              -- of stream entries: 1700000000000-0
    providers text[],
    outcomes text[],
    counts bigint[]
) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    mark refusal_marks;
begin
    insert into refusal_marks values (record_refusals.redis, 0, 0)
    on conflict do nothing;
    select * into mark from refusal_marks m
    where m.redis = record_refusals.redis for update;

    insert into refusals as r
    select utc_day(to_timestamp(e.ms / 1000.0)), e.provider, e.outcome,
           sum(e.count)
    from (select split_part(u.id, '-', 1)::bigint as ms,
                 split_part(u.id, '-', 2)::bigint as number, u.*
          from unnest(ids, providers, outcomes, counts)
               as u (id, provider, outcome, count)) e
    where (e.ms, e.number) > (mark.last_ms, mark.last_number)
    group by 1, 2, 3
    on conflict (day, provider, outcome)
        do update set count = r.count + excluded.count;

    update refusal_marks m
    set last_ms = e.ms, last_number = e.number
    from (select split_part(id, '-', 1)::bigint as ms,
                 split_part(id, '-', 2)::bigint as number
          from unnest(ids) id order by 1 desc, 2 desc limit 1) e
    where m.redis = record_refusals.redis
      and (e.ms, e.number) > (m.last_ms, m.last_number);
end
$$;

-- A row for each provider and day.  Refused webhooks are counted under the
-- provider whose address they were sent to.
create view provider_scorecard as
select day, provider,
       coalesce(p.captures, 0) as captures,
       coalesce(p.completed, 0) as completed,
       coalesce(p.failed, 0) as failed,
       coalesce(p.cancelled, 0) as cancelled,
       round(100.0 * p.completed / nullif(p.completed + p.failed, 0), 2)
           as success_percent,
       coalesce(p.errors, '{}') as errors,
       coalesce(p.attempts, 0) as attempts,
       coalesce(p.bytes, 0) as bytes,
       p.picture_p50_ms, p.picture_p99_ms,
       coalesce(p.webhooks, 0) as webhooks,
       coalesce(p.duplicates, 0) as duplicates,
       coalesce(p.late, 0) as late,
       coalesce(p.out_of_order, 0) as out_of_order,
       coalesce(p.never_came, 0) as never_came,
       p.delay_p50_ms, p.delay_p99_ms,
       coalesce((r.refused ->> 'signature')::bigint, 0) as bad_signatures,
       coalesce(r.refused, '{}') as refused
from provider_days p
full join (select day, provider, jsonb_object_agg(outcome, count) as refused
           from refusals where provider not in ('', 'other')
           group by 1, 2) r using (day, provider);
