-- Providers as users see them, and the tries of a dead letter in its document.

-- As one JSON document: those that this fleet knows (`known`) and those that
-- captures name, with their scorecards of the last seven days, newest first.
create function providers_document(known text[]) returns text
language sql stable as $$
    select json_build_object('providers', coalesce(json_agg(json_build_object(
        'provider', p.name, 'known', p.name = any (known),
        'failing', h.failures > 0, 'error', h.error,
        'pausedUntil', case when h.paused_until > now()
                            then rfc3339(h.paused_until) end,
        'days', (
            select coalesce(json_agg(json_build_object(
                'day', s.day, 'captures', s.captures,
                'completed', s.completed, 'failed', s.failed,
                'cancelled', s.cancelled,
                'successPercent', s.success_percent, 'errors', s.errors,
                'attempts', s.attempts, 'bytes', s.bytes,
                'pictureP50Ms', s.picture_p50_ms,
                'pictureP99Ms', s.picture_p99_ms,
                'webhooks', s.webhooks, 'duplicates', s.duplicates,
                'late', s.late, 'outOfOrder', s.out_of_order,
                'neverCame', s.never_came, 'delayP50Ms', s.delay_p50_ms,
                'delayP99Ms', s.delay_p99_ms, 'refused', s.refused)
                order by s.day desc), '[]')
            from provider_scorecard s
            where s.provider = p.name and s.day > utc_day(now()) - 7))
        order by p.name), '[]'))::text
    from (select unnest(known) as name
          union select u.provider from providers_used u) p
    left join provider_health h on h.provider = p.name
$$;

create or replace function dead_letter_whole(letter uuid) returns text
language sql stable as $$
    select (d.document::jsonb || jsonb_build_object(
        'head', l.head, 'tries', l.history,
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
