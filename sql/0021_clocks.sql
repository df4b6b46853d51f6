-- PostgreSQL's clock may have been ahead and set back.  Every plan that was made
-- meanwhile is too late by as much, and would be kept to: repair_plans() finds those
-- that are impossible, but not one that is half an hour late.  So the pollers note
-- what time it is, and when it is earlier than before, all plans move back with the
-- clock.  One that was right before the clock went wrong is early then, which does
-- no harm.

create table database_clock (
    only_row boolean primary key default true check (only_row),
    seen timestamptz not null default now()
);
insert into database_clock default values;

-- By how many milliseconds the clock was set back since a poller has looked, if that
-- was just found and mended; else null.  Less than five seconds are nothing.
create function watch_clock() returns bigint
language plpgsql as $$
declare
    slack constant interval := '5 seconds';
    last timestamptz := (select seen from database_clock);
    ahead interval;
begin
    if now() between last - slack and last + slack then
        return null;
    end if;
    select seen into last from database_clock for update;
    update database_clock set seen = now();
    if now() >= last - slack then
        return null;
    end if;

    ahead := last - now();
    update jobs set
        next_check_at = case when next_check_at > now()
                             then greatest(now(), next_check_at - ahead)
                             else next_check_at end,
        queued_at = least(queued_at, now())
    where status in ('queued', 'submitted')
      and (next_check_at > now() or queued_at > now());
    update dead_letters
    set next_attempt_at = greatest(now(), next_attempt_at - ahead)
    where resolved_at is null and next_attempt_at > now();
    update callbacks
    set next_attempt_at = greatest(now(), next_attempt_at - ahead)
    where delivered_at is null and next_attempt_at > now();
    update provider_health
    set paused_until = greatest(now(), paused_until - ahead)
    where paused_until > now();
    update scorecard_days set refreshed_at = null
    where not final and refreshed_at > now();
    return extract(epoch from ahead) * 1000;
end
$$;
