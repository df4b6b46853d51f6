#include "api/message.h"

#include <assert.h>
#include <string.h>

#include "api/frame.h"
#include "common/limits.h"

enum {
    /* A document holds options, metadata, URL and an error, JSON escaped. */
    MESSAGE_MAX_BYTES = 4 * LIMIT_OPTIONS_BYTES,
};

void message_init(struct message *m, const char *event, const char *data,
                  const char *id)
{
    *m = (struct message){ .event = event, .data = data, .id = id };
    for (size_t i = 0; i < MESSAGE_FORM_COUNT; i++)
        buf_init(&m->forms[i], MESSAGE_MAX_BYTES);
}

void message_release(struct message *m)
{
    for (size_t i = 0; i < MESSAGE_FORM_COUNT; i++)
        buf_release(&m->forms[i]);
}

const char *message_socket_event(const char *event)
{
    return strcmp(event, "completed") == 0 ? "screenshot-ready" : event;
}

static int put_sse(struct buf *out, const struct message *m, const char *mark)
{
    int rc = buf_printf(out, "event: %s\n", m->event);

    if (*m->id || *mark)
        rc |= buf_printf(out, "id: %s%s\n", m->id, mark);
    rc |= buf_append_str(out, "data: ");
    rc |= buf_append_str(out, m->data);
    return rc | buf_append_str(out, "\n\n");
}

static int put_websocket(struct buf *out, const struct message *m)
{
    int rc = buf_printf(out, "{\"event\":\"%s\",\"id\":\"%s\",\"data\":",
                        message_socket_event(m->event), m->id);

    rc |= buf_append_str(out, m->data);
    return rc | buf_append_str(out, "}");
}

static int put_socketio(struct buf *out, const struct message *m)
{
    int rc = buf_printf(out, "42[\"%s\",", message_socket_event(m->event));

    rc |= buf_append_str(out, m->data);
    return rc | buf_printf(out, ",\"%s\"]", m->id);
}

static int make(struct message *m, enum message_form form, struct buf *out)
{
    struct buf text;
    int rc = -1;

    buf_init(&text, MESSAGE_MAX_BYTES);
    switch (form) {
    case MESSAGE_SSE:
        return put_sse(out, m, "");
    case MESSAGE_SSE_END:
        return put_sse(out, m, MESSAGE_END_MARK);
    case MESSAGE_SOCKETIO:
        return put_socketio(out, m);
    case MESSAGE_WEBSOCKET:
        rc = put_websocket(&text, m);
        break;
    case MESSAGE_SOCKETIO_FRAMED:
        rc = put_socketio(&text, m);
        break;
    case MESSAGE_FORM_COUNT:
        assert(false);
        break;
    }
    if (rc == 0)
        rc = frame_append(out, FRAME_TEXT, text.data, text.len);
    buf_release(&text);
    return rc;
}

const struct buf *message_form(struct message *m, enum message_form form)
{
    struct buf *out = &m->forms[form];

    if (!out->data && make(m, form, out) != 0)
        buf_clear(out); /* too long to be told; whoever wants it asks for it */
    return out;
}
