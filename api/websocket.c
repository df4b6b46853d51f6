#include "api/websocket.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wslay/wslay.h>

#include "api/frame.h"
#include "api/reply.h"
#include "common/digest.h"
#include "common/encoding.h"
#include "common/mem.h"

enum {
    KEY_BYTES = 16,
    /* Read from one client before the others have their turn. */
    TURN_BYTES = 64 * 1024,
    REASON_MAX = 123,
    MASK_BYTES = 4,
    HEAD_BYTES = 256,
};

struct websocket {
    const struct websocket_owner *owner;
    void *arg;
    struct line *line;
    wslay_event_context_ptr reader; /* NULL: between two messages */
    uint64_t received, consumed;    /* by this reader; equal between frames */
    size_t turn;                    /* bytes read in this one */
    bool fragmented;                /* more of the message is to come */
    bool in_frame;
    bool alive; /* heard of since the last beat */
};

/* --- reading */

static ssize_t on_recv(wslay_event_context_ptr reader, uint8_t *out, size_t max,
                       int flags, void *arg)
{
    struct websocket *w = arg;
    size_t n = 0;

    (void)flags;
    if (w->turn < TURN_BYTES)
        n = line_read(w->line, (char *)out, max);
    if (n == 0) {
        wslay_event_set_error(reader, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    w->turn += n;
    w->received += n;
    w->alive = true;
    return (ssize_t)n;
}

/* wslay's own words: pongs and closes, each a whole frame. */
static ssize_t on_send(wslay_event_context_ptr reader, const uint8_t *ptr,
                       size_t len, int flags, void *arg)
{
    struct websocket *w = arg;

    (void)reader;
    (void)flags;
    line_write(w->line, (const char *)ptr, len);
    return (ssize_t)len;
}

static void on_frame(wslay_event_context_ptr reader,
                     const struct wslay_event_on_frame_recv_start_arg *frame,
                     void *arg)
{
    struct websocket *w = arg;
    uint64_t len = frame->payload_length;

    (void)reader;
    w->in_frame = true;
    w->consumed += 2 +
                   (len < 126           ? 0U
                    : len <= UINT16_MAX ? 2U
                                        : 8U) +
                   MASK_BYTES + len;
    if (!wslay_is_ctrl_frame(frame->opcode))
        w->fragmented = !frame->fin;
}

static void on_frame_end(wslay_event_context_ptr reader, void *arg)
{
    struct websocket *w = arg;

    (void)reader;
    w->in_frame = false;
}

static void on_message(wslay_event_context_ptr reader,
                       const struct wslay_event_on_msg_recv_arg *m, void *arg)
{
    static const char text_only[] = "send text";
    struct websocket *w = arg;

    if (m->opcode == WSLAY_TEXT_FRAME) {
        w->owner->message(w->arg, (const char *)m->msg, m->msg_length);
    } else if (m->opcode == WSLAY_BINARY_FRAME) {
        if (wslay_event_queue_close(reader, WSLAY_CODE_UNSUPPORTED_DATA,
                                    (const uint8_t *)text_only,
                                    sizeof text_only - 1) != 0)
            abort(); /* memory is out */
        wslay_event_shutdown_read(reader);
    }
}

static void open_reader(struct websocket *w)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .on_frame_recv_start_callback = on_frame,
        .on_frame_recv_end_callback = on_frame_end,
        .on_msg_recv_callback = on_message,
    };

    if (wslay_event_context_server_init(&w->reader, &callbacks, w) != 0)
        abort(); /* memory is out */
    wslay_event_config_set_max_recv_msg_length(w->reader,
                                               WEBSOCKET_MESSAGE_BYTES);
    w->received = 0;
    w->consumed = 0;
}

static void close_reader(struct websocket *w)
{
    if (w->reader)
        wslay_event_context_free(w->reader);
    w->reader = NULL;
}

/* Both have said goodbye, or we did because of what the client sent. */
static void finish(struct websocket *w)
{
    uint16_t code = wslay_event_get_status_code_sent(w->reader);
    bool misbehaved = !wslay_event_get_close_received(w->reader) ||
                      code == WSLAY_CODE_PROTOCOL_ERROR;

    line_end(w->line, misbehaved ? LINE_MISBEHAVED : LINE_LEFT);
}

static void on_readable(void *arg)
{
    struct websocket *w = arg;

    w->turn = 0;
    if (!w->reader)
        open_reader(w);
    if (wslay_event_recv(w->reader) != 0) {
        websocket_close(w, WEBSOCKET_PROTOCOL_ERROR, "not by RFC 6455",
                        LINE_MISBEHAVED);
        return;
    }
    if (wslay_event_want_write(w->reader) && wslay_event_send(w->reader) != 0) {
        line_cut(w->line, LINE_MISBEHAVED);
        return;
    }
    if (wslay_event_get_close_sent(w->reader))
        finish(w);
    else if (!w->in_frame && !w->fragmented && w->received == w->consumed)
        close_reader(w);
}

/* --- the line */

static void on_drained(void *arg)
{
    struct websocket *w = arg;

    if (w->owner->drained)
        w->owner->drained(w->arg);
}

