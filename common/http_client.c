#include "common/http_client.h"

#include <assert.h>
#include <ctype.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/http_outcome.h"
#include "common/http_pool.h"
#include "common/mem.h"

enum {
    CONNECT_TIMEOUT_MS = 10000,
};

struct http_client {
    struct loop *loop;
    const struct guard *guard;
    char *ca_file; /* NULL: the system's certificates alone */
    /* Guarded requests have their own connections, so that they cannot ride on
     * one that was opened without asking the guard. */
    struct http_pool *open, *guarded;
    struct http_call *calls;
    struct loop_timer *refused_timer; /* calls that could not even start */
    bool closing;
};

struct http_call {
    struct http_call *next;
    struct http_call **link; /* what points here */
    struct http_client *client;
    struct http_pool *pool; /* NULL: could not start */
    CURL *easy;
    struct curl_slist *headers;
    char *request_body;
    struct buf answer;
    http_answer_fn *fn;
    void *arg;
    int64_t started_us;
    int64_t deadline_ms; /* monotonic */
    unsigned redirects_left;
    bool follows; /* redirects */
    bool delivering;
    bool blocked;
    bool too_large;
    char blocked_address[ADDRESS_TEXT_SIZE];
    char error[CURL_ERROR_SIZE + 64];
};

static void call_free(struct http_call *call)
{
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    if (call->pool)
        http_pool_remove(call->pool, call->easy);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    free(call->request_body);
    buf_release(&call->answer);
    free(call);
}

void http_call_cancel(struct http_call *call)
{
    if (!call->delivering)
        call_free(call);
}

/* Hands the outcome over; the call is gone afterwards. */
static void deliver(struct http_call *call, enum http_failure failure,
                    const char *why)
{
    struct http_answer answer = {
        .failure = failure,
        .content_type = "",
        .retry_after_ms = -1,
        .error = why,
        .elapsed_us = clock_monotonic_us() - call->started_us,
    };
    const char *type = NULL;
    long status = 0;

    if (failure == HTTP_OK) {
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
        answer.status = (unsigned)status;
        answer.content_type = type ? type : "";
        answer.retry_after_ms = http_retry_after_ms(call->easy);
        answer.error = "";
    }
    answer.body = call->answer.data ? call->answer.data : "";
    answer.body_len = call->answer.len;
    call->delivering = true;
    call->fn(&answer, call->arg);
    call_free(call);
}

/* CURLOPT_OPENSOCKETFUNCTION: the address is the one that is connected to. */
static curl_socket_t on_open(void *arg, curlsocktype purpose,
                             struct curl_sockaddr *address)
{
    struct http_call *call = arg;

    (void)purpose;
    if (!guard_allows(call->client->guard, &address->addr)) {
        call->blocked = true;
        address_format(&address->addr, call->blocked_address);
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

static void set_guard(struct http_call *call)
{
    assert(call->client->guard);
    call->pool = call->client->guarded;
    curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(call->easy, CURLOPT_OPENSOCKETDATA, call);
}

/* Requests that may share a connection wait for one that is being made: over
 * TLS it soon says whether it speaks HTTP/2.  -1: too long. */
static int set_url(struct http_call *call, const char *url)
{
    if (curl_easy_setopt(call->easy, CURLOPT_URL, url) != CURLE_OK)
        return -1;
    curl_easy_setopt(call->easy, CURLOPT_PIPEWAIT,
                     (long)(strncmp(url, "https:", 6) == 0));
    return 0;
}

static void set_time_left(struct http_call *call)
{
    int64_t left_ms = call->deadline_ms - clock_monotonic_ms();

    /* 0 would mean no limit. */
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS,
                     (long)(left_ms > 1 ? left_ms : 1));
}

/* RFC 9110, 15.4: a POST becomes a GET after 301, 302 and 303. */
static void change_method(struct http_call *call, long status)
{
    const char *method = NULL;

    curl_easy_getinfo(call->easy, CURLINFO_EFFECTIVE_METHOD, &method);
    if (status == 307 || status == 308)
        return;
    if (method && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0))
        return;
    curl_easy_setopt(call->easy, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, NULL);
}

/* Follows by hand, because libcurl would take our headers to other origins.
 * False: there is nothing to follow. */
static bool follow(struct http_call *call, const char **why)
{
    const char *from = NULL;
    const char *to = NULL;
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &to);
    curl_easy_getinfo(call->easy, CURLINFO_EFFECTIVE_URL, &from);
    if (!call->follows || !to || !from)
        return false;
    if (call->redirects_left == 0) {
        *why = "too many redirects";
        return false;
    }
    call->redirects_left--;
    http_pool_remove(call->pool, call->easy);
    if (!same_origin(from, to)) {
        curl_slist_free_all(call->headers);
        call->headers = curl_slist_append(NULL, "Expect:");
        curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
        set_guard(call); /* wherever it leads, our settings do not say so */
    }
    change_method(call, status);
    buf_clear(&call->answer);
    call->blocked = false;
    set_time_left(call);
    (void)set_url(call, to); /* libcurl took it apart already */
    http_pool_add(call->pool, call->easy);
    return true;
}

