#include "api/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

enum { RELOAD_MS = 30 * 1000, REPORT_MS = 60 * 1000, REPORT_MAX = 1000 };

struct keys {
    struct db *db;
    struct loop_timer *reload;
    struct loop_timer *report;
    struct loop_timer *expiry; /* of the one that expires first */
    loop_fn *on_change;        /* or NULL */
    void *on_change_arg;
    int64_t next_report_ms; /* clock_monotonic_ms(); no two within a minute */
    struct key *items;      /* in the order of their hashes */
    size_t count;
    bool loaded;
    bool loading;
    bool again; /* they changed while they were being loaded */
};

static const char *const scopes[] = {
    [SCOPE_READ] = "read",
    [SCOPE_SUBMIT] = "submit",
    [SCOPE_ADMIN] = "admin",
};

/* In bytewise order, whatever the database's collation is. */
static const struct db_statement load_statement = {
    "api_keys",
    "select key_sha256, id::text, name, scope,"
    " (extract(epoch from expires_at) * 1000)::bigint, requests_per_minute"
    " from api_keys_valid order by key_sha256 collate \"C\"",
};

static const struct db_statement report_statement = {
    "api_keys_used",
    "update api_keys set last_used_at = now() where id = any ($1::uuid[])",
};

const char *scope_name(enum scope s)
{
    return scopes[s];
}

static enum scope scope_parse(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        if (strcmp(text, scopes[i]) == 0)
            return (enum scope)i;
    }
    return SCOPE_READ; /* the schema knows no other */
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct key *)a)->sha256,
                  ((const struct key *)b)->sha256);
}

static struct key *find_hash(const struct keys *k,
                             const char sha256[SHA256_HEX_SIZE])
{
    struct key wanted;

    memcpy(wanted.sha256, sha256, sizeof wanted.sha256);
    return k->count > 0
               ? bsearch(&wanted, k->items, k->count, sizeof wanted, compare)
               : NULL;
}

/* What a key has used of its limit outlives a reload. */
static struct key read_row(const struct keys *k, const struct db_result *r,
                           size_t row)
{
    struct key key = { .scope = scope_parse(db_value(r, row, 3)),
                       .limit = (unsigned)db_number(r, row, 5) };
    const struct key *before;

    snprintf(key.sha256, sizeof key.sha256, "%s", db_value(r, row, 0));
    snprintf(key.id, sizeof key.id, "%s", db_value(r, row, 1));
    snprintf(key.name, sizeof key.name, "%s", db_value(r, row, 2));
    key.expires_ms = db_value(r, row, 4) ? db_number(r, row, 4) : INT64_MAX;
    before = find_hash(k, key.sha256);
    if (before) {
        key.window_until = before->window_until;
        key.used = before->used;
        key.unreported = before->unreported;
    }
    return key;
}

static void tell(struct keys *k)
{
    if (k->on_change)
        k->on_change(k->on_change_arg);
}

static void await_expiry(struct keys *k)
{
    int64_t now_ms = clock_wall_ms();
    int64_t next_ms = INT64_MAX;

    for (size_t i = 0; i < k->count; i++) {
        int64_t at_ms = k->items[i].expires_ms;

        if (at_ms > now_ms && at_ms < next_ms)
            next_ms = at_ms;
    }
    if (next_ms == INT64_MAX)
        loop_timer_stop(k->expiry);
    else
        loop_timer_start(k->expiry, next_ms - now_ms);
}

static void on_expiry(void *arg)
{
    struct keys *k = arg;

    tell(k);
    await_expiry(k);
}

/* Both are in the order of their hashes. */
static bool are_the_same(const struct keys *k, const struct key *items,
                         size_t count)
{
    bool same = k->count == count;

    for (size_t i = 0; same && i < count; i++)
        same = compare(&k->items[i], &items[i]) == 0 &&
               k->items[i].expires_ms == items[i].expires_ms;
    return same;
}

