-- Providers number their jobs in no order: in an index of their ids alone every row
-- that is added, or changed, is entered somewhere else, on a page that has to be read
-- and logged as a whole first once the index is larger than memory.  Behind the day
-- of the job the rows of today stay together, however long the history is.

drop index jobs_provider_job;
create index jobs_provider_job on jobs (provider, utc_day(created_at), provider_job_id)
    where provider_job_id is not null;

-- The provider's newest job with this id of its own, or null.  Goes back from one day
-- with jobs to the one before until it is found: the job of a webhook is mostly of
-- today; an id that nobody knows costs as many steps as there are days.
create function job_of_provider(provider text, provider_job_id text) returns uuid
language sql stable strict as $$
    with recursive back (day, id) as (
        select 'infinity'::date, null::uuid
        union all
        select d.day, (
            select j.id from jobs j
            where j.provider = job_of_provider.provider
              and utc_day(j.created_at) = d.day
              and j.provider_job_id = job_of_provider.provider_job_id
            order by j.id desc limit 1)
        from back b
        cross join lateral (
            select max(utc_day(j.created_at)) as day from jobs j
            where j.provider = job_of_provider.provider
              and utc_day(j.created_at) < b.day
              and j.provider_job_id is not null) d
        where b.id is null and d.day is not null
    )
    select id from back where id is not null
$$;

create or replace function adopt_jobs(
    providers text[],
    provider_job_ids text[],
    page_urls text[]
) returns bigint
language sql volatile as $$
    with adopted as (
        insert into jobs (id, url, provider, provider_job_id, status,
                          max_attempts, metadata, queued_at, submitted_at,
                          deadline_at, next_check_at)
        select md5(a.provider || E'\n' || a.provider_job_id)::uuid, a.page_url,
               a.provider, a.provider_job_id, 'submitted', 1,
               '{"adopted": true}', now(), now(), now() + f.deadline,
               now() + interval '1 minute'
        from unnest(providers, provider_job_ids, page_urls)
             as a (provider, provider_job_id, page_url), fleet_defaults f
        where a.page_url ~* '^https?://.'
          and octet_length(a.page_url) <= 8192
          and a.provider_job_id is not null and a.provider is not null
          and job_of_provider(a.provider, a.provider_job_id) is null
        on conflict do nothing
        returning 1
    )
    select count(*) from adopted
$$;
