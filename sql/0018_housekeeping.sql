-- Forgetting: what is older than its RETAIN_ setting, and what is left over.
--
-- A cleaning is one run of one task, by schedule or by hand (`shotfleet clean`
-- asks for it here).  A poller leases it, goes on in small steps, and says after
-- each how far it has come; what a dead poller leaves another takes up.  So each
-- task is done by one at a time, and the table tells what was done.

create table cleanings (
    id bigint generated always as identity primary key,
    task text not null,
    dry_run boolean not null default false,  -- only count
    by_hand boolean not null default false,
    asked_at timestamptz not null default now(),
    started_at timestamptz,
    holder text,                 -- the poller that is at it ...
    leased_until timestamptz,    -- ... until then, unless it goes on
    finished_at timestamptz,
    found bigint not null default 0,
    removed bigint not null default 0,
    bytes bigint not null default 0, -- of files found
    place text,                  -- how far a walk has come
    error text
);
create index cleanings_open on cleanings (id) where finished_at is null;
create index cleanings_finished on cleanings (task, finished_at);

-- In the order in which they are done by hand; null: by hand only.
create function cleaning_tasks() returns table (task text, every interval)
language sql immutable as $$
    values ('partitions', interval '1 hour'), ('deliveries', interval '1 hour'),
           ('jobs', interval '10 minutes'), ('pictures', interval '10 minutes'),
           ('dead_letters', interval '1 hour'), ('callbacks', interval '1 hour'),
           ('consumers', interval '10 minutes'), ('temporary', interval '1 hour'),
           ('orphans', interval '1 day'), ('missing', null)
$$;

-- Asks for a run of each task, or of the one named; answers their ids.
create function cleaning_ask(dry_run boolean, only_task text default null)
returns setof bigint
language sql volatile as $$
    insert into cleanings (task, dry_run, by_hand)
    select t.task, cleaning_ask.dry_run, true from cleaning_tasks() t
    where only_task is null or t.task = only_task
    returning id
$$;

create function cleaning_lease(new_holder text)
returns table (id bigint, task text, dry_run boolean, place text, bytes bigint)
language plpgsql as $$
#variable_conflict use_column
begin
    if not pg_try_advisory_xact_lock(
            hashtextextended('shotfleet cleaning', 0)) then
        return;
    end if;
    delete from cleanings c where c.finished_at < now() - case
        when c.by_hand or c.removed > 0 or c.error is not null
        then interval '30 days' else interval '1 day' end;
    insert into cleanings (task)
    select t.task from cleaning_tasks() t
    where t.every is not null
      and not exists (
          select from cleanings c
          where c.task = t.task and not c.dry_run
            and (c.finished_at is null
                 or c.finished_at between now() - t.every and now()));
    return query
        update cleanings c set
            holder = new_holder, leased_until = now() + interval '1 minute',
            started_at = coalesce(c.started_at, now())
        where c.id = (
            select o.id from cleanings o
            where o.finished_at is null
              and not exists (
                  select from cleanings x
                  where x.finished_at is null and x.task = o.task
                    and x.leased_until between now()
                                           and now() + interval '2 minutes')
            order by o.by_hand desc, o.id limit 1)
        returning c.id, c.task, c.dry_run, c.place, c.bytes;
end
$$;

-- A step is done.  Null when somebody else has taken the cleaning over.
create function cleaning_step(
    cleaning bigint, holder text, found bigint, removed bigint, bytes bigint,
    place text, finished boolean, error text
) returns boolean
language sql volatile as $$
    update cleanings c set
        found = c.found + cleaning_step.found,
        removed = c.removed + cleaning_step.removed,
        bytes = c.bytes + cleaning_step.bytes,
        place = coalesce(cleaning_step.place, c.place),
        error = coalesce(cleaning_step.error, c.error),
        leased_until = now() + interval '1 minute',
        finished_at = case when finished then now() end
    where c.id = cleaning and c.holder = cleaning_step.holder
      and c.finished_at is null
    returning true
$$;

-- What may be forgotten by age: nothing of a day that the scorecard may still
-- have to sum up.  Null keeps everything.
create function retention_end(days integer) returns timestamptz
language sql stable as $$
    select case when days > 0 then least(
        now() - days * interval '1 day',
        (select min(s.day) from scorecard_days s where not s.final)::timestamp
            at time zone 'UTC',
        utc_day(now())::timestamp at time zone 'UTC') end
$$;

-- The tasks that need nothing but the database.
create function clean_rows(
    task text,
    dry_run boolean,
    days integer,
    place text,
    out hits bigint,
    out removed bigint,
    out next_place text,     -- null: finished
    how_many integer default 1000
)
language plpgsql as $$
#variable_conflict use_variable
declare
    oldest constant timestamptz := retention_end(days);
    ids uuid[];
begin
    hits := 0;
    removed := 0;
    if task = 'partitions' then
        select count(*) into hits from generate_series(-1, 7) n
        where to_regclass(delivery_partition(utc_day(now()) + n)) is null;
        if not dry_run then
            removed := delivery_partitions_create();
        end if;
    elsif oldest is null then
        return;
    elsif task = 'deliveries' then
        select count(*) into hits
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'deliveries'::regclass
          and c.relname < delivery_partition(utc_day(oldest))
          and c.relname ~ '^deliveries_\d+_\d\d_\d\d$';
        if not dry_run then
            removed := delivery_partitions_drop(oldest);
        end if;
    elsif task = 'dead_letters' then
        ids := array(
            select l.id from dead_letters l
            where l.id > coalesce(place::uuid, uuidv7_at('epoch'))
              and l.id < uuidv7_at(oldest) and l.resolved_at < oldest
            order by l.id limit how_many);
        if not dry_run then
            delete from dead_letters l where l.id = any (ids);
        end if;
    elsif task = 'callbacks' then
        ids := array(
            select c.id from callbacks c
            where c.id > coalesce(place::uuid, uuidv7_at('epoch'))
              and c.id < uuidv7_at(oldest)
              and (c.delivered_at is not null or c.next_attempt_at is null)
            order by c.id limit how_many);
        if not dry_run then
            delete from callbacks c where c.id = any (ids);
        end if;
    end if;
    if ids is not null then
        hits := cardinality(ids);
        removed := case when dry_run then 0 else hits end;
        next_place := case when hits = how_many then ids[hits]::text end;
    end if;
