#include "api/live_socket.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "api/hub.h"
#include "api/live.h"
#include "api/message.h"
#include "api/pass.h"
#include "api/websocket.h"
#include "api/wish.h"
#include "common/mem.h"

struct live_socket {
    struct follower follower; /* first: see socket_of() */
    struct api *api;
    struct hub *hub;
    struct websocket *websocket;
    struct pass pass;
};

static struct live_socket *socket_of(const struct follower *f)
{
    return (struct live_socket *)(uintptr_t)f;
}

/* Takes `o`. */
static void send_object(struct live_socket *s, struct json_object *o)
{
    size_t len;
    const char *text = json_object_to_json_string_length(
        o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);

    websocket_send(s->websocket, text, len);
    json_object_put(o);
}

static struct json_object *answer(const char *event, const struct wish *w)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "event", json_object_new_string(event));
    if (w && w->ref)
        json_object_object_add(o, "ref", json_object_get(w->ref));
    return o;
}

/* About one thing (or NULL). */
static void send_error(struct live_socket *s, const struct wish *w,
                       const struct topic_name *name, const char *code,
                       const char *detail)
{
    struct json_object *o = answer("error", w);

    json_object_object_add(o, "code", json_object_new_string(code));
    json_object_object_add(o, "detail", json_object_new_string(detail));
    if (name && name->kind == TOPIC_CAPTURE)
        json_object_object_add(o, "jobId", json_object_new_string(name->id));
    if (name && name->kind == TOPIC_BATCH)
        json_object_object_add(o, "batchId", json_object_new_string(name->id));
    send_object(s, o);
}

/* --- the hub */

static void on_tell(struct follower *f, const struct topic_name *topic,
                    struct message *m, bool last)
{
    (void)topic;
    (void)last;
    websocket_send_frames(socket_of(f)->websocket,
                          message_form(m, MESSAGE_WEBSOCKET));
}

static void on_over(struct follower *f, const struct topic_name *topic,
                    enum topic_over why, const struct db_result *result)
{
    struct live_socket *s = socket_of(f);

    (void)result;
    pass_return(&s->pass, topic);
    if (why == TOPIC_UNKNOWN)
        send_error(s, NULL, topic, "NOT_FOUND",
                   topic->kind == TOPIC_BATCH ? "there is no such batch"
                                              : "there is no such capture");
    else if (why == TOPIC_FAILED)
        send_error(s, NULL, topic, "UNAVAILABLE",
                   "the database is away; subscribe again");
}

static size_t on_waiting(const struct follower *f)
{
    return websocket_waiting(socket_of(f)->websocket);
}

static const struct follower_ops ops = {
    .tell = on_tell,
    .over = on_over,
    .waiting = on_waiting,
};

/* --- wishes */

/* All of it or nothing. */
static bool may_follow(struct live_socket *s, const struct wish *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (pass_permits(&s->pass, w->token, &w->names[i]))
            continue;
        send_error(s, w, &w->names[i], "UNAUTHORIZED",
                   "this needs a key, or its watch token as `token`");
        return false;
    }
    return true;
}

static void follow(struct live_socket *s, const struct wish *w)
{
    struct json_object *o = answer("subscribed", w);
    size_t i = 0;

    while (i < w->count &&
           hub_follow(s->hub, &s->follower, &w->names[i], w->since)) {
        pass_grant(&s->pass, w->token, &w->names[i]);
        i++;
    }
    json_object_object_add(o, "count", json_object_new_int64((int64_t)i));
    send_object(s, o);
    if (i < w->count)
        send_error(s, w, &w->names[i], "TOO_MANY",
                   "from this one on: a connection follows at most 1000");
}

static void leave(struct live_socket *s, const struct wish *w)
{
    struct json_object *o = answer("unsubscribed", w);
    int64_t count = 0;

    for (size_t i = 0; i < w->count; i++) {
        count += hub_leave(s->hub, &s->follower, &w->names[i]);
        pass_return(&s->pass, &w->names[i]);
    }
    json_object_object_add(o, "count", json_object_new_int64(count));
    send_object(s, o);
}

static void on_message(void *arg, const char *ptr, size_t len)
{
    struct live_socket *s = arg;
    struct wish w;
    char error[256];

    if (wish_parse(&w, ptr, len, error, sizeof error) != 0)
        send_error(s, &w, NULL, "INVALID_REQUEST", error);
    else if (w.leave)
        leave(s, &w);
    else if (may_follow(s, &w))
        follow(s, &w);
    wish_release(&w);
}

/* --- the socket */

static void on_drained(void *arg)
{
    struct live_socket *s = arg;

    hub_drained(s->hub, &s->follower);
}

static void on_closed(void *arg)
{
    struct live_socket *s = arg;

    hub_leave_all(s->hub, &s->follower);
    pass_release(&s->pass);
    free(s);
}

static void on_pass_expired(void *arg, const struct topic_name *name)
{
    struct live_socket *s = arg;

    hub_leave(s->hub, &s->follower, name);
    send_error(s, NULL, name, "UNAUTHORIZED", PASS_EXPIRED);
}

static void on_pass_ended(void *arg, const char *why)
{
    struct live_socket *s = arg;

    hub_leave_all(s->hub, &s->follower);
    websocket_close(s->websocket, WEBSOCKET_POLICY_VIOLATION, why,
                    LINE_REFUSED);
}

static const struct pass_owner pass_owner = {
    .expired = on_pass_expired,
    .ended = on_pass_ended,
};

void live_socket_open(struct exchange *x)
{
    static const struct websocket_owner owner = {
        .message = on_message,
        .drained = on_drained,
        .closed = on_closed,
    };
    struct live_socket *s = mem_zalloc(sizeof *s);

    s->follower.ops = &ops;
    s->api = x->api;
    s->hub = live_hub(x->api->live);
    s->websocket = websocket_open(x, &owner, s);
    if (s->websocket)
        pass_init(&s->pass, x, &pass_owner, s);
    else
        free(s);
}
