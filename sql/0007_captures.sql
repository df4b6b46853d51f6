-- What users do with captures besides submitting them: lists that cost what they
-- show and not what there is, cancelling, trying again, and looking back.

-- Lists by status, by provider, and by both (captures_page() says how).  The id
-- as bytes, in the same order: asked for that order, the planner has this index
-- and no other.  For plain ids it would also walk the primary key backwards, past
-- any number of rows of another status, wherever its statistics are hopeful.
create index jobs_listed on jobs (provider, status, uuid_send(id));
drop index jobs_batch;
create index jobs_batch on jobs (batch_id, id) where batch_id is not null;
create index jobs_metadata on jobs using gin (metadata jsonb_path_ops)
    where metadata <> '{}';

-- What a person did to a job; what came from streams is in deliveries.
create table job_actions (
    id uuid primary key default uuidv7(),
    job_id uuid not null references jobs on delete cascade,
    attempt integer not null,    -- that it had before
    action text not null check (action in ('cancel', 'restart')),
    actor text,                  -- name of the API key, if there was one
    created_at timestamptz not null default now()
);
create index job_actions_job on job_actions (job_id);

insert into transitions (event, from_status, to_status) values
    ('cancel',  'queued',    'cancelled'),
    ('cancel',  'submitted', 'cancelled'),
    -- a person's second try, with the next attempt
    ('restart', 'failed',    'queued'),
    ('restart', 'cancelled', 'queued');

