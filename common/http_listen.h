/* http_listen.h - the address that a server listens on, and its socket. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include <sys/socket.h>

#include "common/base.h"

/* Splits "HOST:PORT"; for programs that must judge what they listen on.  HOST
 * is an IPv4 address, an IPv6 address in brackets, or "localhost" (127.0.0.1).
 * `loopback` may be NULL.  On -1 `error` names the text. */
MUST_USE int http_listen_parse(const char *listen, struct sockaddr_storage *out,
                               socklen_t *len, bool *loopback, char *error,
                               size_t error_size);

/* A listening, non-blocking socket, owned by the caller; -1 with a reason that
 * names the address and the remedy.  "[::]" takes IPv4 as well. */
MUST_USE int http_listen_open(const char *listen, bool reuse_port, char *error,
                              size_t error_size);

#endif
