-- Out of order is what the provider sent in that order: progress that came after
-- the end of its attempt, by their places on the stream.  It was what was recorded
-- in that order, so that two workers, or a user who cancels, could make it look
-- as if the provider had mixed its webhooks up.

-- What the provider sent, or did not.  An attempt has one end; whatever more ends
-- it is a duplicate.
create or replace function scorecard_webhooks(of_day date) returns setof provider_days
language sql stable as $$
    with came as (
        select d.*, d.event in ('completed', 'failed', 'retry', 'dead') as ends,
               entry_place(substring(d.entry_id from '^[a-z]+:(\d+-\d+)'))
                   as place
        from deliveries d
        where d.day = of_day and d.source in ('webhook', 'poll')
          and d.provider is not null
    ),
    webhook as (
        select c.provider, count(*) as webhooks
        from came c where c.source = 'webhook' group by 1
    ),
    -- one row for each attempt that a webhook or the poller has ended
    ended as (
        select c.provider, c.job_id, c.attempt,
               count(*) filter (where c.source = 'webhook') as webhooks,
               min(c.place) filter (where c.source = 'webhook') as first_end,
               bool_or(c.source = 'poll' and c.outcome = 'recorded') as polled
        from came c
        where c.ends and c.job_id is not null
        group by 1, 2, 3
    ),
    judged as (
        select e.provider, sum(greatest(0, e.webhooks - 1)) as duplicates,
               count(*) filter (where e.polled and e.webhooks > 0) as late,
               count(*) filter (where e.polled and e.webhooks = 0
                   and not exists (
                       select from deliveries w
                       where w.job_id = e.job_id and w.day = of_day + 1
                         and w.source = 'webhook' and w.attempt = e.attempt
                         and w.event in ('completed', 'failed', 'retry')))
                   as never_came
        from ended e group by 1
    ),
    disordered as (
        select c.provider, count(*) as out_of_order
        from came c join ended e
            on e.provider = c.provider and e.job_id = c.job_id
            and coalesce(e.attempt, 0) = coalesce(c.attempt, 0)
        where c.source = 'webhook' and c.event = 'progress'
          and c.place > e.first_end
        group by 1
    ),
    delayed as (
        select c.provider, percentile_disc(array[0.5, 0.99]) within group (
                   -- a webhook may overtake the record of its submission
                   order by greatest(0, extract(
                       epoch from c.received_at - j.submitted_at) * 1000))
                   as delay_ms
        from came c join jobs j on j.id = c.job_id
        where c.source = 'webhook' and c.outcome = 'recorded'
          and c.event in ('completed', 'failed')
          and j.submitted_at is not null
        group by 1
    )
    select of_day, provider, 0::bigint, 0::bigint, 0::bigint, 0::bigint,
           0::bigint, '{}'::jsonb, 0::bigint, null::bigint, null::bigint,
           coalesce(w.webhooks, 0), coalesce(j.duplicates, 0)::bigint,
           coalesce(j.late, 0), coalesce(o.out_of_order, 0),
           coalesce(j.never_came, 0), d.delay_ms[1]::bigint,
           d.delay_ms[2]::bigint
    from webhook w
    full join judged j using (provider)
    full join delayed d using (provider)
    left join disordered o using (provider)
$$;
