-- A dead letter is fed back by an entry, and that entry may be there more than once:
-- while the workers are away its lease ends and another is appended, once a minute;
-- or a poller dies in between.  All of them together are one try.  So an entry says
-- how many tries there had been, and a failure that the letter knows already, or has
-- got over, changes nothing.

-- Has the letter been tried since, or is it resolved?  No: there is none.
create function letter_is_past(letter uuid, tries integer) returns boolean
language sql stable as $$
    select letter is not null and coalesce((
        select l.resolved_at is not null
               or coalesce(l.attempts + l.host_waits <> letter_is_past.tries, false)
        from dead_letters l where l.id = letter), true)
$$;

-- Dead letters whose time has come, leased for a minute.
drop function feed_due(integer);
create function feed_due(how_many integer)
returns table (dead_id uuid, stream text, job_id uuid, attempt integer,
               provider text, source text, type text, payload bytea,
               received_ms bigint, dropped boolean, head text, tries integer)
language sql volatile as $$
    with due as (
        select l.id from dead_letters l
        where l.resolved_at is null and l.next_attempt_at <= now()
        order by l.next_attempt_at
        limit how_many
        for update skip locked
    )
    update dead_letters l set next_attempt_at = now() + interval '1 minute'
    from due d where l.id = d.id
    returning l.id, l.stream, l.job_id, l.attempt, l.provider, l.source,
              l.type, l.payload,
              (extract(epoch from l.received_at) * 1000)::bigint,
              l.dropped, l.head, l.attempts + l.host_waits
$$;