static int on_beat(void *arg)
{
    static const char ping[] = { (char)(0x80 | FRAME_PING), 0 };
    struct websocket *w = arg;

    if (w->owner->beats)
        return 0;
    if (!w->alive)
        return -1;
    w->alive = false;
    line_write(w->line, ping, sizeof ping);
    return 0;
}

static void on_dismiss(void *arg)
{
    websocket_close(arg, WEBSOCKET_GOING_AWAY, "this server stops",
                    LINE_STOPPING);
}

static void on_closed(void *arg)
{
    struct websocket *w = arg;

    w->owner->closed(w->arg);
    close_reader(w);
    free(w);
}

static const struct line_owner line_owner = {
    .readable = on_readable,
    .drained = on_drained,
    .beat = on_beat,
    .dismiss = on_dismiss,
    .closed = on_closed,
};

/* --- the opening handshake */

/* Is it in the comma list, whatever its case? */
static bool lists(const char *list, const char *token)
{
    size_t len = strlen(token);

    while (list && *list) {
        list += strspn(list, " \t,");
        if (strncasecmp(list, token, len) == 0 &&
            strchr(" \t,", list[len])) /* or its end */
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

bool websocket_wanted(const struct exchange *x)
{
    return lists(http_header(x->request, "Upgrade"), "websocket");
}

/* Of 16 bytes in base64, as a client must send it. */
static bool key_is_valid(const char *key)
{
    size_t len = 0;
    uint8_t *bytes = key ? base64_decode(key, strlen(key), &len) : NULL;

    free(bytes);
    return bytes && len == KEY_BYTES;
}

static char *accept_of(const char *key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char *text = mem_format("%s%s", key, guid);
    uint8_t digest[SHA1_SIZE];
    char *accept;

    sha1(text, strlen(text), digest);
    accept = base64_encode(digest, sizeof digest, false);
    free(text);
    return accept;
}

static bool handshake_is_fine(struct exchange *x)
{
    const struct http_request *r = x->request;
    const char *given = http_header(r, "Sec-WebSocket-Version");

    if (!websocket_wanted(x) || !given || strcmp(given, "13") != 0)
        reply_upgrade_required(x);
    else if (!lists(http_header(r, "Connection"), "upgrade") ||
             http_header_count(r, "Sec-WebSocket-Key") != 1 ||
             !key_is_valid(http_header(r, "Sec-WebSocket-Key")))
        reply_problem(x, PROBLEM_INVALID_REQUEST,
                      "a WebSocket handshake needs `Connection: Upgrade` and "
                      "one `Sec-WebSocket-Key` of 16 bytes in base64");
    else if (x->api->stop_by_ms > 0)
        reply_unavailable(x, "this server is about to stop; try again");
    else if (lines_full(x->api->lines))
        reply_unavailable(x, "too many live clients are connected; try again");
    else
        return true;
    return false;
}

struct websocket *websocket_open(struct exchange *x,
                                 const struct websocket_owner *owner, void *arg)
{
    struct websocket *w = NULL;
    char *accept = NULL;
    struct buf head;
    int fd, rc;

    if (!handshake_is_fine(x))
        return NULL;
    buf_init(&head, HEAD_BYTES);
    accept = accept_of(http_header(x->request, "Sec-WebSocket-Key"));
    fd = http_take(x->request);
    if (fd < 0) {
        reply_unavailable(x, "too many live clients are connected; try again");
        goto out;
    }
    reply_count(x, 200);
    w = mem_zalloc(sizeof *w);
    w->owner = owner;
    w->arg = arg;
    w->alive = true;
    rc = buf_printf(&head,
                    "HTTP/1.1 101 Switching Protocols\r\n"
                    "Upgrade: websocket\r\n"
                    "Connection: Upgrade\r\n"
                    "Sec-WebSocket-Accept: %s\r\n\r\n",
                    accept);
    assert(rc == 0);
    (void)rc;
    w->line = line_new(x->api->lines, fd, &head, &line_owner, w);
out:
    free(accept);
    buf_release(&head);
    return w;
}

/* --- sending */

static void send_frame(struct websocket *w, enum frame_opcode opcode,
                       const char *ptr, size_t len)
{
    struct buf frame;

    buf_init(&frame, LINE_WRITE_BYTES);
    if (frame_append(&frame, opcode, ptr, len) == 0)
        line_write(w->line, frame.data, frame.len);
    buf_release(&frame);
}

void websocket_send(struct websocket *w, const char *text, size_t len)
{
    send_frame(w, FRAME_TEXT, text, len);
}

void websocket_send_frames(struct websocket *w, const struct buf *frames)
{
    line_write(w->line, frames->data, frames->len);
}

void websocket_close(struct websocket *w, enum websocket_code code,
                     const char *reason, enum line_end why)
{
    char payload[2 + REASON_MAX + 1] = { (char)(code >> 8), (char)code };
    int len = snprintf(payload + 2, sizeof payload - 2, "%s", reason);

    send_frame(w, FRAME_CLOSE, payload,
               2 + (size_t)(len > REASON_MAX ? REASON_MAX : len));
    line_end(w->line, why);
}

size_t websocket_waiting(const struct websocket *w)
{
    return line_waiting(w->line);
}