end
$$;

-- Pictures and what was removed of them.  The total is what the scorecard has
-- summed up, less what went; nobody has to look at all of the jobs.
alter table jobs add column image_removed_at timestamptz;
create table picture_retention (
    only_row boolean primary key default true check (only_row),
    until_job uuid not null default uuidv7_at('epoch'), -- looked at up to here
    removed_bytes bigint not null default 0
);
insert into picture_retention default values;

create function pictures_total_bytes() returns bigint
language sql stable as $$
    select greatest(0, coalesce(sum(d.bytes), 0) - (
        select r.removed_bytes from picture_retention r))::bigint
    from provider_days d
$$;

-- Jobs whose picture is due to be removed, oldest first: beyond `days`, or as
-- many as it takes to come below `max_bytes` (0: any number).  `counted`: bytes
-- that a dry run has found before.
create function pictures_due(
    days integer, max_bytes bigint, place text, counted bigint, how_many integer
) returns table (job_id uuid, image_key text, size_bytes bigint)
language sql stable as $$
    with kept as (
        select j.id, j.image_key, coalesce(j.size_bytes, 0) as size_bytes
        from jobs j
        where j.id > coalesce(place::uuid,
                              (select r.until_job from picture_retention r))
          and j.status = 'completed' and j.image_removed_at is null
          -- without a limit of bytes, no walk beyond the limit of days
          and (max_bytes > 0 or j.id < uuidv7_at(
                   now() - days * interval '1 day'))
        order by j.id limit how_many
    ),
    summed as (
        select k.*, sum(k.size_bytes) over (order by k.id) - k.size_bytes
                    as before
        from kept k
    )
    select s.id, s.image_key, s.size_bytes from summed s
    where days > 0 and s.id < uuidv7_at(now() - days * interval '1 day')
       or max_bytes > 0
          and s.before < pictures_total_bytes() - counted - max_bytes
    order by s.id
$$;

create function pictures_removed(ids uuid[]) returns bigint
language sql volatile as $$
    with marked as (
        update jobs j set image_removed_at = now()
        where j.id = any (ids) and j.image_removed_at is null
        returning j.id, coalesce(j.size_bytes, 0) as size_bytes
    ),
    counted as (
        update picture_retention r set
            removed_bytes = r.removed_bytes + m.bytes,
            until_job = greatest(r.until_job, m.last)
        from (select coalesce(sum(size_bytes), 0) as bytes,
                     (array_agg(id order by id desc))[1] as last from marked) m
    )
    select count(*) from marked
$$;

-- Jobs that have ended long ago, with their pictures, which have to go first.
-- One with a dead letter that waits for a person stays.
create function jobs_due_to_go(days integer, place text, how_many integer)
returns table (job_id uuid, image_key text, size_bytes bigint)
language sql stable as $$
    select j.id, case when j.image_removed_at is null then j.image_key end,
           coalesce(j.size_bytes, 0)
    from jobs j
    where j.id > coalesce(place::uuid, uuidv7_at('epoch'))
      and j.id < uuidv7_at(retention_end(days))
      and j.status in ('completed', 'failed', 'cancelled')
      and not exists (select from dead_letters l
                      where l.job_id = j.id and l.resolved_at is null)
    order by j.id limit how_many
$$;

create function jobs_remove(ids uuid[]) returns bigint
language sql volatile as $$
    update scorecard_days s set forgotten = true
    where not s.forgotten
      and s.day in (select utc_day(uuidv7_time(i)) from unnest(ids) i);

    with gone as (
        delete from jobs j
        where j.id = any (ids) and j.status in ('completed', 'failed', 'cancelled')
        returning j.size_bytes, j.image_removed_at
    ),
    counted as (
        update picture_retention r set removed_bytes = r.removed_bytes + (
            select coalesce(sum(g.size_bytes), 0) from gone g
            where g.image_removed_at is null)
    )
    select count(*) from gone
$$;

-- Of files in the storage, those that no job speaks of or will: its job has
-- ended with another picture or none, or there is no such job.
create function pictures_orphaned(keys text[], job_ids uuid[])
returns setof text
language sql stable as $$
    select f.key from unnest(keys, job_ids) as f (key, job_id)
    left join jobs j on j.id = f.job_id
    where j.id is null
       or j.status in ('completed', 'failed', 'cancelled')
          and (j.image_key is distinct from f.key
               or j.image_removed_at is not null)
$$;

-- The pictures that there should be, in order.
create function pictures_known(place text, how_many integer)
returns table (job_id uuid, image_key text, size_bytes bigint)
language sql stable as $$
    select j.id, j.image_key, coalesce(j.size_bytes, 0) from jobs j
    where j.id > coalesce(place::uuid, uuidv7_at('epoch'))
      and j.status = 'completed' and j.image_removed_at is null
    order by j.id limit how_many
$$;
