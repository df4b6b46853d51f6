-- Ids in the order in which they were given out, also within a millisecond: two
-- captures that one program submits, one after the other, stand in that order in
-- every list.  The twelve bits after the version hold the fraction of the
-- millisecond (RFC 9562, 6.2, method 3), as PostgreSQL 18's own ids do; the clock
-- knows microseconds, and each is four of its steps.

-- Milliseconds and fraction are one number: microseconds * 4096 / 1000, rounded
-- down.  A body of one expression with one look at the clock, so that a query
-- takes it in instead of calling it.
create or replace function uuidv7() returns uuid
language sql volatile parallel safe as $$
    select (overlay(lpad(to_hex((extract(epoch from clock_timestamp())
                                 * 1000000)::bigint * 512 / 125), 15, '0')
                    placing '7' from 13 for 0)
            || substr(gen_random_uuid()::text, 20) -- its variant and the rest
           )::uuid
$$;

-- Rounded down as well: what is given out at that instant is not before it.
create or replace function uuidv7_at(at timestamptz) returns uuid
language sql immutable parallel safe as $$
    select (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0')
            || '70008000000000000000')::uuid
$$;
