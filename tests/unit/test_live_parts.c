/* positions, histories and messages of live events */
#include <stdio.h>
#include <string.h>

#include "api/frame.h"
#include "api/history.h"
#include "api/message.h"
#include "api/position.h"
#include "tests/unit/unit.h"

static const char job[] = "01890a5d-ac96-774b-bcce-b302099a8057";

static void positions_come_back_as_they_went(void **state)
{
    static const char *const texts[] = {
        "0-0", "1700000000000-0",
        "18446744073709551615-18446744073709551615,0-1,7-0"
    };
    struct position p;
    char text[POSITION_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_true(position_parse(texts[i], i == 2 ? 3 : 1, &p));
        position_format(&p, text);
        assert_string_equal(text, texts[i]);
    }
    p = (struct position){ .count = SHARDS_MAX };
    for (size_t i = 0; i < SHARDS_MAX; i++)
        p.at[i] = (struct entry_id){ UINT64_MAX, UINT64_MAX };
    position_format(&p, text); /* the longest fits */
    assert_true(position_parse(text, SHARDS_MAX, &p));
}

static void other_texts_are_no_positions(void **state)
{
    static const char *const texts[] = {
        "",
        "-",
        "1",
        "1-",
        "-1",
        "1-1 ",
        " 1-1",
        "1-1,",
        ",1-1",
        "1-1-1",
        "0x1-1",
        "+1-1",
        "1-1,2",
        "1-1,2-2",
        "1 -1",
        "a-b",
        "1-1.end",
        "18446744073709551616-0",
        "0-18446744073709551616",
    };
    struct position p;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(position_parse(texts[i], 1, &p));
    assert_false(position_parse("1-1", 2, &p));
    assert_true(position_parse("1-1,2-2", 2, &p));
}

struct count {
    unsigned count;
    char last[HISTORY_JOB_SIZE];
};

static void on_entry(const char *text, void *arg)
{
    struct count *c = arg;

    c->count++;
    snprintf(c->last, sizeof c->last, "%s", text);
}

static int since(const struct history *h, uint64_t ms, uint64_t n)
{
    struct count c = { 0 };

    return history_since(h, (struct entry_id){ ms, n }, on_entry, &c) == 0
               ? (int)c.count
               : -1;
}

static void a_history_knows_what_came_since(void **state)
{
    struct history h;

    (void)state;
    history_init(&h);
    assert_int_equal(0, since(&h, 0, 0)); /* of an empty stream */
    assert_int_equal(-1, since(&h, 1, 0));
    history_add(&h, (struct entry_id){ 5, 0 }, job);
    history_add(&h, (struct entry_id){ 5, 1 }, NULL); /* says nothing */
    history_add(&h, (struct entry_id){ 6, 0 }, job);
    assert_int_equal(2, since(&h, 0, 0));
    assert_int_equal(2, since(&h, 4, 9));
    assert_int_equal(1, since(&h, 5, 0));
    assert_int_equal(1, since(&h, 5, 1));
    assert_int_equal(0, since(&h, 6, 0));
    assert_int_equal(-1, since(&h, 6, 1)); /* of the future */
    history_clear(&h, (struct entry_id){ 9, 0 });
    assert_int_equal(-1, since(&h, 6, 0));
    assert_int_equal(0, since(&h, 9, 0));
    history_release(&h);
}

static void a_full_history_forgets_the_oldest(void **state)
{
    struct history h;

    (void)state;
    history_init(&h);
    for (uint64_t i = 1; i <= HISTORY_ENTRIES; i++)
        history_add(&h, (struct entry_id){ i, 0 }, job);
    assert_int_equal(HISTORY_ENTRIES, since(&h, 0, 0));
    history_add(&h, (struct entry_id){ HISTORY_ENTRIES + 1, 0 }, job);
    assert_int_equal(-1, since(&h, 0, 0));
    assert_int_equal(HISTORY_ENTRIES, since(&h, 1, 0));
    for (uint64_t i = 2; i <= HISTORY_ENTRIES; i++)
        history_add(&h, (struct entry_id){ HISTORY_ENTRIES + i, 0 }, job);
    assert_int_equal(-1, since(&h, HISTORY_ENTRIES - 1, 0));
    assert_int_equal(1, since(&h, 2 * HISTORY_ENTRIES - 1, 0));
    history_release(&h);
}

static void a_message_has_every_form(void **state)
{
    struct message m;
    const struct buf *text;

    (void)state;
    message_init(&m, "completed", "{\"a\":1}", "5-0");
    assert_string_equal(message_form(&m, MESSAGE_SSE)->data,
                        "event: completed\nid: 5-0\ndata: {\"a\":1}\n\n");
    assert_string_equal(message_form(&m, MESSAGE_SSE_END)->data,
                        "event: completed\nid: 5-0.end\ndata: {\"a\":1}\n\n");
    assert_string_equal(message_form(&m, MESSAGE_SOCKETIO)->data,
                        "42[\"screenshot-ready\",{\"a\":1},\"5-0\"]");
    text = message_form(&m, MESSAGE_WEBSOCKET);
    assert_int_equal((unsigned char)text->data[0], 0x81);
    assert_int_equal(text->data[1], text->len - 2);
    assert_string_equal(
        text->data + 2,
        "{\"event\":\"screenshot-ready\",\"id\":\"5-0\",\"data\":{\"a\":1}}");
    assert_ptr_equal(text, message_form(&m, MESSAGE_WEBSOCKET));
    message_release(&m);

    message_init(&m, "queued", "{}", "");
    assert_string_equal(message_form(&m, MESSAGE_SSE)->data,
                        "event: queued\ndata: {}\n\n");
    message_release(&m);
}

static void frames_have_three_lengths(void **state)
{
    static const struct {
        size_t len;
        const char *head;
        size_t head_len;
    } cases[] = {
        { 0, "\x81\x00", 2 },
        { 125, "\x81\x7d", 2 },
        { 126, "\x81\x7e\x00\x7e", 4 },
        { 65535, "\x81\x7e\xff\xff", 4 },
        { 65536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10 },
    };
    static char bytes[65536];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out;

        buf_init(&out, cases[i].head_len + cases[i].len);
        assert_int_equal(0,
                         frame_append(&out, FRAME_TEXT, bytes, cases[i].len));
        assert_int_equal(out.len, out.max);
        assert_memory_equal(out.data, cases[i].head, cases[i].head_len);
        assert_int_equal(-1, frame_append(&out, FRAME_TEXT, bytes, 0));
        assert_int_equal(out.len, out.max);
        buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_come_back_as_they_went),
        cmocka_unit_test(other_texts_are_no_positions),
        cmocka_unit_test(a_history_knows_what_came_since),
        cmocka_unit_test(a_full_history_forgets_the_oldest),
        cmocka_unit_test(a_message_has_every_form),
        cmocka_unit_test(frames_have_three_lengths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
