-- Captures that somebody submitted to a provider without us, and whose webhooks
-- come here: where the provider's profile says so they become jobs.

-- Arrays of equal length; an element without a page is none to adopt, nor is one
-- whose page is no web page.  The id is made of the provider's, so that two
-- webhooks of one capture, at once, adopt it once.  Such a job is not ours to
-- submit again: it has one attempt.
create function adopt_jobs(
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
          and not exists (select from jobs j
                          where j.provider = a.provider
                            and j.provider_job_id = a.provider_job_id)
        on conflict do nothing
        returning 1
    )
    select count(*) from adopted
$$;
