/* exchange.h - one request on its way through this program. */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include "api/api.h"

enum route {
    ROUTE_SUBMIT,
    ROUTE_LIST,
    ROUTE_CAPTURE,
    ROUTE_CANCEL,
    ROUTE_RETRY,
    ROUTE_HISTORY,
    ROUTE_IMAGE,
    ROUTE_THUMBNAIL,
    ROUTE_CAPTURE_EVENTS,
    ROUTE_EVENTS,
    ROUTE_WATCH_TOKENS,
    ROUTE_LIVE,
    ROUTE_SOCKETIO,
    ROUTE_BATCHES,
    ROUTE_BATCH,
    ROUTE_DEAD_LETTERS,
    ROUTE_DEAD_LETTER,
    ROUTE_FLEET,
    ROUTE_PROVIDERS,
    ROUTE_PAGE,
    ROUTE_NONE, /* refused before it had one */
    ROUTE_COUNT
};

enum { EXCHANGE_NAME_SIZE = 64 };

/* Lives as long as the request: database callbacks get it as their argument. */
struct exchange {
    struct api *api;
    struct http_request *request;
    enum route route;
    char name[EXCHANGE_NAME_SIZE]; /* {id} or {file} of the path; or "" */
    char key[KEY_ID_SIZE];         /* of the table's key; "" without one */
    char actor[KEY_NAME_SIZE];     /* its name; likewise */
    char owner[KEY_ID_SIZE];       /* whose idempotency keys; "": nobody's */
    struct quota quota;            /* of the key */
    bool by_key; /* may see everything: by a key, or because none is needed */
    void *work;  /* the handler's own */
    void (*work_free)(void *);
};

typedef void exchange_handler(struct exchange *x);

#endif
