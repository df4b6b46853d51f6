-- Asking providers about silent jobs, at a pace that they can bear: oldest first,
-- a few at a time, so many in a second over all pollers, and not at all while
-- they are down.  And jobs beyond their deadline, whoever they wait for.

-- A way in for each task, so that none walks through what another has to do; each
-- is as large as the work in flight.
drop index jobs_due;
create index jobs_to_queue on jobs (next_check_at) where status = 'queued';
create index jobs_to_check on jobs (provider, next_check_at)
    where status = 'submitted';
create index jobs_to_end on jobs (deadline_at)
    where status in ('queued', 'submitted');

-- How providers answer the poller's questions.  It is here rather than in a
-- poller, so that all pollers keep one pace and one clock, the database's.
create table provider_health (
    provider text primary key,
    failures integer not null default 0, -- in a row, not counting those in pauses
    failing_since timestamptz,
    error text,                          -- of the last failure
    paused_until timestamptz,            -- asked nothing until then
    allowance double precision not null default 1, -- questions left ...
    counted_at timestamptz not null default now()  -- ... at this time
);

-- From so many failures in a row on a provider is left alone, and then asked one
-- question at a time until it answers.
create function provider_patience() returns integer
language sql immutable parallel safe as 'select 5';

-- A pause that is further away was set by a clock that has jumped since.
create function is_paused(health provider_health) returns boolean
language sql stable as $$
    select health.paused_until > now()
       and health.paused_until <= now() + interval '10 minutes'
$$;

-- The providers of submitted jobs: one look into the index for each.
create function providers_in_use() returns setof text
language sql stable as $$
    with recursive names (name) as (
        select min(provider) from jobs where status = 'submitted'
        union all
        select (select min(j.provider) from jobs j
                where j.status = 'submitted' and j.provider > n.name)
        from names n where n.name is not null
    )
    select name from names where name is not null
$$;

-- How many questions a provider may be asked now; locks its row, so that its pace
-- is one for all pollers.  0 if another poller is at it just now.
create function allow_questions(
    provider text,
    room integer,
    rate real,               -- in a second, and at once after a pause of any length
    out allowed integer,
    out failing boolean
)
language plpgsql as $$
declare
    health provider_health;
    questions double precision;
begin
    insert into provider_health (provider) values (allow_questions.provider)
    on conflict do nothing;
    select * into health from provider_health h
    where h.provider = allow_questions.provider for update skip locked;
    failing := health.failures > 0;
    if health.provider is null or is_paused(health) then
        allowed := 0;
        return;
    end if;

    questions := least(greatest(rate, 1), health.allowance + rate
        * greatest(0, extract(epoch from clock_timestamp() - health.counted_at)));
    allowed := least(room, floor(questions),
                     case when health.failures >= provider_patience() then 1 end);
    update provider_health h
    set allowance = questions - allowed,
        counted_at = clock_timestamp()
    where h.provider = allow_questions.provider;
end
$$;

-- What became of a question.  Answers for how long the provider is left alone from
-- now on, if it was not before; null if it is not.
create function provider_answered(
    provider text,
    error text,              -- null: it went well
    pause_ms bigint          -- that it asked for; null: none
) returns bigint
language sql volatile as $$
    update provider_health h set
        failures = 0, failing_since = null, error = null, paused_until = null,
        allowance = 0, counted_at = clock_timestamp()
    where provider_answered.error is null
      and h.provider = provider_answered.provider and h.failures > 0;

    update provider_health h set
        failures = h.failures + 1,
        failing_since = coalesce(h.failing_since, now()),
        error = provider_answered.error,
        paused_until = now() + interval '1 millisecond' * coalesce(
            pause_ms,
            case when h.failures + 1 >= provider_patience()
                 then least(60000, 2000 * 2 ^ least(
                          10, h.failures + 1 - provider_patience()))
                      * (0.75 + random() / 4) end)
    where provider_answered.error is not null
      and h.provider = provider_answered.provider
      and is_paused(h) is not true
    returning (extract(epoch from paused_until - now()) * 1000)::bigint
$$;

