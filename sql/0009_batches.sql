-- Batches and dead letters as users see them: documents, and pages of them.

-- How far a batch is, as a JSON document; null when there is no such batch.
create function batch_document(batch uuid) returns text
language sql stable as $$
    select json_build_object(
        'batchId', batch, 'submittedAt', rfc3339(min(j.created_at)),
        'total', count(*),
        'counts', json_build_object(
            'queued', count(*) filter (where j.status = 'queued'),
            'submitted', count(*) filter (where j.status = 'submitted'),
            'completed', count(*) filter (where j.status = 'completed'),
            'failed', count(*) filter (where j.status = 'failed'),
            'cancelled', count(*) filter (where j.status = 'cancelled')),
        'progress', 100 * count(e.at) / count(*),
        'endedAt', case when count(e.at) = count(*)
                        then rfc3339(max(e.at)) end)::text
    from jobs j,
         lateral (select case j.status when 'completed' then j.completed_at
                                       when 'failed' then j.failed_at
                                       when 'cancelled' then j.cancelled_at
                         end as at) e
    where j.batch_id = batch
    having count(*) > 0
$$;

-- A page of batches, newest first, by one look into the index for each; a last
-- row without a document holds the cursor of the next page.
create function batches_page(before uuid, how_many integer)
returns table (id uuid, document text)
language sql stable as $$
    with recursive found (id, n) as (
        (select j.batch_id, 1 from jobs j where j.batch_id < before
         order by j.batch_id desc limit 1)
        union all
        select (select j.batch_id from jobs j where j.batch_id < f.id
                order by j.batch_id desc limit 1), f.n + 1
        from found f where f.id is not null and f.n <= how_many
    )
    select f.id, case when f.n <= how_many then batch_document(f.id) end
    from (select f.id, f.n from found f
          where f.id is not null and f.n <= how_many
          union all
          select l.id, f.n from found f join found l on l.n = how_many
          where f.id is not null and f.n > how_many) f
    order by f.n
$$;

create index dead_letters_unresolved on dead_letters (id)
    where resolved_at is null;

-- The payload is not in it.
create view dead_letter_documents as
select l.id, json_build_object(
    'id', l.id, 'jobId', l.job_id, 'attempt', l.attempt,
    'provider', l.provider, 'stream', l.stream, 'source', l.source,
    'type', l.type, 'error', l.error, 'attempts', l.attempts,
    'size', octet_length(l.payload), 'receivedAt', rfc3339(l.received_at),
    'createdAt', rfc3339(l.created_at),
    'nextAttemptAt', rfc3339(l.next_attempt_at), 'dropped', l.dropped,
    'resolvedAt', rfc3339(l.resolved_at)) as document
from dead_letters l;

-- As text where it is one; null for what is no UTF-8 or holds a NUL.  A
-- character that the end cuts through is left out.
create function payload_text(payload bytea, cut boolean) returns text
language plpgsql immutable as $$
begin
    for missing in 0 .. case when cut then 3 else 0 end loop
        begin
            return convert_from(substr(payload, 1,
                                       octet_length(payload) - missing), 'UTF8');
        exception when character_not_in_repertoire
                     or untranslatable_character then
            null;
        end;
    end loop;
    return null;
end
$$;

-- With the first 64 KiB of the payload, as text or in base64.
create function dead_letter_whole(letter uuid) returns text
language sql stable as $$
    select (d.document::jsonb || jsonb_build_object(
        'head', l.head,
        'payload', coalesce(t.text,
                            translate(encode(p.bytes, 'base64'), e'\n', '')),
        'encoding', case when t.text is null then 'base64' else 'utf-8' end,
        'truncated', p.cut))::text
    from dead_letters l
    join dead_letter_documents d on d.id = l.id,
    lateral (select substr(l.payload, 1, 65536) as bytes,
                    octet_length(l.payload) > 65536 as cut) p,
    lateral (select payload_text(p.bytes, p.cut) as text) t
    where l.id = letter
$$;

-- A page of open ones, newest first, as captures_page().  `waiting`: person,
-- for those that nothing will happen to by itself; retry, for the others.
create function dead_letters_page(
    before uuid,
    how_many integer,
    provider text default null,
    job uuid default null,
    error_has text default null,
    waiting text default null
) returns table (id uuid, document text)
language sql stable as $$
    with open as materialized (
        select l.id, row_number() over (order by l.id desc) as n
        from dead_letters l
        where l.resolved_at is null and l.id < before
          and (dead_letters_page.provider is null
               or l.provider = dead_letters_page.provider)
          and (job is null or l.job_id = job)
          and (error_has is null
               or strpos(lower(l.error), lower(error_has)) > 0)
          and (waiting is null
               or (l.next_attempt_at is null) = (waiting = 'person'))
        order by l.id desc limit how_many + 1
    )
    select r.id, r.document from (
        select o.id, o.n, (select d.document::text from dead_letter_documents d
                           where d.id = o.id) as document
        from open o where o.n <= how_many
        union all
        select l.id, o.n, null from open o join open l on l.n = how_many
        where o.n > how_many) r
    order by r.n
$$;

-- Feeds one back, or gives it up, as retry_dead_letters() and
-- drop_dead_letters(), and tells what became of it.
create function change_dead_letter(letter uuid, drops boolean)
returns table (changed boolean, document text)
language plpgsql as $$
#variable_conflict use_column
declare
    moved constant boolean := 0 < case
        when drops then drop_dead_letters(array[letter])
        else retry_dead_letters(array[letter]) end;
begin
    return query
    select moved, d.document::text
    from dead_letter_documents d where d.id = letter;
end
$$;