static void on_done(CURL *easy, CURLcode code)
{
    struct http_call *call = NULL;
    enum http_failure failure;
    const char *why = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    failure = call->too_large ? HTTP_TOO_LARGE : http_failure_of(code);
    if (code == CURLE_COULDNT_CONNECT && call->blocked)
        failure = HTTP_BLOCKED;
    if (failure == HTTP_OK) {
        if (follow(call, &why))
            return;
        if (why)
            failure = HTTP_UNREACHABLE;
    } else if (failure == HTTP_BLOCKED) {
        snprintf(call->error, sizeof call->error, "address %s is not public",
                 call->blocked_address);
    } else if (failure == HTTP_TOO_LARGE) {
        snprintf(call->error, sizeof call->error,
                 "answer larger than %zu bytes", call->answer.max);
    } else if (call->error[0] == '\0') {
        snprintf(call->error, sizeof call->error, "%s",
                 curl_easy_strerror(code));
    }
    call->error[0] = (char)tolower((unsigned char)call->error[0]);
    deliver(call, failure, why ? why : call->error);
}

static void on_refused(void *arg)
{
    struct http_client *c = arg;
    struct http_call *call = c->calls;

    while (call) {
        if (call->pool) {
            call = call->next;
            continue;
        }
        deliver(call, HTTP_BAD_URL, call->error);
        call = c->calls; /* the callback may have changed the list */
    }
}

struct http_client *http_client_new(struct loop *loop,
                                    const struct guard *guard)
{
    struct http_client *c = mem_zalloc(sizeof *c);

    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort(); /* only when memory is out */
    c->loop = loop;
    c->guard = guard;
    c->refused_timer = loop_timer_new(loop, on_refused, c);
    c->open = http_pool_new(loop, on_done);
    c->guarded = http_pool_new(loop, on_done);
    return c;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    c->closing = true;
    while (c->calls)
        deliver(c->calls, HTTP_CANCELLED, "shutting down");
    http_pool_free(c->open);
    http_pool_free(c->guarded);
    loop_timer_free(c->refused_timer);
    curl_global_cleanup();
    free(c->ca_file);
    free(c);
}

void http_client_trust(struct http_client *c, const char *ca_file)
{
    free(c->ca_file);
    c->ca_file = *ca_file ? mem_strdup(ca_file) : NULL;
}

/* CURLOPT_WRITEFUNCTION */
static size_t on_body(char *ptr, size_t size, size_t count, void *arg)
{
    struct http_call *call = arg;

    if (buf_append(&call->answer, ptr, size * count) == 0)
        return size * count;
    call->too_large = true;
    return 0;
}

static void set_method(struct http_call *call,
                       const struct http_call_options *options)
{
    CURL *easy = call->easy;

    if (options->body) {
        if (!options->body_stays)
            call->request_body = mem_dup(options->body, options->body_len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS,
                         options->body_stays ? options->body
                                             : call->request_body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)options->body_len);
    } else if (strcmp(options->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (strcmp(options->method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, options->method);
}

/* -1 when a header would smuggle in another one. */
static int set_headers(struct http_call *call,
                       const struct http_call_options *options)
{
    const char *const *h = options->headers;

    /* No waiting for "100 Continue"; but libcurl 7.88 would sign this. */
    if (!options->aws_region)
        call->headers = curl_slist_append(NULL, "Expect:");
    for (; h && *h; h++) {
        if (strpbrk(*h, "\r\n"))
            return -1;
        call->headers = curl_slist_append(call->headers, *h);
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    return 0;
}

static void set_signature(struct http_call *call,
                          const struct http_call_options *options)
{
    char *scope = mem_format("aws:amz:%s:s3", options->aws_region);

    curl_easy_setopt(call->easy, CURLOPT_AWS_SIGV4, scope);
    curl_easy_setopt(call->easy, CURLOPT_USERNAME, options->aws_key_id);
    curl_easy_setopt(call->easy, CURLOPT_PASSWORD, options->aws_secret);
    free(scope);
}

/* -1 with the reason in call->error. */
static int set_up(struct http_call *call,
                  const struct http_call_options *options)
{
    CURL *easy = call->easy;
    long connect_ms = options->timeout_ms < CONNECT_TIMEOUT_MS
                          ? (long)options->timeout_ms
                          : CONNECT_TIMEOUT_MS;

    if (set_url(call, options->url) != 0) {
        snprintf(call->error, sizeof call->error, "URL too long");
        return -1;
    }
    if (set_headers(call, options) != 0) {
        snprintf(call->error, sizeof call->error, "line break in a header");
        return -1;
    }
    set_method(call, options);
    if (options->aws_region)
        set_signature(call, options);
    set_time_left(call);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* A time-out must not wait for the resolver's thread. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                     (curl_off_t)options->max_bytes);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "Shotfleet/" SHOTFLEET_VERSION);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    if (call->client->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, call->client->ca_file);
    call->pool = call->client->open;
    if (options->guarded)
        set_guard(call);
    return 0;
}

struct http_call *http_client_start(struct http_client *c,
                                    const struct http_call_options *options,
                                    http_answer_fn *fn, void *arg)
{
    struct http_call *call = mem_zalloc(sizeof *call);

    assert(options->max_bytes > 0 && options->timeout_ms > 0 && !c->closing);
    call->client = c;
    call->fn = fn;
    call->arg = arg;
    call->started_us = clock_monotonic_us();
    call->deadline_ms = clock_monotonic_ms() + options->timeout_ms;
    call->redirects_left = options->max_redirects;
    call->follows = options->max_redirects > 0;
    buf_init(&call->answer, options->max_bytes);
    call->next = c->calls;
    call->link = &c->calls;
    if (call->next)
        call->next->link = &call->next;
    c->calls = call;

    call->easy = curl_easy_init();
    if (!call->easy)
        abort(); /* only when memory is out */
    if (set_up(call, options) != 0) {
        loop_timer_start(c->refused_timer, 0);
        return call;
    }
    http_pool_add(call->pool, call->easy);
    return call;
}
