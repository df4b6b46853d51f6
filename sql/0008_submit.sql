-- Submitting many captures in one statement, and once for each Idempotency-Key.

-- What was answered to a request with a key, written in the transaction that
-- made its jobs: either both are there or neither.
create table idempotency_keys (
    scope text not null,         -- of the API key: keys of others are others
    key text not null,
    body_sha256 text not null,
    batch_id uuid,
    job_ids uuid[] not null,
    refusals text,               -- JSON: problems in their places, else null
    created_at timestamptz not null default now(),
    primary key (scope, key)
);
create index idempotency_keys_age on idempotency_keys (created_at);

-- Queues captures, one for each element of the arrays; the caller appends their
-- entries.  Two requests with the same key at the same time: the second one
-- waits here for the first one's transaction, and then finds its row.  `outcome`:
--   created
--   replayed   the key was used with this body; what was answered then
--   conflict   the key was used with another body; nothing was done
create function submit_captures(
    urls text[],
    options text[],
    providers text[],            -- null: the fleet's default
    metadatas text[],
    callback_urls text[],
    is_batch boolean,
    refusals text default null,  -- kept with the key, as it is
    scope text default null,
    key text default null,       -- null: without one
    body_sha256 text default null
) returns table (outcome text, batch_id uuid, submitted_at timestamptz,
                 job_ids uuid[], refusals_then text)
language plpgsql as $$
#variable_conflict use_column
declare
    -- in the order of the request also where a list is sorted by them
    ids constant uuid[] := array(
        select u.id from (select uuidv7() as id
                          from generate_subscripts(urls, 1)) u order by u.id);
    batch constant uuid := case when is_batch then uuidv7() end;
    before idempotency_keys;
begin
    while key is not null loop
        insert into idempotency_keys as k (scope, key, body_sha256, batch_id,
                                           job_ids, refusals)
        values (submit_captures.scope, submit_captures.key,
                submit_captures.body_sha256, batch, ids,
                submit_captures.refusals)
        on conflict (scope, key) do update set
            body_sha256 = excluded.body_sha256, batch_id = excluded.batch_id,
            job_ids = excluded.job_ids, refusals = excluded.refusals,
            created_at = excluded.created_at
        where k.created_at < now() - interval '24 hours';
        exit when found;
        select k.* into before from idempotency_keys k
        where k.scope = submit_captures.scope and k.key = submit_captures.key;
        continue when not found; -- forgotten in between
        return query select
            case when before.body_sha256 = submit_captures.body_sha256
                 then 'replayed' else 'conflict' end,
            before.batch_id, before.created_at, before.job_ids,
            before.refusals;
        return;
    end loop;

    insert into jobs (id, url, options, provider, max_attempts, deadline_at,
                      batch_id, metadata, callback_url, queued_at,
                      next_check_at)
    select e.id, e.url, e.options::jsonb, coalesce(e.provider, f.provider),
           f.max_attempts, now() + f.deadline, batch, e.metadata::jsonb,
           e.callback_url, now(), now() + interval '5 seconds'
    from unnest(ids, urls, options, providers, metadatas, callback_urls)
             as e (id, url, options, provider, metadata, callback_url),
         fleet_defaults f;
    return query select 'created', batch, now(), ids, refusals;
end
$$;

-- Keys are good for a day.  Answers how many were forgotten; any number of
-- callers may do it at once.
create function forget_idempotency_keys(how_many integer default 10000)
returns bigint
language sql volatile as $$
    with gone as (
        delete from idempotency_keys k where k.ctid in (
            select o.ctid from idempotency_keys o
            where o.created_at < now() - interval '24 hours'
            order by o.created_at limit how_many
            for update skip locked)
        returning 1
    )
    select count(*) from gone
$$;
