-- A book of the ledger begins behind all that was recorded.  Rows are told from
-- those of earlier books by their ids, and a Redis that lost its stream, or the end
-- of it, may give ids out again that lie before recorded ones: of the tail that it
-- lost, or of a clock that had been ahead.  The poller moves such a stream on.

-- The last id of the stream that has a row, but for its number within the
-- millisecond; null: none has.
create function ledger_last(stream text, redis text) returns text
language sql stable as $$
    select substring(d.entry_id from '^[a-z]+:(\d+-\d+)')
    from deliveries d
    where d.entry_id > split_part(stream, ':', 2) || ':'
      and d.entry_id < split_part(stream, ':', 2) || ';'
      and split_part(d.entry_id, '@', 2) in ('', redis)
    order by d.entry_id desc limit 1
$$;

-- Would a book that begins now count rows that are not its own?  What came after
-- redis was asked is its own, with an id that is not older than that.
create function ledger_overtaken(
    stream text,
    redis text,
    seen_us bigint,
    newest text
) returns boolean
language plpgsql stable as $$
declare
    kind constant text := split_part(stream, ':', 2);
    now_ms constant bigint := seen_us / 1000;
    last constant text := ledger_last(stream, redis);
begin
    return entry_place(last) > entry_place(newest) and (
        entry_place(last) > entry_place(now_ms + 60000 || '-0')
        or exists (
            select from deliveries d
            where d.entry_id >= kind || ':' || split_part(newest, '-', 1)
              and d.entry_id < kind || ':' || now_ms
              and split_part(d.entry_id, '@', 2) in ('', redis)
              and entry_place(substring(d.entry_id from '^[a-z]+:(\d+-\d+)'))
                  > entry_place(newest)));
end
$$;

-- ledger_check(), but for a book that would begin too early.  No count: this book
-- is to be closed, and the stream to go on behind `last`.
create function ledger_audit(
    stream text,
    redis text,
    book text,
    seen_us bigint,
    added bigint,
    length bigint,
    newest text,
    delivered text,
    oldest text,
    pending text[],
    out unaccounted bigint,
    out last text
)
language plpgsql as $$
declare
    before constant bigint := (select l.unaccounted from ledgers l
                               where l.stream = ledger_audit.stream
                                 and l.book = ledger_audit.book);
begin
    if exists (select from ledgers l
               where l.stream = ledger_audit.stream
                 and l.book = ledger_audit.book)
       or ledger_overtaken(stream, redis, seen_us, newest) is not true then
        unaccounted := ledger_check(stream, redis, book, seen_us, added, length,
                                    newest, delivered, oldest, pending);
    end if;
    -- More recorded than was accepted, twice: redis lost its last entries, and got
    -- more new ones than that before anybody looked.
    if before < 0 and unaccounted < 0 then
        update ledgers l set closed_at = now()
        where l.stream = ledger_audit.stream and l.book = ledger_audit.book;
        unaccounted := null;
    end if;
    if unaccounted is null then
        last := split_part(ledger_last(stream, redis), '-', 1)::bigint + 1 || '-0';
    end if;
end
$$;
