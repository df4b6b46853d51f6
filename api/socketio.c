#include "api/socketio.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/engine_packet.h"
#include "api/hub.h"
#include "api/live.h"
#include "api/message.h"
#include "api/pass.h"
#include "api/wish.h"
#include "common/digest.h"
#include "common/json.h"
#include "common/mem.h"

enum { SID_BYTES = 10, TEXT_SIZE = 256 };

/* One client. */
struct socketio {
    struct follower follower; /* first: see client_of() */
    struct api *api;
    struct hub *hub;
    struct engine_session *session;
    struct pass pass;
    bool connected; /* to the namespace "/" */
};

static struct socketio *client_of(const struct follower *f)
{
    return (struct socketio *)(uintptr_t)f;
}

/* "43" + id or "42", and the JSON.  Takes `o`. */
static void send_packet(struct socketio *c, enum socketio_type type,
                        const char *id, size_t id_len, struct json_object *o)
{
    char *text = mem_format(
        "4%c%.*s%s", type, (int)id_len, id ? id : "",
        json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
                                              JSON_C_TO_STRING_NOSLASHESCAPE));

    engine_send_text(c->session, text, strlen(text));
    free(text);
    json_object_put(o);
}

static struct json_object *error_object(const struct topic_name *name,
                                        const char *code, const char *detail)
{
    struct json_object *o = json_object_new_object();

    json_object_object_add(o, "code", json_object_new_string(code));
    json_object_object_add(o, "detail", json_object_new_string(detail));
    if (name && name->kind == TOPIC_CAPTURE)
        json_object_object_add(o, "jobId", json_object_new_string(name->id));
    if (name && name->kind == TOPIC_BATCH)
        json_object_object_add(o, "batchId", json_object_new_string(name->id));
    return o;
}

/* As an acknowledgement where one is wanted, else as the event "error" with a
 * name that socket.io does not keep for itself. */
static void send_error(struct socketio *c, const struct socketio_packet *p,
                       struct json_object *error)
{
    struct json_object *list = json_object_new_array();

    if (!p || !p->id)
        json_object_array_add(list, json_object_new_string("live-error"));
    if (p && p->id) {
        struct json_object *o = json_object_new_object();

        json_object_object_add(o, "error", error);
        error = o;
    }
    json_object_array_add(list, error);
    if (p && p->id)
        send_packet(c, SOCKETIO_ACK, p->id, p->id_len, list);
    else
        send_packet(c, SOCKETIO_EVENT, NULL, 0, list);
}

/* --- the hub */

static void on_tell(struct follower *f, const struct topic_name *topic,
                    struct message *m, bool last)
{
    (void)topic;
    (void)last;
    engine_send(client_of(f)->session, message_form(m, MESSAGE_SOCKETIO),
                message_form(m, MESSAGE_SOCKETIO_FRAMED));
}

static void on_over(struct follower *f, const struct topic_name *topic,
                    enum topic_over why, const struct db_result *result)
{
    struct socketio *c = client_of(f);

    (void)result;
    pass_return(&c->pass, topic);
    if (why == TOPIC_UNKNOWN)
        send_error(c, NULL,
                   error_object(topic, "NOT_FOUND", "there is no such thing"));
    else if (why == TOPIC_FAILED)
        send_error(c, NULL,
                   error_object(topic, "UNAVAILABLE",
                                "the database is away; subscribe again"));
}

static size_t on_waiting(const struct follower *f)
{
    return engine_waiting(client_of(f)->session);
}

static const struct follower_ops ops = {
    .tell = on_tell,
    .over = on_over,
    .waiting = on_waiting,
};

/* --- packets */

static void on_connect(struct socketio *c, const struct socketio_packet *p)
{
    char text[TEXT_SIZE];
    char sid[2 * SID_BYTES + 1];
    char error[TEXT_SIZE];
    struct json_object *auth =
        p->json_len > 0 ? json_parse(p->json, p->json_len, error, sizeof error)
                        : NULL;
    const char *token = json_text(auth, "token");

    random_hex(SID_BYTES, sid);
    if (p->name && !(p->name_len == 1 && *p->name == '/'))
        snprintf(text, sizeof text,
                 "44%.*s,{\"message\":\"Invalid namespace\"}",
                 p->name_len < 64 ? (int)p->name_len : 64, p->name);
    else if (!c->pass.everything && !c->pass.something &&
             !pass_add(&c->pass, token))
        snprintf(text, sizeof text,
                 "44{\"message\":\"send a watch token as auth.token, or a key "
                 "as Authorization\",\"data\":{\"code\":\"UNAUTHORIZED\"}}");
    else
        snprintf(text, sizeof text, "40{\"sid\":\"%s\"}", sid);
    if (strncmp(text, "40", 2) == 0)
        c->connected = true;
    engine_send_text(c->session, text, strlen(text));
    json_object_put(auth);
}

static bool may_follow(struct socketio *c, const struct socketio_packet *p,
                       const struct wish *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (pass_permits(&c->pass, w->token, &w->names[i]))
            continue;
        send_error(c, p,
                   error_object(&w->names[i], "UNAUTHORIZED",
                                "this needs a key, or its watch token"));
        return false;
    }
    return true;
}

