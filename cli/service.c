#include "cli/service.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

enum {
    CONNECT_MS = 5000,
    /* Answers that we keep: a page of captures with all their options. */
    BODY_MAX_BYTES = 64 * 1024 * 1024,
};

struct service {
    CURL *curl;
    char *base;
    char *key_header; /* NULL: no key */
    struct patience *patience;
    service_tick *tick;
    void *tick_arg;
    service_sink *sink; /* of the call under way */
    void *sink_arg;
    struct buf body;
    char error[CURL_ERROR_SIZE];
};

long service_status(const struct service *s)
{
    long status = 0;

    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* The number of bytes taken; anything else ends the transfer. */
static size_t on_bytes(char *ptr, size_t size, size_t count, void *arg)
{
    struct service *s = arg;
    size_t len = size * count;
    int rc = s->sink && service_status(s) == 200
                 ? s->sink(ptr, len, s->sink_arg)
                 : buf_append(&s->body, ptr, len);

    return rc == 0 ? len : 0;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now,
                       curl_off_t upload_total, curl_off_t upload_now)
{
    struct service *s = arg;

    (void)total;
    (void)now;
    (void)upload_total;
    (void)upload_now;
    if (s->tick)
        s->tick(s->tick_arg);
    return patience_is_over(s->patience);
}

struct service *service_new(const struct cli_settings *settings,
                            struct patience *patience)
{
    struct service *s = NULL;
    size_t len = strlen(settings->api_url);

    if (strncmp(settings->api_url, "http://", 7) != 0 &&
        strncmp(settings->api_url, "https://", 8) != 0) {
        cli_complain("SHOTFLEET_API_URL=\"%.100s\" does not begin with http:// "
                     "or https://",
                     settings->api_url);
        return NULL;
    }
    while (len > 0 && settings->api_url[len - 1] == '/')
        len--;
    s = mem_zalloc(sizeof *s);
    s->base = mem_dup(settings->api_url, len);
    s->patience = patience;
    if (*settings->api_key)
        s->key_header =
            mem_format("Authorization: Bearer %s", settings->api_key);
    buf_init(&s->body, BODY_MAX_BYTES);
    s->curl = curl_easy_init();
    if (!s->curl)
        abort(); /* out of memory */
    return s;
}

void service_free(struct service *s)
{
    if (!s)
        return;
    curl_easy_cleanup(s->curl);
    buf_release(&s->body);
    if (s->key_header)
        explicit_bzero(s->key_header, strlen(s->key_header));
    free(s->key_header);
    free(s->base);
    free(s);
}

void service_on_tick(struct service *s, service_tick *tick, void *arg)
{
    s->tick = tick;
    s->tick_arg = arg;
}

static void set_up(struct service *s, const char *url,
                   const struct curl_slist *headers)
{
    int64_t left_ms = patience_left_ms(s->patience);

    curl_easy_reset(s->curl); /* connections stay */
    curl_easy_setopt(s->curl, CURLOPT_URL, url);
    curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    /* to where pictures are kept, and our key goes to no other host */
    curl_easy_setopt(s->curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(s->curl, CURLOPT_MAXREDIRS, 3L);
    curl_easy_setopt(s->curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
    if (!getenv("no_proxy") &&
        !getenv("NO_PROXY")) /* api is often right here */
        curl_easy_setopt(s->curl, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1");
    curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->error);
    curl_easy_setopt(s->curl, CURLOPT_USERAGENT,
                     "shotfleet/" SHOTFLEET_VERSION);
    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS,
                     (long)(left_ms > 0 ? left_ms : 1));
    curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(s->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(s->curl, CURLOPT_XFERINFODATA, s);
    buf_clear(&s->body);
    s->error[0] = '\0';
}

/* What is not GET; all but `method` may be NULL. */
struct call {
    const char *method;
    const char *json;
    const char *idempotency_key;
};

static struct curl_slist *headers_of(const struct service *s,
                                     const struct call *c)
{
    struct curl_slist *headers = NULL;
    char *line;

    if (s->key_header)
        headers = curl_slist_append(headers, s->key_header);
    if (c && c->json)
        headers = curl_slist_append(headers, "Content-Type: application/json");
    if (c && c->idempotency_key) {
        line = mem_format("Idempotency-Key: \"%s\"", c->idempotency_key);
        headers = curl_slist_append(headers, line);
        free(line);
    }
    return headers;
}

/* `c` NULL: GET. */
static enum service_outcome call(struct service *s, const char *path,
                                 const struct call *c)
{
    char *url = mem_format("%s%s", s->base, path);
    struct curl_slist *headers = headers_of(s, c);
    CURLcode code;

    set_up(s, url, headers);
    if (c) {
        curl_easy_setopt(s->curl, CURLOPT_CUSTOMREQUEST, c->method);
        if (c->json || strcmp(c->method, "POST") == 0)
            curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS,
                             c->json ? c->json : "");
    }
    code = curl_easy_perform(s->curl);
    curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    free(url);
    if (code == CURLE_OK)
        return SERVICE_ANSWERED;
    if (patience_is_over(s->patience) || code == CURLE_WRITE_ERROR)
        return SERVICE_OVER;
    if (!s->error[0])
        snprintf(s->error, sizeof s->error, "%s", curl_easy_strerror(code));
    return SERVICE_UNREACHABLE;
}

enum service_outcome service_get(struct service *s, const char *path,
                                 service_sink *sink, void *arg)
{
    s->sink = sink;
    s->sink_arg = arg;
    return call(s, path, NULL);
}

enum service_outcome service_send(struct service *s, const char *method,
                                  const char *path, const char *json,
                                  const char *idempotency_key)
{
    s->sink = NULL;
    return call(s, path, &(struct call){ method, json, idempotency_key });
}

char *service_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = NULL;

    if (!escaped)
        abort(); /* out of memory */
    copy = mem_strdup(escaped);
    curl_free(escaped);
    return copy;
}

long service_retry_after_s(const struct service *s)
{
    curl_off_t seconds = 0;

    curl_easy_getinfo(s->curl, CURLINFO_RETRY_AFTER, &seconds);
    return seconds > 0 && seconds < 3600 ? (long)seconds : 0;
}

const char *service_body(const struct service *s, size_t *len)
{
    *len = s->body.len;
    return s->body.data ? s->body.data : "";
}

const char *service_error(const struct service *s)
{
    return s->error;
}

const char *service_base(const struct service *s)
{
    return s->base;
}

int service_complain(const struct service *s)
{
    long status = service_status(s);

    if (status == 401) {
        cli_complain("api at %s wants another key: set SHOTFLEET_API_KEY to "
                     "one of its SHOTFLEET_API_KEYS",
                     s->base);
        return CLI_REFUSED;
    }
    if (patience_is_over(s->patience) && s->patience->interrupted)
        return CLI_INTERRUPTED;
    if (patience_is_over(s->patience))
        cli_complain("api at %s did not answer in time", s->base);
    else if (s->error[0])
        cli_complain("could not reach api at %s: %s; is it running? start it "
                     "with `make up`, or set SHOTFLEET_API_URL",
                     s->base, s->error);
    else
        cli_complain("what answers at %s is not api (status %ld); set "
                     "SHOTFLEET_API_URL",
                     s->base, status);
    return CLI_UNREACHABLE;
}
