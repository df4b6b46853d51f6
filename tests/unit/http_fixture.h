/* http_fixture.h - the HTTP server on a real loopback socket, and raw clients;
 * all of them share one loop.
 *
 * What the handler does depends on the path: "/later" is held, "/take"
 * takes the socket, "/take-later" is held until it may be taken, "/error", "/file" and "/empty"
 * answer with such, "/judged" gets 403 on its head alone; everything else is
 * answered with one line that tells what was asked.
 */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include "common/buf.h"
#include "common/http_server.h"
#include "tests/unit/unit.h"

/* The server that set_up makes takes bodies of so many bytes. */
enum { MAX_BODY = 1000 };

struct fixture {
    struct loop *loop;
    struct loop_timer *deadline;
    struct loop_timer *step;
    struct http_server *server;
    struct http_request *held; /* answered later by the test */
    int taken; /* the last socket that was */
    unsigned heads;
    unsigned handled;
    unsigned destroyed;
    unsigned events[HTTP_EVENT_COUNT];
    bool proxy; /* does every peer count as one? */
};

struct client {
    struct fixture *f;
    int fd;
    struct loop_watch *watch;
    struct buf got;
    bool eof;
    const char *until; /* stop the loop when this has arrived; NULL: at EOF */
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);
#define HTTP_TEST(name)                                                        \
    cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

/* Another server instead, with these options; listen, handler, the other
 * callbacks and their argument are filled in. */
void fixture_serve(struct fixture *f, struct http_server_options options);
/* Runs the loop until somebody stops it, or until the counter has the value. */
void fixture_run(struct fixture *f);
void fixture_wait(struct fixture *f, const unsigned *counter, unsigned value);

void client_open(struct client *c, struct fixture *f);
/* `address` is of 127.0.0.0/8. */
void client_open_from(struct client *c, struct fixture *f, const char *address);
void client_close(struct client *c);
void client_send(struct client *c, const char *ptr, size_t len);
/* Until this has arrived or the server has closed; NULL: the latter. */
void client_read(struct client *c, const char *until);
/* Sends GET /later and waits until the handler holds the request. */
void client_hold(struct client *c, struct fixture *f);

/* A client that sends this and reads to the end; the caller frees the answer.
 */
char *exchange_bytes(struct fixture *f, const char *ptr, size_t len);
char *exchange(struct fixture *f, const char *text);

#define BYTES(text) (text), sizeof(text) - 1

void assert_has(const char *answer, const char *part);
/* How often; they may not overlap. */
unsigned count_of(const char *answer, const char *part);
unsigned status_of(const char *answer); /* 0: no answer */
void assert_status(const char *answer, unsigned status);

#endif
