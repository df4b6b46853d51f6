-- Redis's clock may have been ahead and set back: the ids of a stream never go back,
-- so they stay in the future until time has caught up with them.  Until then they
-- do not say how old an entry is, every job that waits in the queue would look as if
-- its entry were gone, and be appended again every five seconds: the longer the
-- queue, the more.  So no job is, unless it has been silent for long.

-- As before, but for entries from the future.
create or replace function requeue_due(oldest_ms bigint, how_many integer)
returns table (job_id uuid, attempt integer)
language sql volatile as $$
    with clock as (
        select oldest_ms > extract(epoch from now()) * 1000
               and oldest_ms < 9223372036854775807 as is_ahead
    ),
    due as (
        select j.id,
               j.queued_at is null
               or extract(epoch from j.queued_at) * 1000 + 5000 < oldest_ms
                  and (not c.is_ahead
                       or j.queued_at < now() - interval '10 minutes') as gone
        from jobs j, clock c
        where j.status = 'queued'
          and j.next_check_at <= now()
          and j.deadline_at > now()
        order by j.next_check_at
        limit how_many
        for update of j skip locked
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
