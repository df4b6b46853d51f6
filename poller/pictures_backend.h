/* pictures_backend.h - what pictures.c asks of a kind of storage. */
#ifndef PICTURES_BACKEND_H
#define PICTURES_BACKEND_H

#include "poller/pictures.h"

/* One call, owned by its backend until picture_call_end(). */
struct picture_call {
    struct picture_batch *batch;
    int64_t min_age_s;
    pictures_fn *fn;
    void *arg;
};
void picture_call_end(struct picture_call *call);

void folder_remove(const char *root, struct picture_call *call);
void folder_look(const char *root, struct picture_call *call);
void folder_walk(const char *root, struct picture_call *call);

struct s3_pictures {
    struct http_client *http;
    struct s3 place;
};
void s3_pictures_remove(const struct s3_pictures *s, struct picture_call *call);
void s3_pictures_look(const struct s3_pictures *s, struct picture_call *call);
void s3_pictures_walk(const struct s3_pictures *s, struct picture_call *call);

#endif