create or replace view capture_documents as
select j.id, j.status, (select row_to_json(d)::text from (
    select j.id as "jobId", j.batch_id as "batchId", j.url, j.status,
           j.progress, j.attempt,
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

-- Every provider that a job names, by one look into the index for each.
create view providers_used as
with recursive used (provider) as (
    (select j.provider from jobs j order by j.provider limit 1)
    union all
    select (select j.provider from jobs j where j.provider > u.provider
            order by j.provider limit 1)
    from used u where u.provider is not null
)
select provider from used where provider is not null;

-- What {"order": 7} and {"order": "7"} are found by: the member's value as JSON
-- that reads as this text.
create function metadata_condition(name text, value text) returns text
language sql immutable parallel safe as $$
    select format('(j.metadata <> ''{}'' and (j.metadata @> %L::jsonb',
                  jsonb_build_object(name, value))
           || case when value ~ '^(true|false|-?(0|[1-9]\d{0,30})(\.\d{1,30})?)$'
              then format(' or j.metadata @> %L::jsonb',
                          jsonb_build_object(name, value::jsonb))
              else '' end || '))'
$$;

-- A page of documents, newest first; a last row without one holds the cursor of
-- the next page.  The statement is made for the filters that are given, so that
-- each is planned for its index: by batch and by metadata the matches are read,
-- by status and provider as many as are shown, of each pair of both.  By the URL
-- no index helps: a page looks through `look_through` captures, found or not.
create function captures_page(
    before uuid,
    how_many integer,
    status text default null,
    batch uuid default null,
    provider text default null,
    submitted_after timestamptz default null,  -- inclusive
    submitted_before timestamptz default null,
    metadata_names text[] default null,
    metadata_values text[] default null,
    url_has text default null,
    look_through integer default 10000
) returns table (id uuid, document text)
language plpgsql stable as $$
declare
    wanted text := 'true';
    source text;
    since uuid := '00000000-0000-0000-0000-000000000000';
    looked_at integer := case when url_has is null then how_many + 1
                              else look_through end;
begin
    -- an id is at most as old as its row says, and a little younger
    if submitted_after is not null then
        since := uuidv7_at(greatest(submitted_after, '1970-01-02')
                           - interval '1 second');
        wanted := format('j.created_at >= %L', submitted_after);
    end if;
    if submitted_before is not null then
        before := least(before, uuidv7_at(
            greatest(submitted_before, '1970-01-02') + interval '1 minute'));
        wanted := wanted || format(' and j.created_at < %L', submitted_before);
    end if;
    if batch is not null then
        wanted := wanted || format(' and j.batch_id = %L', batch);
    end if;
    select coalesce(wanted || string_agg(
               ' and ' || metadata_condition(m.name, m.value), ''), wanted)
    into wanted
    from unnest(metadata_names, metadata_values) as m (name, value);

    if batch is not null or cardinality(metadata_names) > 0 then
        if status is not null then
            wanted := wanted || format(' and j.status = %L', status);
        end if;
        if provider is not null then
            wanted := wanted || format(' and j.provider = %L', provider);
        end if;
        source := format('
            with matches as materialized (
                select j.id, j.url from jobs j where %s)
            select m.id, m.url from matches m
            where m.id >= %L and m.id < %L', wanted, since, before);
    elsif status is not null or provider is not null then
        source := format('
            select m.id, m.url
            from unnest(%L::text[]) as p (provider),
                 unnest(%L::text[]) as s (status),
                 lateral (
                     select j.id, j.url from jobs j
                     where j.provider = p.provider and j.status = s.status
                       and uuid_send(j.id) >= uuid_send(%L)
                       and uuid_send(j.id) < uuid_send(%L) and %s
                     order by uuid_send(j.id) desc limit %s) m',
            case when provider is null
                 then array(select u.provider from providers_used u)
                 else array[provider] end,
            case when status is null
                 then '{queued,submitted,completed,failed,cancelled}'
                 else array[status] end,
            since, before, wanted, looked_at);
    else
        source := format('
            select j.id, j.url from jobs j
            where j.id >= %L and j.id < %L and %s', since, before, wanted);
    end if;

    return query execute format('
        with looked as materialized (
            select l.id, l.url from (%s) l order by l.id desc limit %s),
        shown as materialized (
            select l.id from looked l where %s order by l.id desc limit %s),
        next as (
            select case
                when (select count(*) from shown) > %s then
                    (select s.id from shown s order by s.id desc offset %s
                     limit 1)
                when %L and (select count(*) from looked) = %s then
                    (select l.id from looked l order by l.id limit 1)
                end as id)
        select r.id, r.document from (
            (select s.id, (select d.document from capture_documents d
                           where d.id = s.id) as document
             from shown s order by s.id desc limit %s)
            union all
            select n.id, null from next n where n.id is not null) r
        order by r.document is null, r.id desc',
        source, looked_at,
        case when url_has is null then 'true'
             else format('strpos(lower(l.url), lower(%L)) > 0', url_has) end,
        how_many + 1, how_many, how_many - 1, url_has is not null, looked_at,
        how_many);
end
$$;

-- Ends a job that has not ended.  The row decides when a result comes at the
-- same time.  What lies in the dead letters for it is given up as well.
create function cancel_job(job uuid, actor text default null)
returns table (changed boolean, attempt integer, document text)
language plpgsql as $$
#variable_conflict use_column
declare
    was integer;
begin
    perform 1 from jobs j where j.id = job for update;
    update jobs j set
        status = t.to_status, cancelled_at = now(), next_check_at = null
    from transitions t
    where j.id = job and t.event = 'cancel' and t.from_status = j.status
    returning j.attempt into was;
    if was is not null then
        insert into job_actions (job_id, attempt, action, actor)
        values (job, was, 'cancel', actor);
        update dead_letters l set
            dropped = true, next_attempt_at = null, resolved_at = now()
        where l.job_id = job and l.resolved_at is null;
    end if;
    return query
    select was is not null, j.attempt, d.document
    from jobs j join capture_documents d on d.id = j.id where j.id = job;
end
$$;

-- Queues a job again that has failed or was cancelled, with the next attempt, as
-- many more as a new job has, and a new deadline.  The caller appends its entry,
-- as for create_job().  News of its failure that nobody has heard are withdrawn,
-- and a second failure is told again.
create function restart_job(job uuid, actor text default null)
returns table (changed boolean, attempt integer, document text)
language plpgsql as $$
#variable_conflict use_column
declare
    was integer;
begin
    perform 1 from jobs j where j.id = job for update;
    update jobs j set
        status = t.to_status,
        attempt = j.attempt + 1,
        max_attempts = j.attempt + f.max_attempts,
        progress = null, provider_job_id = null, error = null,
        error_code = null, submitted_at = null, failed_at = null,
        cancelled_at = null, checks = 0,
        deadline_at = now() + f.deadline,
        queued_at = now(), next_check_at = now() + interval '5 seconds'
    from transitions t, fleet_defaults f
    where j.id = job and t.event = 'restart' and t.from_status = j.status
    returning j.attempt - 1 into was;
    if was is not null then
        insert into job_actions (job_id, attempt, action, actor)
        values (job, was, 'restart', actor);
        delete from callbacks c where c.job_id = job and c.event = 'job.failed';
    end if;
    return query
    select was is not null, j.attempt, d.document
    from jobs j join capture_documents d on d.id = j.id where j.id = job;
end
$$;

-- What happened to a job, as users see it: the last thousand events, oldest
-- first, as one JSON document; null when there is no such job.
create function capture_history(job uuid) returns text
language sql stable as $$
    with events as (
        select j.created_at as at, 0 as rank, 'accepted' as event, 1 as attempt,
               null as source, null as outcome, null as provider,
               null as by, null as error
        from jobs j where j.id = job
        union all
        select d.recorded_at, 1, d.event, d.attempt, d.source, d.outcome,
               d.provider, null, l.error
        from deliveries d left join dead_letters l on l.entry_id = d.entry_id
        where d.job_id = job
        union all
        select a.created_at, 2, a.action, a.attempt, 'api', null, null, a.actor,
               null
        from job_actions a where a.job_id = job
        union all
        select coalesce(c.delivered_at, c.created_at), 3, 'callback', null,
               'callback', case when c.delivered_at is not null then 'delivered'
                           when c.next_attempt_at is not null then 'waiting'
                           else 'given-up' end, null, null, c.error
        from callbacks c where c.job_id = job
    ),
    recent as (
        select * from events e order by e.at desc, e.rank desc limit 1000
    )
    select json_build_object('jobId', j.id, 'events', (
        select json_agg(json_build_object(
                   'at', rfc3339(r.at), 'event', r.event, 'attempt', r.attempt,
                   'source', r.source, 'outcome', r.outcome,
                   'provider', r.provider, 'by', r.by, 'error', r.error)
               order by r.at, r.rank)
        from recent r))::text
    from jobs j where j.id = job
$$;
