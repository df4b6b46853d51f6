/* store_backend.h - what store.c asks of a kind of storage. */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "common/http_client.h"
#include "common/s3.h"
#include "worker/store.h"

/* One picture on its way. */
struct store_item {
    struct store_item *next; /* in whatever list holds it */
    char key[STORE_KEY_SIZE];
    char sha256[SHA256_HEX_SIZE];
    enum image_type type;
    char *ptr; /* owned */
    size_t len;
    store_fn *fn;
    void *arg;
    enum outcome outcome; /* set by the backend, with the reason */
    char error[512];
    char *temporary; /* for store_file.c */
};

struct store_backend {
    /* Takes the item, and gives it to store_settle() later. */
    void (*put)(struct store_backend *b, struct store_item *item);
    /* Frees the items in hand, too. */
    void (*free)(struct store_backend *b);
    size_t at_once; /* items it takes before it has settled any */
};

/* From inside the loop, not from inside put().  OUTCOME_RETRY: the storage is
 * in trouble. */
void store_settle(struct store *s, struct store_item *item);
void store_item_free(struct store_item *item);

/* NULL with `error` when the settings are wrong. */
struct store_backend *store_file_new(struct store *s, struct loop *loop,
                                     const char *path, char *error,
                                     size_t error_size);
/* Likewise.  `settings` is borrowed.  The client ends before the store. */
struct store_backend *store_s3_new(struct store *s, struct http_client *http,
                                   const char *url,
                                   const struct s3_settings *settings,
                                   char *error, size_t error_size);

#endif
