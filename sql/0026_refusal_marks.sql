-- A mark in the future was made while redis's clock was ahead.  Once redis was
-- wiped its ids are of the present again, and nothing would count until time had
-- caught up.

create or replace function record_refusals(
    redis text,
    ids text[],              -- of stream entries: 1700000000000-0
    providers text[],
    outcomes text[],
    counts bigint[]
) returns void
language plpgsql as $$
#variable_conflict use_column
declare
    mark refusal_marks;
begin
    insert into refusal_marks values (record_refusals.redis, 0, 0)
    on conflict do nothing;
    select * into mark from refusal_marks m
    where m.redis = record_refusals.redis for update;
    if mark.last_ms > extract(epoch from now()) * 1000 + 60000 then
        mark.last_ms := 0;
    end if;

    insert into refusals as r
    select utc_day(to_timestamp(e.ms / 1000.0)), e.provider, e.outcome,
           sum(e.count)
    from (select split_part(u.id, '-', 1)::bigint as ms,
                 split_part(u.id, '-', 2)::bigint as number, u.*
          from unnest(ids, providers, outcomes, counts)
               as u (id, provider, outcome, count)) e
    where (e.ms, e.number) > (mark.last_ms, mark.last_number)
    group by 1, 2, 3
    on conflict (day, provider, outcome)
        do update set count = r.count + excluded.count;

    update refusal_marks m
    set last_ms = e.ms, last_number = e.number
    from (select split_part(id, '-', 1)::bigint as ms,
                 split_part(id, '-', 2)::bigint as number
          from unnest(ids) id order by 1 desc, 2 desc limit 1) e
    where m.redis = record_refusals.redis
      and (e.ms, e.number) > (mark.last_ms, mark.last_number);
end
$$;
