/* http_pool.h - libcurl's multi interface inside the loop; for http_client.c.
 *
 * Transfers in one pool share its connections, those in another do not.
 */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include <curl/curl.h>

#include "common/loop.h"

struct http_pool;

/* The transfer is over but still in the pool.  May add and remove any. */
typedef void http_pool_fn(CURL *easy, CURLcode code);

struct http_pool *http_pool_new(struct loop *loop, http_pool_fn *done);
void http_pool_free(struct http_pool *pool); /* when no transfer is in it */

/* `done` never runs from inside these. */
void http_pool_add(struct http_pool *pool, CURL *easy);
void http_pool_remove(struct http_pool *pool, CURL *easy);

#endif
