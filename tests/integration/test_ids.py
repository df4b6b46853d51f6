"""Ids are given out in order, hold their time, and a time finds its ids."""

import pytest

LISTED = 1000


def fraction_us(job_id):
    """Where in its millisecond an id was given out."""
    return int(job_id[15:18], 16) * 1000 / 4096


def test_ids_of_one_session_ascend(stack):
    ids = [stack.sql("select uuidv7()::text")[0][0] for _ in range(5000)]
    assert all(a < b for a, b in zip(ids, ids[1:]))
    assert len({i[:13] for i in ids}) < len(ids)  # some share a millisecond
    stack.sql("create table given_out (n serial, id uuid)")
    stack.sql("do $$ begin for i in 1..20000 loop"
              " insert into given_out (id) values (uuidv7()); end loop; end $$")
    assert stack.sql("select count(*) from (select id, lag(id) over (order by n) as before"
                     " from given_out) g where id <= before")[0][0] == 0


def test_an_id_is_of_version_7_and_holds_its_microsecond(stack):
    for _ in range(200):
        [row] = stack.sql(
            "with a as materialized (select clock_timestamp() as at),"
            " i as materialized (select a.at, uuidv7() as id from a),"
            " z as materialized (select i.*, clock_timestamp() as until from i)"
            " select id::text, extract(epoch from at) * 1000000 as at_us, uuidv7_at(at) <= id as"
            " found, extract(epoch from until) * 1000000 as until_us,"
            " extract(epoch from uuidv7_time(id)) * 1000000 as ms_us from z")
        assert row.id[14] == "7" and row.id[19] in "89ab"
        given_us = float(row.ms_us) + fraction_us(row.id)
        assert float(row.at_us) - 1 < given_us <= float(row.until_us)
        assert row.found


def test_ids_differ_where_their_time_is_the_same(stack):
    ids = [r[0] for r in stack.sql("select uuidv7()::text from generate_series(1, 20000)")]
    assert len({i[19:] for i in ids}) == len(ids)


@pytest.mark.parametrize("at, last", [
    ("00:00:00.000", "000"), ("00:00:00.0004", "000"), ("00:00:00.0005", "000"),
    ("00:00:00.000999", "000"), ("00:00:00.001", "001"), ("00:00:00.0019996", "002"),
])
def test_a_time_is_the_first_id_of_its_millisecond(stack, at, last):
    [row] = stack.sql("select uuidv7_at(%s::timestamptz)::text as id,"
                      " uuidv7_time(uuidv7_at(%s::timestamptz)) = date_trunc('milliseconds',"
                      " %s::timestamptz) as back", *["2023-11-14T" + at + "Z"] * 3)
    start = stack.sql("select to_hex((extract(epoch from timestamptz '2023-11-14T00:00:00Z')"
                      " * 1000)::bigint + %s)", int(last))[0][0]
    assert row.id == f"0{start[:7]}-{start[7:]}-7000-8000-000000000000"
    assert row.back


def test_a_list_keeps_the_order_of_a_batch_and_of_what_came_one_by_one(stack):
    stack.start("api")
    first = [stack.queue(f"https://example.com/{n}") for n in range(20)]
    answer = stack.api("POST", "/v1/captures", {"captures": [
        {"url": f"https://example.com/batch/{n}"} for n in range(LISTED)]})
    assert answer.status == 202
    batch = [c["jobId"] for c in answer.json()["captures"]]
    listed, cursor = [], ""
    while cursor is not None:
        page = stack.api("GET", f"/v1/captures?limit=100{cursor}").json()
        listed += [c["jobId"] for c in page["captures"]]
        cursor = f"&cursor={page['nextCursor']}" if page.get("nextCursor") else None
    assert listed == (first + batch)[::-1]  # the newest first