static void grant(struct socketio *c, const struct socketio_packet *p,
                  const struct wish *w)
{
    struct json_object *answer = json_object_new_object();
    struct json_object *list = json_object_new_array();
    int64_t count = 0;
    size_t i = 0;

    for (; i < w->count; i++) {
        if (w->leave) {
            count += hub_leave(c->hub, &c->follower, &w->names[i]);
            pass_return(&c->pass, &w->names[i]);
        } else if (hub_follow(c->hub, &c->follower, &w->names[i], w->since)) {
            pass_grant(&c->pass, w->token, &w->names[i]);
            count++;
        } else {
            break;
        }
    }
    json_object_object_add(answer, "count", json_object_new_int64(count));
    json_object_array_add(list, answer);
    if (p->id && i == w->count)
        send_packet(c, SOCKETIO_ACK, p->id, p->id_len, list);
    else
        json_object_put(list);
    if (i < w->count)
        send_error(c, p,
                   error_object(&w->names[i], "TOO_MANY",
                                "from this one on: a connection follows at "
                                "most 1000"));
}

static void on_wish(struct socketio *c, const struct socketio_packet *p,
                    struct json_object *list, bool leave)
{
    struct wish w;
    char error[TEXT_SIZE];

    if (wish_read(&w, leave, json_object_array_get_idx(list, 1),
                  json_object_array_get_idx(list, 2), error, sizeof error) != 0)
        send_error(c, p, error_object(NULL, "INVALID_REQUEST", error));
    else if (leave || may_follow(c, p, &w))
        grant(c, p, &w);
    wish_release(&w);
}

static int on_event(struct socketio *c, const struct socketio_packet *p)
{
    char error[TEXT_SIZE];
    struct json_object *list =
        json_parse(p->json, p->json_len, error, sizeof error);
    const char *name = NULL;

    if (json_object_is_type(list, json_type_array))
        name = json_text(json_object_array_get_idx(list, 0), "");
    if (name && strcmp(name, "subscribe") == 0)
        on_wish(c, p, list, false);
    else if (name && strcmp(name, "unsubscribe") == 0)
        on_wish(c, p, list, true);
    else if (name)
        send_error(c, p,
                   error_object(NULL, "INVALID_REQUEST",
                                "emit `subscribe` or `unsubscribe`"));
    json_object_put(list);
    return name ? 0 : -1;
}

/* --- the session */

static int on_message(void *arg, const char *ptr, size_t len)
{
    struct socketio *c = arg;
    struct socketio_packet p;

    if (!socketio_packet_parse(ptr, len, &p))
        return -1;
    switch (p.type) {
    case SOCKETIO_CONNECT:
        on_connect(c, &p);
        return 0;
    case SOCKETIO_DISCONNECT:
        hub_leave_all(c->hub, &c->follower);
        pass_return(&c->pass, NULL);
        c->connected = false;
        return 0;
    case SOCKETIO_EVENT:
        return c->connected && !p.name ? on_event(c, &p) : -1;
    case SOCKETIO_ACK:
        return 0; /* we want none */
    case SOCKETIO_ERROR:
        break;
    }
    return -1;
}

static void on_pass_expired(void *arg, const struct topic_name *name)
{
    struct socketio *c = arg;

    hub_leave(c->hub, &c->follower, name);
    send_error(c, NULL, error_object(name, "UNAUTHORIZED", PASS_EXPIRED));
}

/* In one text, as a polling client hears only what waits for it now. */
static void on_pass_ended(void *arg, const char *why)
{
    struct socketio *c = arg;
    char *last_words = mem_format(
        "42[\"live-error\",{\"code\":\"UNAUTHORIZED\",\"detail\":\"%s\"}]"
        "\x1e"
        "41",
        why);

    hub_leave_all(c->hub, &c->follower);
    engine_send_text(c->session, last_words, strlen(last_words));
    engine_end(c->session);
    free(last_words);
}

static const struct pass_owner pass_owner = {
    .expired = on_pass_expired,
    .ended = on_pass_ended,
};

static void *on_open(struct engine_session *session, struct exchange *x)
{
    struct socketio *c = mem_zalloc(sizeof *c);

    c->follower.ops = &ops;
    c->api = x->api;
    c->hub = live_hub(x->api->live);
    c->session = session;
    pass_init(&c->pass, x, &pass_owner, c);
    c->pass.late = false; /* it has time to bring another */
    return c;
}

static void on_drained(void *arg)
{
    struct socketio *c = arg;

    hub_drained(c->hub, &c->follower);
}

static void on_closed(void *arg)
{
    struct socketio *c = arg;

    hub_leave_all(c->hub, &c->follower);
    pass_release(&c->pass);
    free(c);
}

static bool on_is_connected(const void *arg)
{
    const struct socketio *c = arg;

    return c->connected;
}

const struct engine_owner socketio_owner = {
    .open = on_open,
    .message = on_message,
    .drained = on_drained,
    .is_connected = on_is_connected,
    .closed = on_closed,
};