-- Silent jobs of one provider, leased to the caller by moving their next check
-- away: back-off with full jitter, at most ten minutes and never beyond the
-- deadline.
create function lease_checks(
    provider text,
    stale_after_ms bigint,
    how_many integer
) returns table (job_id uuid, attempt integer, provider_job_id text)
language sql volatile as $$
    with due as (
        select j.id from jobs j
        where j.status = 'submitted'
          and j.provider = lease_checks.provider
          and j.next_check_at <= now()
          and j.deadline_at > now()
        order by j.next_check_at
        limit how_many
        for update skip locked
    )
    update jobs j set
        checks = j.checks + 1,
        next_check_at = least(
            now() + interval '1 millisecond' * least(
                600000,
                stale_after_ms * (0.5 + random() * 2 ^ least(j.checks, 10))),
            greatest(j.deadline_at, now() + interval '1 second'))
    from due d where j.id = d.id
    returning j.id, j.attempt, j.provider_job_id
$$;

-- Silent jobs of all providers.  Of those named, each gets no more questions than
-- there is room for and than its rate allows; of all others there is nobody to
-- ask, and they are bounded by `others` only.
drop function check_due(bigint, integer);
create function check_due(
    stale_after_ms bigint,
    providers text[],
    rooms integer[],
    rates real[],
    others integer
) returns table (job_id uuid, attempt integer, provider text,
                 provider_job_id text, failing boolean)
language plpgsql as $$
declare
    name text;
    asked integer;           -- its place among `providers`
    room integer;
    failing boolean;
begin
    for name in
        select p from providers_in_use() p
        where exists (select from jobs j
                      where j.status = 'submitted' and j.provider = p
                        and j.next_check_at <= now())
    loop
        asked := array_position(providers, name);
        room := others;
        failing := false;
        if asked is not null then
            continue when rooms[asked] <= 0;
            select a.allowed, a.failing into room, failing
            from allow_questions(name, rooms[asked], rates[asked]) a;
        end if;
        return query
            select l.job_id, l.attempt, name, l.provider_job_id, failing
            from lease_checks(name, stale_after_ms, room) l;
    end loop;
end
$$;

-- Jobs beyond their deadline, leased for a minute; the workers are to end them.
-- A plan of looking at them later than that was made before the deadline.  A job
-- with a dead letter (next_check_at is null) is left to its letter.
create function end_due(how_many integer)
returns table (job_id uuid, attempt integer, provider text)
language sql volatile as $$
    with due as (
        select j.id from jobs j
        where j.status in ('queued', 'submitted')
          and j.deadline_at <= now()
          and (j.next_check_at <= now()
               or j.next_check_at > now() + interval '1 minute')
        order by j.deadline_at
        limit how_many
        for update skip locked
    )
    update jobs j set next_check_at = now() + interval '1 minute'
    from due d where j.id = d.id
    returning j.id, j.attempt, j.provider
$$;

-- As before, but for jobs beyond their deadline, which are end_due()'s.
drop function requeue_due(bigint, integer);
create function requeue_due(oldest_ms bigint, how_many integer)
returns table (job_id uuid, attempt integer)
language sql volatile as $$
    with due as (
        select j.id,
               j.queued_at is null
               or extract(epoch from j.queued_at) * 1000 + 5000 < oldest_ms
                   as gone
        from jobs j
        where j.status = 'queued'
          and j.next_check_at <= now()
          and j.deadline_at > now()
        order by j.next_check_at
        limit how_many
        for update skip locked
    ),
    moved as (
        update jobs j set
            queued_at = case when d.gone then now() else j.queued_at end,
            next_check_at = now() + interval '5 seconds'
        from due d where j.id = d.id
        returning j.id, j.attempt, d.gone
    )
    select m.id, m.attempt from moved m where m.gone
$$;

-- A clock that was set back has left plans in a future that nobody meant: they
-- are due now.  Each bound is beyond the longest plan that is made.
create function repair_plans(stale_after_ms bigint) returns bigint
language sql volatile as $$
    with checks as (
        update jobs set next_check_at = now()
        where status in ('queued', 'submitted')
          and next_check_at > now() + interval '1 hour'
                              + interval '1 millisecond' * stale_after_ms
        returning 1
    ),
    feeds as (
        update dead_letters set next_attempt_at = now()
        where resolved_at is null
          and next_attempt_at > now() + interval '1 day'
        returning 1
    ),
    calls as (
        update callbacks set next_attempt_at = now()
        where delivered_at is null
          and next_attempt_at > now() + interval '1 day'
        returning 1
    )
    select (select count(*) from checks) + (select count(*) from feeds)
           + (select count(*) from calls)
$$;
