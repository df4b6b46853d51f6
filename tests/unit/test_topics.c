#include <stdio.h>
#include <string.h>

#include "api/topics.h"
#include "tests/unit/unit.h"

static struct topic_name capture(unsigned n)
{
    struct topic_name name = { .kind = TOPIC_CAPTURE };

    snprintf(name.id, sizeof name.id, "00000000-0000-7000-8000-%012u", n);
    return name;
}

static void a_topic_lives_as_long_as_somebody_follows(void **state)
{
    struct topics *t = topics_new();
    struct follower a = { 0 };
    struct follower b = { 0 };
    struct topic_name one = capture(1);
    struct subscription *s = topics_follow(t, &a, &one);

    (void)state;
    assert_non_null(s);
    assert_ptr_equal(s, topics_follow(t, &a, &one)); /* the same again */
    assert_int_equal(1, a.count);
    assert_non_null(topics_follow(t, &b, &one));
    assert_int_equal(1, topics_count(t, TOPIC_CAPTURE));
    assert_non_null(topics_find(t, TOPIC_CAPTURE, one.id));
    assert_null(topics_find(t, TOPIC_BATCH, one.id)); /* another kind */
    topics_drop_all(t, &a);
    assert_null(topics_subscription(t, &a, &one));
    assert_non_null(topics_subscription(t, &b, &one));
    topics_drop_all(t, &b);
    assert_null(topics_find(t, TOPIC_CAPTURE, one.id));
    assert_int_equal(0, topics_count(t, TOPIC_CAPTURE));
    topics_free(t);
}

static void a_follower_has_its_limit(void **state)
{
    struct topics *t = topics_new();
    struct follower f = { 0 };
    struct topic_name name;

    (void)state;
    for (unsigned i = 0; i < SUBSCRIPTIONS_MAX; i++) {
        name = capture(i);
        assert_non_null(topics_follow(t, &f, &name));
    }
    name = capture(SUBSCRIPTIONS_MAX);
    assert_null(topics_follow(t, &f, &name));
    name = capture(0); /* one that it has */
    assert_non_null(topics_follow(t, &f, &name));
    topics_drop(t, topics_subscription(t, &f, &name));
    name = capture(SUBSCRIPTIONS_MAX);
    assert_non_null(topics_follow(t, &f, &name));
    topics_drop_all(t, &f);
    topics_free(t);
}

static void who_holds_a_subscription_learns_of_its_end(void **state)
{
    struct topics *t = topics_new();
    struct follower f = { 0 };
    struct topic_name name = capture(1);
    struct subscription *held = topics_follow(t, &f, &name);

    (void)state;
    held->held_by = &held;
    topics_drop_all(t, &f);
    assert_null(held);
    topics_free(t);
}

static void count_topic(struct topic *topic, void *arg)
{
    unsigned *count = arg;

    assert_int_equal(TOPIC_CAPTURE, topic->name.kind);
    (*count)++;
}

static void a_walk_in_steps_sees_each_once(void **state)
{
    struct topics *t = topics_new();
    struct follower f = { 0 };
    struct topic_name all = { .kind = TOPIC_ALL };
    unsigned count = 0;
    size_t place = 0;

    (void)state;
    assert_non_null(topics_follow(t, &f, &all));
    for (unsigned i = 0; i < 500; i++) {
        struct topic_name name = capture(i);

        assert_non_null(topics_follow(t, &f, &name));
    }
    do
        topics_walk(t, TOPIC_CAPTURE, &place, 100, count_topic, &count);
    while (place != 0);
    assert_int_equal(500, count);
    topics_drop_all(t, &f);
    topics_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_lives_as_long_as_somebody_follows),
        cmocka_unit_test(a_follower_has_its_limit),
        cmocka_unit_test(who_holds_a_subscription_learns_of_its_end),
        cmocka_unit_test(a_walk_in_steps_sees_each_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