static void on_loaded(const struct db_result *result, void *arg)
{
    struct keys *k = arg;
    size_t count = db_rows(result);
    struct key *items = NULL;
    bool changed;

    k->loading = false;
    if (db_result_status(result) == DB_OK) {
        items = mem_zalloc((count + 1) * sizeof *items);
        for (size_t i = 0; i < count; i++)
            items[i] = read_row(k, result, i);
        changed = !are_the_same(k, items, count);
        free(k->items);
        k->items = items;
        k->count = count;
        k->loaded = true;
        await_expiry(k);
        if (changed)
            tell(k);
    } else if (db_result_status(result) != DB_LOST) {
        log_warning(NULL, "could not load the API keys: %s",
                    db_result_error(result));
    }
    loop_timer_start(k->reload, k->again ? 0 : RELOAD_MS);
    k->again = false;
}

static void load(void *arg)
{
    struct keys *k = arg;

    k->again = k->loading;
    if (k->loading)
        return;
    k->loading = true;
    db_call(k->db, &load_statement, NULL, 0, on_loaded, k);
}

static void report(void *arg)
{
    struct keys *k = arg;
    struct buf ids;
    size_t used = 0;

    buf_init(&ids, REPORT_MAX * (KEY_ID_SIZE + 3));
    db_array_begin(&ids);
    for (size_t i = 0; i < k->count && used < REPORT_MAX; i++) {
        if (!k->items[i].unreported)
            continue;
        k->items[i].unreported = false;
        db_array_add(&ids, k->items[i].id);
        used++;
    }
    db_array_end(&ids);
    if (used > 0 && db_is_up(k->db))
        db_call(k->db, &report_statement, (const char *const[]){ ids.data }, 1,
                NULL, NULL);
    buf_release(&ids);
    k->next_report_ms = clock_monotonic_ms() + REPORT_MS;
}

static void note_use(struct keys *k, struct key *key)
{
    int64_t wait_ms = k->next_report_ms - clock_monotonic_ms();

    if (!key->unreported)
        loop_timer_start(k->report, wait_ms > 0 ? wait_ms : 0);
    key->unreported = true;
}

struct keys *keys_new(struct loop *loop, struct db *db)
{
    struct keys *k = mem_zalloc(sizeof *k);

    *k = (struct keys){ .db = db,
                        .reload = loop_timer_new(loop, load, k),
                        .report = loop_timer_new(loop, report, k),
                        .expiry = loop_timer_new(loop, on_expiry, k) };
    db_listen(db, "shotfleet_keys", load, k);
    return k;
}

void keys_free(struct keys *k)
{
    if (!k)
        return;
    loop_timer_free(k->reload);
    loop_timer_free(k->report);
    loop_timer_free(k->expiry);
    free(k->items);
    free(k);
}

void keys_on_change(struct keys *k, loop_fn *fn, void *arg)
{
    k->on_change = fn;
    k->on_change_arg = arg;
}

bool keys_are_loaded(const struct keys *k)
{
    return k->loaded;
}

size_t keys_count(const struct keys *k)
{
    return k->count;
}

struct key *keys_find(struct keys *k, const char *presented)
{
    char sha256[SHA256_HEX_SIZE];
    struct key *key;

    /* Time tells of a hash, not of a key: nobody can choose what it begins
     * with. */
    sha256_hex(presented, strlen(presented), sha256);
    key = find_hash(k, sha256);
    if (!key || key->expires_ms <= clock_wall_ms() ||
        !equal_constant_time(key->sha256, strlen(key->sha256), sha256,
                             strlen(sha256)))
        return NULL;
    note_use(k, key);
    return key;
}

bool keys_hold(const struct keys *k, const char *id)
{
    for (size_t i = 0; i < k->count; i++) {
        if (strcmp(k->items[i].id, id) == 0)
            return k->items[i].expires_ms > clock_wall_ms();
    }
    return false;
}

bool key_spend(struct key *key, struct quota *out)
{
    int64_t now_ms = clock_monotonic_ms();
    bool fits;

    *out = (struct quota){ .limit = key->limit };
    if (key->limit == 0)
        return true;
    if (now_ms >= key->window_until) {
        key->window_until = now_ms + KEY_WINDOW_S * 1000;
        key->used = 0;
    }
    fits = key->used < key->limit;
    key->used += fits;
    out->left = key->used < key->limit ? key->limit - key->used : 0;
    out->reset_s = (unsigned)((key->window_until - now_ms + 999) / 1000);
    return fits;
}
