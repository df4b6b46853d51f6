/* door.h - the HTTP server that webhooks come in through.
 *
 * How much and how fast anybody may send, from how many connections, and what
 * is counted of those who do not get as far as the receiver.
 */
#ifndef DOOR_H
#define DOOR_H

#include "common/http_server.h"
#include "ingest/ingest_settings.h"
#include "ingest/receiver.h"

/* As http_server_new(); requests go to the receiver. */
struct http_server *door_open(struct loop *loop,
                              const struct ingest_settings *settings,
                              struct receiver *receiver, char *error,
                              size_t error_size);

#endif
