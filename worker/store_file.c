/* Pictures in a folder.  A thread does what waits for the disk: whatever came
 * while it synced is its next batch, and shares one sync. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/folder.h"
#include "common/mem.h"
#include "worker/store_backend.h"

enum {
    AT_ONCE = 1000,
    /* From so many files on one sync of the file system is cheaper than one
     * each. */
    SYNC_ALL_FROM = 4,
};

struct list {
    struct store_item *first, *last;
    size_t count;
};

struct file_store {
    struct store_backend base; /* first: the two are cast into each other */
    struct store *store;
    struct folder folder;
    int settled_fd; /* an eventfd: the thread has settled some */
    struct loop_watch *watch;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t more;
    struct list queued, settled;
    bool stopping;
};

static void list_add(struct list *l, struct store_item *item)
{
    item->next = NULL;
    if (l->last)
        l->last->next = item;
    else
        l->first = item;
    l->last = item;
    l->count++;
}

static struct list list_take_all(struct list *l)
{
    struct list all = *l;

    *l = (struct list){ 0 };
    return all;
}

static void list_free(struct list *l)
{
    while (l->first) {
        struct store_item *item = l->first;

        l->first = item->next;
        store_item_free(item);
    }
}

/* --- in the thread */

/* Only a file that is too large for the file system is the picture's fault. */
static void fail(struct file_store *f, struct store_item *item,
                 const char *what)
{
    item->outcome = errno == EFBIG ? OUTCOME_REJECT : OUTCOME_RETRY;
    snprintf(item->error, sizeof item->error,
             "could not %s \"%.100s\" below \"%.150s\": %s", what, item->key,
             f->folder.path, strerror(errno));
}

static void write_aside(struct file_store *f, struct list *batch, bool sync)
{
    for (struct store_item *i = batch->first; i; i = i->next) {
        i->outcome = OUTCOME_DONE;
        if (folder_open(&f->folder) != 0 ||
            folder_write(&f->folder, i->ptr, i->len, sync, &i->temporary) != 0)
            fail(f, i, "write");
    }
}

static void publish(struct file_store *f, struct list *batch, bool sync)
{
    for (struct store_item *i = batch->first; i; i = i->next) {
        if (i->outcome == OUTCOME_DONE &&
            folder_publish(&f->folder, i->temporary, i->key, sync) != 0)
            fail(f, i, "store");
        if (i->temporary && i->outcome != OUTCOME_DONE)
            unlink(i->temporary);
        free(i->temporary);
        i->temporary = NULL;
    }
}

static void sync_all(struct file_store *f, struct list *batch)
{
    if (f->folder.fd < 0 || folder_sync(&f->folder) == 0)
        return;
    for (struct store_item *i = batch->first; i; i = i->next) {
        if (i->outcome == OUTCOME_DONE)
            fail(f, i, "sync");
    }
}

static void store_batch(struct file_store *f, struct list *batch)
{
    bool together = batch->count >= SYNC_ALL_FROM;

    write_aside(f, batch, !together);
    if (together)
        sync_all(f, batch);
    publish(f, batch, !together);
    if (together)
        sync_all(f, batch);
}

static void append(struct list *to, const struct list *more)
{
    if (to->last)
        to->last->next = more->first;
    else
        to->first = more->first;
    to->last = more->last;
    to->count += more->count;
}

static void *run(void *arg)
{
    struct file_store *f = arg;

    pthread_mutex_lock(&f->lock);
    for (;;) {
        struct list batch;

        while (!f->queued.first && !f->stopping)
            pthread_cond_wait(&f->more, &f->lock);
        if (f->stopping)
            break;
        batch = list_take_all(&f->queued);
        pthread_mutex_unlock(&f->lock);
        store_batch(f, &batch);
        pthread_mutex_lock(&f->lock);
        append(&f->settled, &batch);
        eventfd_write(f->settled_fd, 1);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* --- in the loop */

static void on_settled(int ready, void *arg)
{
    struct file_store *f = arg;
    struct list settled;
    eventfd_t count;

    (void)ready;
    eventfd_read(f->settled_fd, &count);
    pthread_mutex_lock(&f->lock);
    settled = list_take_all(&f->settled);
    pthread_mutex_unlock(&f->lock);
    while (settled.first) {
        struct store_item *item = settled.first;

        settled.first = item->next;
        store_settle(f->store, item);
    }
}

static void put(struct store_backend *b, struct store_item *item)
{
    struct file_store *f = (struct file_store *)b;

    pthread_mutex_lock(&f->lock);
    list_add(&f->queued, item);
    pthread_cond_signal(&f->more);
    pthread_mutex_unlock(&f->lock);
}

/* Signals are the loop's. */
static void start_thread(struct file_store *f)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&f->thread, NULL, run, f) != 0)
        abort(); /* only when memory is out */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void file_free(struct store_backend *b)
{
    struct file_store *f = (struct file_store *)b;

    pthread_mutex_lock(&f->lock);
    f->stopping = true;
    pthread_cond_signal(&f->more);
    pthread_mutex_unlock(&f->lock);
    pthread_join(f->thread, NULL);
    pthread_mutex_destroy(&f->lock);
    pthread_cond_destroy(&f->more);
    list_free(&f->queued);
    list_free(&f->settled);
    loop_watch_free(f->watch);
    close(f->settled_fd);
    folder_release(&f->folder);
    free(f);
}

/* A disk that is full, read-only or broken may be well later; anything else has
 * to be mended in the settings. */
static bool is_passing(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO;
}

struct store_backend *store_file_new(struct store *s, struct loop *loop,
                                     const char *path, char *error,
                                     size_t error_size)
{
    struct file_store *f = mem_zalloc(sizeof *f);

    *f = (struct file_store){
        .base = { .put = put, .free = file_free, .at_once = AT_ONCE },
        .store = s
    };
    folder_init(&f->folder, path);
    if (folder_open(&f->folder) != 0 && !is_passing(errno)) {
        snprintf(error, error_size,
                 "could not write to SHOTFLEET_STORAGE=\"file://%.200s\": %s",
                 path, strerror(errno));
        folder_release(&f->folder);
        free(f);
        return NULL;
    }
    f->settled_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (f->settled_fd < 0)
        abort(); /* only when descriptors are out */
    f->watch = loop_watch_new(loop, f->settled_fd, LOOP_READ, on_settled, f);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->more, NULL);
    start_thread(f);
    return &f->base;
}
