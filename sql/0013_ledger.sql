-- The ledger: of every stream, is each entry that was accepted accounted for?
--
--   accepted = recorded + duplicate + ignored + dead + in flight
--
-- The left side and what is in flight are Redis's: it counts what was ever added
-- to a stream (entries-added) and what is there; an entry leaves by being
-- acknowledged and deleted, after its transaction.  The rest are rows of
-- deliveries.  An entry that vanished otherwise is in none of them.
--
-- To compare the two while both move, Redis is asked first, for everything at one
-- instant (common/stream_group.c), and deliveries afterwards, up to the last
-- entry that had been handed out by then; a row whose entry was still pending at
-- that instant is in flight.  What lies before the oldest entry of the stream
-- changes no more and is kept as a sum, so that a check costs what came since.
--
-- A book lasts as long as the stream's consumer group: a name in that group is
-- its key, so that it is gone when Redis was wiped and the next one begins.

create table ledgers (
    stream text not null,        -- shotfleet:webhook
    book text not null,          -- ledger:GONE:[ID:TIME or ledger:GONE:(ID:TIME
    redis text not null,         -- host:port/db
    opened_at timestamptz not null default now(),
    closed_at timestamptz,       -- the stream was wiped, or went back in time
    accepted bigint not null default 0,
    recorded bigint not null default 0,
    duplicate bigint not null default 0,
    ignored bigint not null default 0,
    dead bigint not null default 0,
    in_flight bigint not null default 0,
    unaccounted bigint not null default 0,
    settled_to numeric not null, -- up to this place
    settled bigint[] not null default '{0, 0, 0, 0}', -- in the order above
    seen_us bigint not null default 0,  -- redis's clock at the last check
    checked_at timestamptz not null default now(),
    balanced_at timestamptz not null default now(),
    bad_id text,                 -- the newest entry when it went wrong
    primary key (stream, book)
);

-- The place of a Redis id in the order of its stream, and back.
create function entry_place(id text) returns numeric
language sql immutable parallel safe as $$
    select split_part(id, '-', 1)::numeric * 18446744073709551616
           + split_part(id, '-', 2)::numeric
$$;
create function place_entry(place numeric) returns text
language sql immutable parallel safe as $$
    select div(place, 18446744073709551616) || '-'
           || mod(place, 18446744073709551616)
$$;

-- One check.  Answers how many entries are unaccounted for: 0, or something is
-- wrong; null when redis knows less than before, so that the book is closed.
create function ledger_check(
    stream text,
    redis text,
    book text,
    seen_us bigint,
    added bigint,
    length bigint,
    newest text,              -- the last id that was added
    delivered text,           -- the last id that was handed out
    oldest text,              -- the first that is there; null: none is
    pending text[]            -- handed out, not acknowledged
) returns bigint
language plpgsql set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_column
declare
    kind constant text := split_part(stream, ':', 2);
    gone constant bigint := split_part(book, ':', 2)::bigint;
    first constant text := split_part(book, ':', 3);
    top constant numeric := entry_place(delivered);
    l ledgers;
    counted bigint[];
    new_settled bigint[];
    new_settled_to numeric;
    missing bigint;
begin
    insert into ledgers (stream, book, redis, settled_to)
    values (ledger_check.stream, ledger_check.book, ledger_check.redis,
            entry_place(substr(first, 2)) - (first like '[%')::integer)
    on conflict do nothing;
    if found then
        update ledgers o set closed_at = now()
        where o.stream = ledger_check.stream and o.redis = ledger_check.redis
          and o.book <> ledger_check.book and o.closed_at is null;
    end if;
    select o.* into l from ledgers o
    where o.stream = ledger_check.stream and o.book = ledger_check.book
    for update;
    -- another poller has looked since; or, if it is long ago, redis's clock was
    -- set back
    if ledger_check.seen_us between l.seen_us - 60000000 and l.seen_us then
        return l.unaccounted;
    end if;
    if added - gone < l.accepted then
        update ledgers o set closed_at = coalesce(o.closed_at, now())
        where o.stream = l.stream and o.book = l.book;
        return null;
    end if;

    new_settled_to := greatest(l.settled_to,
                           least(top, entry_place(oldest) - 1));
    with seen as (
        select d.outcome, entry_place(s.id) as place, s.id
        from deliveries d,
             substring(d.entry_id from '^[a-z]+:(\d+-\d+)') as s (id)
        where d.entry_id >= kind || ':' || div(l.settled_to, 18446744073709551616)
          and d.entry_id < kind || ':' || div(top, 18446744073709551616) + 1
          and d.day between entry_day(kind || ':' || place_entry(l.settled_to))
                        and entry_day(kind || ':' || place_entry(top))
          and split_part(d.entry_id, '@', 2) in ('', ledger_check.redis)
    ),
    final as (
        select s.* from seen s left join unnest(pending) p (id) on p.id = s.id
        where p.id is null and s.place > l.settled_to and s.place <= top
    ),
    sums as (
        select o.n, count(f.place) as counted,
               count(f.place) filter (where f.place <= new_settled_to) as settled
        from unnest('{recorded,duplicate,ignored,dead}'::text[])
             with ordinality as o (outcome, n)
        left join final f using (outcome)
        group by o.n
    )
    select array_agg(s.counted + l.settled[s.n] order by s.n),
           array_agg(s.settled + l.settled[s.n] order by s.n)
    into counted, new_settled from sums s;

    missing := added - gone - length
               - counted[1] - counted[2] - counted[3] - counted[4];
    -- books that do not balance stay open for what may still turn up, but not
    -- for ever, as each check would cost more than the last
    if missing <> 0 and l.balanced_at > now() - interval '1 hour' then
        new_settled := l.settled;
        new_settled_to := l.settled_to;
    end if;
    update ledgers o set
        redis = ledger_check.redis,
        closed_at = null,
        accepted = added - gone, recorded = counted[1], duplicate = counted[2],
        ignored = counted[3], dead = counted[4], in_flight = length,
        unaccounted = missing, settled = new_settled,
        settled_to = new_settled_to, seen_us = ledger_check.seen_us,
        checked_at = now(),
        balanced_at = case when missing = 0 then now() else o.balanced_at end,
        bad_id = case when missing <> 0 then coalesce(o.bad_id, newest) end
    where o.stream = l.stream and o.book = l.book;
    return missing;
end
$$;

-- To be read by people, and by `shotfleet ledger`.
create view ledger as
select stream, redis, accepted, recorded, duplicate, ignored, dead, in_flight,
       unaccounted,
       case when unaccounted <> 0 then place_entry(settled_to) end as after_id,
       case when unaccounted <> 0 then bad_id end as until_id,
       checked_at, balanced_at, opened_at
from ledgers
where closed_at is null
order by stream, redis;
