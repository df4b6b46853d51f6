#include "ingest/door.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/ranges.h"

static bool is_proxy(const struct sockaddr *peer, void *arg)
{
    const struct receiver *rc = arg;

    return ranges_contain(&rc->gate->trusted_proxies, peer);
}

static void on_event(enum http_event event, const struct sockaddr *peer,
                     const char *why, void *arg)
{
    const struct receiver *rc = arg;
    const size_t series = HTTP_REFUSALS + event - HTTP_FIRST_REFUSAL;
    char ip[ADDRESS_TEXT_SIZE];

    switch (event) {
    case HTTP_CONNECTION_OPENED:
        metric_add(rc->metrics, CONNECTIONS, 1);
        return;
    case HTTP_CONNECTION_CLOSED:
        metric_add(rc->metrics, CONNECTIONS, -1);
        return;
    default:
        metric_add(rc->metrics, series, 1);
    }
    address_format(peer, ip);
    rejected_put(rc->rejected, rc->process, REJECTED_HTTP,
                 &(struct rejection){
                     .at_ms = clock_wall_ms(),
                     .reason = "http",
                     .ip = ip,
                     .detail = why ? why : rc->series->items[series].labels });
    if (!why || !access_log_refusal(rc->log))
        return; /* the server tells of these itself, not of each */
    log_info(LOG_WITH({ "reason", why }, { "ip", ip }),
             "refused an HTTP request");
}

struct http_server *door_open(struct loop *loop,
                              const struct ingest_settings *settings,
                              struct receiver *receiver, char *error,
                              size_t error_size)
{
    const struct http_server_options options = {
        .listen = settings->listen,
        .reuse_port = true,
        .max_body_bytes = (size_t)settings->max_body_bytes,
        .max_head_bytes = (size_t)settings->max_head_bytes,
        .max_connections = (unsigned)settings->max_connections,
        .max_per_address = (unsigned)settings->max_per_address,
        .idle_timeout_s = (unsigned)settings->idle_timeout_s,
        .is_proxy = is_proxy,
        .event = on_event,
        .head = receiver_look,
        .handler = receiver_handle,
        .arg = receiver,
    };

    return http_server_new(loop, &options, error, error_size);
}
