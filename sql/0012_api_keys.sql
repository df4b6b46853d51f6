-- API keys.  A key is shown once, when it is made; here is only its hash, which
-- is enough to know it again: it has 192 random bits, so that there is nothing to
-- guess and no need for a slow hash.

create table api_keys (
    id uuid primary key default uuidv7(),
    name text not null check (length(name) between 1 and 100),
    prefix text not null,        -- the first characters, to tell keys apart
    key_sha256 text not null unique check (key_sha256 ~ '^[0-9a-f]{64}$'),
    -- each scope may do what the ones before it may
    scope text not null check (scope in ('read', 'submit', 'admin')),
    requests_per_minute integer check (requests_per_minute >= 1), -- null: any
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,    -- to the minute
    revoked_at timestamptz
);
create unique index api_keys_name on api_keys (name) where revoked_at is null;

-- Every api hears of it at once.
create function api_keys_changed() returns trigger
language plpgsql as $$
begin
    perform pg_notify('shotfleet_keys', '');
    return null;
end
$$;
create trigger api_keys_changed
after insert or delete or truncate
    or update of key_sha256, scope, requests_per_minute, expires_at, revoked_at
on api_keys for each statement execute function api_keys_changed();

-- Those that count now.
create view api_keys_valid as
select k.* from api_keys k
where k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
