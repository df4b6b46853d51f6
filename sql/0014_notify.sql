-- NOTIFY for applications that live in the database: on the channel
-- shotfleet_jobs, "<id> <status>" for every capture that has come to an end.
--
-- Off, because every notification costs the recording transaction time; whoever
-- wants it says so once:
--
--     alter table jobs enable trigger jobs_notify;
create function notify_job() returns trigger
language plpgsql as $$
begin
    perform pg_notify('shotfleet_jobs', new.id || ' ' || new.status);
    return null;
end
$$;

create trigger jobs_notify after update on jobs
    for each row when (new.status in ('completed', 'failed', 'cancelled')
                       and new.status <> old.status)
    execute function notify_job();
alter table jobs disable trigger jobs_notify;
