/* http_internal.h - what the files of the HTTP server share; nobody else.
 *
 * http_server.c runs libmicrohttpd inside the loop, http_connection.c says who
 * may connect and for how long, http_access.c takes libmicrohttpd's calls about
 * a request from head to end, http_request.c is the request as handlers see it
 * and its answer, http_take.c gives a socket away.
 */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include <microhttpd.h>

#include "common/buf.h"
#include "common/http_guard.h"
#include "common/http_server.h"
#include "common/query.h"
#include "common/ranges.h"

struct http_server {
    struct http_server_options options; /* the defaults filled in */
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_watch *watch;      /* its epoll descriptor */
    struct loop_timer *timer;      /* its next deadline */
    struct loop_timer *soon;       /* once others had their turn */
    struct loop_timer *over_timer; /* `orphans` */
    struct http_request *requests; /* all that libmicrohttpd knows */
    size_t request_count;          /* orphans too */
    size_t in_flight;
    size_t waiting;               /* of these, REQUEST_WAITING */
    struct http_request *orphans; /* answered ones; freed from the loop */
    size_t bodies_bytes;          /* held by requests */
    struct http_connection *connections;
    size_t connection_count;
    struct address_counts *addresses; /* of connections that count */
    struct loop_timer *tick;          /* each second while there are any */
    uint64_t now_s;                   /* ticks */
    unsigned refused;                 /* and not yet in the log */
    uint64_t quiet_until_s;           /* no log line about refused ones */
    char refused_ip[ADDRESS_TEXT_SIZE];
    uint16_t port;
    int nowhere;    /* a socket that leads nowhere; -1 until it is needed */
    uint64_t calls; /* of libmicrohttpd, about connections and requests */
    bool quiescing;
    bool again;      /* something waits for the next MHD_run() */
    bool old_parser; /* libmicrohttpd before 1.0 */
};

struct http_connection {
    struct http_connection *next;
    struct http_connection **link; /* what points here */
    struct http_server *server;
    struct http_request *request; /* in hand, or NULL */
    struct MHD_Connection *connection;
    uint64_t address;    /* its key among the counted ones */
    uint64_t deadline_s; /* in ticks; UINT64_MAX: none */
    int fd;
    bool counted;
    bool used;  /* a request is behind it */
    bool moved; /* some of a body came since the last tick */
};

enum request_state {
    REQUEST_HEAD,      /* request line seen, header list still to come */
    REQUEST_BODY,      /* head accepted, body arriving */
    REQUEST_LINGERING, /* refused; the rest of the body is thrown away */
    REQUEST_JUDGED,    /* answered on its head; the body is thrown away */
    REQUEST_HANDLING,  /* the handler is running */
    REQUEST_WAITING,   /* for an answer; libmicrohttpd asks whenever it runs */
    REQUEST_SLEEPING,  /* the same, suspended */
    REQUEST_ORPHANED,  /* the same, and the client is gone */
    REQUEST_ANSWERED,  /* the answer is here, libmicrohttpd has not got it */
    REQUEST_SENDING,   /* libmicrohttpd has the answer */
    REQUEST_TAKEN,     /* its socket is somebody else's */
};

struct http_request {
    struct http_request *next;
    struct http_request **link; /* what points here */
    struct http_server *server;
    struct MHD_Connection *connection;
    struct http_connection *place;
    enum request_state state;
    struct http_guard_field *fields; /* the texts are libmicrohttpd's */
    size_t field_count;
    const char *method;
    const char *path;
    const char *target; /* raw; only its address is used after the first call */
    size_t target_len;
    struct query query;
    bool bad_target;
    bool bad_query;          /* too many parameters */
    bool last_of_connection; /* nothing may follow it */
    bool taken_later;        /* its socket may be: it waits asleep */
    struct buf body;
    size_t discarded_bytes; /* while lingering */
    int64_t received_us;
    uint64_t waiting_since_s; /* in ticks */
    unsigned status;          /* of the answer */
    struct MHD_Response *response;
    void *context;
    void (*destroy)(void *);
    struct orphan *orphan; /* what libmicrohttpd no longer holds for it */
};

struct orphan {
    struct sockaddr_storage peer;
    char texts[]; /* method, path, fields */
};

/* A request may have one header for each so many bytes of its head. */
enum { HTTP_BYTES_PER_HEADER = 96 };
size_t http_max_headers(const struct http_server *s);

/* What was answered outside of MHD_run() moves only inside it. */
void http_server_run_soon(struct http_server *s);
void http_server_resume(struct http_server *s,
                        struct MHD_Connection *connection);

/* What libmicrohttpd calls: may this peer connect; a connection was opened or
 * closed. */
enum MHD_Result http_connection_accept(void *cls, const struct sockaddr *peer,
                                       socklen_t peer_len);
void http_connection_notify(void *cls, struct MHD_Connection *connection,
                            void **context,
                            enum MHD_ConnectionNotificationCode what);
struct http_connection *http_connection_of(struct MHD_Connection *connection);
/* A request takes its place on the connection with its request line, has its
 * head read, all of it read, and leaves. */
void http_connection_begin(struct http_connection *c, struct http_request *r);
void http_connection_expect_body(struct http_connection *c);
void http_connection_got_body(struct http_connection *c);
void http_connection_wait_for_us(struct http_connection *c);
void http_connection_end(struct http_connection *c);
/* Sends a refusal while libmicrohttpd is still reading, which it cannot do; the
 * request lingers then.  `status` is code and reason phrase, and may have
 * headers behind it. */
void http_connection_refuse(struct http_connection *c, const char *status,
                            const char *why);
/* `why` is one of our own texts, and needs no escaping. */
void http_refusal_init(struct http_refusal *out, struct http_request *r,
                       unsigned status, const char *why);
void http_refusal_release(struct http_refusal *r);
/* libmicrohttpd will close it, soon. */
void http_connection_cut(struct http_connection *c);
void http_connection_tick(void *server); /* a loop_fn */
void http_server_tell(struct http_server *s, enum http_event event,
                      const struct sockaddr *peer, const char *why);

/* What libmicrohttpd calls: with the request line, the one place that sees the
 * raw target; with the head, each piece of the body, its end, and again after a
 * resume; when the request is over, however it ended. */
void *http_access_line(void *cls, const char *uri,
                       struct MHD_Connection *connection);
enum MHD_Result http_access(void *cls, struct MHD_Connection *connection,
                            const char *url, const char *method,
                            const char *version, const char *upload,
                            size_t *upload_len, void **context);
void http_access_over(void *cls, struct MHD_Connection *connection,
                      void **context, enum MHD_RequestTerminationCode why);

/* Made when the request line has been read; `target` is in libmicrohttpd's
 * buffer, and loses its query. */
struct http_request *http_request_new(struct http_server *s,
                                      struct MHD_Connection *connection,
                                      char *target);
void http_request_free(struct http_request *r);
/* The client went away before the answer: what handlers may ask for stays. */
void http_request_orphan(struct http_request *r);
void http_request_free_orphans(struct http_server *s);

void http_request_drop_body(struct http_request *r);

/* Gives the answer to libmicrohttpd. */
MUST_USE enum MHD_Result http_request_send(struct http_request *r);

/* Takes `response`; wakes the connection if it sleeps. */
void http_request_answer(struct http_request *r, unsigned status,
                         struct MHD_Response *response, const char *type,
                         const struct http_field *fields);

/* The handler took the socket while libmicrohttpd was calling. */
void http_take_away(struct http_request *r);

#endif
