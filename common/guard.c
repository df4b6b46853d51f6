#include "common/guard.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int guard_init(struct guard *g, const char *fetch_allow, char *error,
               size_t error_size)
{
    char why[256];

    if (ranges_parse(&g->allow, fetch_allow, why, sizeof why) == 0)
        return 0;
    snprintf(error, error_size, "could not read SHOTFLEET_FETCH_ALLOW: %s",
             why);
    return -1;
}

void guard_release(struct guard *g)
{
    ranges_release(&g->allow);
}

bool guard_allows(const struct guard *g, const struct sockaddr *address)
{
    return address_is_public(address) || ranges_contain(&g->allow, address);
}

/* One part of both URLs, the same in any case?  The client's own parser reads
 * them, so that the two cannot disagree about where a URL leads. */
static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
    char *of_a = NULL;
    char *of_b = NULL;
    bool same;

    same = curl_url_get(a, part, &of_a, CURLU_DEFAULT_PORT) == CURLUE_OK &&
           curl_url_get(b, part, &of_b, CURLU_DEFAULT_PORT) == CURLUE_OK &&
           strcasecmp(of_a, of_b) == 0;
    curl_free(of_a);
    curl_free(of_b);
    return same;
}

bool same_origin(const char *url_a, const char *url_b)
{
    CURLU *a = curl_url();
    CURLU *b = curl_url();
    bool same = false;

    if (!a || !b || curl_url_set(a, CURLUPART_URL, url_a, 0) != CURLUE_OK ||
        curl_url_set(b, CURLUPART_URL, url_b, 0) != CURLUE_OK)
        goto out;
    same = same_part(a, b, CURLUPART_SCHEME) &&
           same_part(a, b, CURLUPART_HOST) && same_part(a, b, CURLUPART_PORT);
out:
    curl_url_cleanup(a);
    curl_url_cleanup(b);
    return same;
}
