/* queue.h - the stream entries that this program appends.
 *
 * Each follows a row that is committed, and only makes things quick: an entry
 * that Redis does not take is made up for by the poller, or at the subscribers'
 * next heart-beat.
 */
#ifndef API_QUEUE_H
#define API_QUEUE_H

#include "api/api.h"

/* To the workers, for this attempt. */
void queue_capture(struct api *a, const char *job, int64_t attempt);
/* To the subscribers of every api. */
void queue_news(struct api *a, const char *job, const char *status,
                int64_t attempt);

#endif
