#include "api/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/reply.h"
#include "common/digest.h"
#include "common/mem.h"

/* Only our own files: no inline code, nothing from elsewhere but pictures from
 * their storage, no framing.  blob: is a picture that was fetched with a key.
 */
static char *make_policy(const struct s3 *s3)
{
    const char *scheme = s3->host ? s3->scheme : "";
    const char *colon = s3->host ? "://" : "";
    const char *host = s3->host ? s3->host : "";

    return mem_format(
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' blob: %s%s%s; connect-src 'self' %s%s%s; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        scheme, colon, host, scheme, colon, host);
}

static const char *type_of(const char *name)
{
    static const struct {
        const char *ending;
        const char *type;
    } types[] = {
        { ".html", "text/html; charset=utf-8" },
        { ".css", "text/css; charset=utf-8" },
        { ".js", "text/javascript; charset=utf-8" },
        { ".svg", "image/svg+xml" },
    };
    const char *ending = strrchr(name, '.');

    for (size_t i = 0; ending && i < ARRAY_LEN(types); i++) {
        if (strcmp(ending, types[i].ending) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

/* Does the browser take gzip?  "gzip;q=0" is a refusal (RFC 9110, 12.5.3), and
 * so is anything that is not said plainly. */
static bool takes_gzip(const struct exchange *x)
{
    const char *list = http_header(x->request, "Accept-Encoding");

    while (list && *list) {
        size_t len = strcspn(list, ",");
        size_t name = strspn(list, " \t");

        if (strncasecmp(list + name, "gzip", 4) == 0 &&
            strspn(list + name + 4, " \t") + name + 4 == len)
            return true;
        list += len + (list[len] == ',');
    }
    return false;
}

/* Small enough to be summed up anew each time. */
static void send_file(struct exchange *x, const struct embedded *file)
{
    const char *known = http_header(x->request, "If-None-Match");
    bool gzip = takes_gzip(x);
    const char *data = gzip ? file->gzip : file->data;
    size_t len = gzip ? file->gzip_len : file->len;
    char sum[SHA256_HEX_SIZE];
    char tag[sizeof sum + 2];
    char *policy = make_policy(&x->api->s3);
    const struct http_field extra[] = {
        { "Content-Security-Policy", policy },
        { "Cache-Control", "no-cache" },
        { "Vary", "Accept-Encoding" },
        { "ETag", tag },
        { gzip ? "Content-Encoding" : NULL, "gzip" },
        { 0 },
    };

    sha256_hex(data, len, sum);
    snprintf(tag, sizeof tag, "\"%s\"", sum);
    if (known && strstr(known, tag))
        reply(x, 304, NULL, NULL, 0, extra);
    else
        reply(x, 200, type_of(file->name), data, len, extra);
    free(policy);
}

static void serve(struct exchange *x, const struct embedded *files)
{
    const char *name = x->name[0] ? x->name : "index.html";

    for (; files->name; files++) {
        if (strcmp(files->name, name) == 0) {
            send_file(x, files);
            return;
        }
    }
    reply_problem(x, PROBLEM_NOT_FOUND, "there is no file \"%s\" here", name);
}

void page_get(struct exchange *x)
{
    serve(x, page_files);
}

void page_demo_get(struct exchange *x)
{
    serve(x, demo_files);
}

void page_demo_redirect(struct exchange *x)
{
    const struct http_field extra[] = { { "Location", "/demo/" }, { 0 } };

    reply(x, 308, NULL, NULL, 0, extra);
}
