/* message.h - one piece of news as it goes out, made once for everybody.
 *
 * The same event, id and document in each of the forms in which clients hear
 * them; a form is made when the first one asks for it.  Pure.
 */
#ifndef API_MESSAGE_H
#define API_MESSAGE_H

#include "common/buf.h"

enum message_form {
    MESSAGE_SSE,             /* event: completed */
    MESSAGE_SSE_END,         /* the last one of its stream, by its id */
    MESSAGE_WEBSOCKET,       /* {"event":…,"id":…,"data":…}, framed */
    MESSAGE_SOCKETIO,        /* 42["screenshot-ready",…,id] */
    MESSAGE_SOCKETIO_FRAMED, /* the same in a WebSocket's frame */
    MESSAGE_FORM_COUNT
};

/* Behind the id of the last event of a stream: who comes back with it has
 * heard the end. */
#define MESSAGE_END_MARK ".end"

struct message {
    const char *event; /* a status, "batch" or "resync" */
    const char *data;  /* JSON on one line */
    const char *id;    /* of position.h, "" for none */
    struct buf forms[MESSAGE_FORM_COUNT];
};

/* Borrows all three. */
void message_init(struct message *m, const char *event, const char *data,
                  const char *id);
void message_release(struct message *m);

/* Valid as long as the message. */
const struct buf *message_form(struct message *m, enum message_form form);

/* In sockets a completed capture is "screenshot-ready"; the other names are the
 * same everywhere. */
const char *message_socket_event(const char *event);

#endif
