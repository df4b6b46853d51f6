-- The truth about jobs.  A job is one capture that a user asked for; it moves
-- only forward: queued -> submitted -> completed | failed | cancelled, and back to
-- queued only with a higher attempt.

-- Time-ordered ids (RFC 9562, 5.7), so that new rows stay together in the indexes
-- and an id range is a time range.  PostgreSQL 18 brings its own, which wins.
create function uuidv7() returns uuid
language sql volatile parallel safe as $$
    select (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint),
                 12, '0')
            || '7' || substr(replace(gen_random_uuid()::text, '-', ''), 14)
           )::uuid
$$;

-- The smallest id of its millisecond: `where id >= uuidv7_at(now() - '1 hour')`.
create function uuidv7_at(at timestamptz) returns uuid
language sql immutable parallel safe as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
            || '70008000000000000000')::uuid
$$;

-- What a job gets when nobody says otherwise; `shotfleet migrate` copies its
-- settings here, so that plain SQL knows them.
create table fleet_defaults (
    only_row boolean primary key default true check (only_row),
    provider text not null default 'screenshotly',
    max_attempts integer not null default 3 check (max_attempts >= 1),
    deadline interval not null default '15 minutes'
);
insert into fleet_defaults default values;

create table jobs (
    id uuid primary key default uuidv7(),
    url text not null check (url ~* '^https?://.' and octet_length(url) <= 8192),
    options jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
    provider text not null,
    status text not null default 'queued' check (
        status in ('queued', 'submitted', 'completed', 'failed', 'cancelled')),
    attempt integer not null default 1 check (attempt >= 1),
    max_attempts integer not null default 3 check (max_attempts >= 1),
    progress smallint check (progress between 0 and 100),
    provider_job_id text,
    image_key text,       -- below the storage's root
    image_type text,      -- image/png
    width integer,
    height integer,
    size_bytes bigint,
    sha256 text,
    error text,
    error_code text,
    batch_id uuid,
    metadata jsonb not null default '{}',
    callback_url text check (callback_url ~* '^https?://.'
                             and octet_length(callback_url) <= 8192),
    created_at timestamptz not null default now(),
    queued_at timestamptz,     -- last given to the submit stream; null: not yet
    submitted_at timestamptz,
    completed_at timestamptz,
    failed_at timestamptz,
    cancelled_at timestamptz,
    deadline_at timestamptz not null default now() + interval '15 minutes',
    next_check_at timestamptz default now(), -- the poller's; null: not its turn
    checks integer not null default 0,       -- asked about since the last news
    constraint completed_has_picture check (
        status <> 'completed' or (image_key is not null
                                  and completed_at is not null)),
    constraint failed_has_reason check (
        status <> 'failed' or (error_code is not null
                               and failed_at is not null))
);

-- The poller's only way in: its size is the work in flight, not the history.
create index jobs_due on jobs (next_check_at)
    where status in ('queued', 'submitted') and next_check_at is not null;
create index jobs_provider_job on jobs (provider, provider_job_id)
    where provider_job_id is not null;
create index jobs_batch on jobs (batch_id) where batch_id is not null;

-- One row for each stream entry: what came, when, from where, what became of it.
-- Its primary key makes a redelivered entry harmless.
create table deliveries (
    entry_id text primary key,   -- stream and Redis id: webhook:1700000000000-0
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
    recorded_at timestamptz not null default now()
);
create index deliveries_job on deliveries (job_id) where job_id is not null;

-- What could not be applied, kept whole.
create table dead_letters (
    id uuid primary key default uuidv7(),
    entry_id text not null unique,
    stream text not null,
    job_id uuid,
    attempt integer,
    provider text,
    source text,                 -- of the entry: webhook, poll
    type text,                   -- content type of the payload
    head text,                   -- JSON: what it said outside its body
    payload bytea not null,      -- raw
    error text not null,
    attempts integer not null default 1,
    received_at timestamptz not null,
    created_at timestamptz not null default now(),
    next_attempt_at timestamptz, -- null: waits for a person
    dropped boolean not null default false, -- a person gave it up
    resolved_at timestamptz      -- fed back, and it went well; or given up
);
create index dead_letters_due on dead_letters (next_attempt_at)
    where resolved_at is null and next_attempt_at is not null;
create index dead_letters_job on dead_letters (job_id)
    where job_id is not null and resolved_at is null;

-- Calls to the application that asked for a capture: a transactional outbox.
create table callbacks (
    id uuid primary key default uuidv7(),  -- the receiver's webhook-id
    job_id uuid not null references jobs on delete cascade,
    url text not null,
    host text not null generated always as (
        lower(substring(url from '^[^:]+://(?:[^/?#]*@)?([^/?#]*)'))) stored,
    event text not null check (event in ('job.completed', 'job.failed')),
    attempts integer not null default 0,
    error text,                  -- of the last attempt
    created_at timestamptz not null default now(),
    next_attempt_at timestamptz default now(), -- null: none, see delivered_at
    delivered_at timestamptz,
    unique (job_id, event)
);
create index callbacks_due on callbacks (next_attempt_at)
    where delivered_at is null and next_attempt_at is not null;
create index callbacks_open on callbacks (host) where delivered_at is null;

-- Hosts whose last callback went wrong; the first one that goes well forgets.
create table callback_hosts (
    host text primary key,
    failures integer not null default 1,
    failing_since timestamptz not null default now(),
    disabled_at timestamptz      -- nothing is sent until a person says so
);
