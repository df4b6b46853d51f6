-- A run that ended while this transaction began looked as if it were of the future,
-- and its task was done once more.
create or replace function cleaning_lease(new_holder text)
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
                 or c.finished_at between now() - t.every
                                      and now() + interval '1 minute'));
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
