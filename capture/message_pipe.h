/* message_pipe.h - NUL-terminated messages over a pair of pipes.
 *
 * The framing of --remote-debugging-pipe.  Reading and writing are buffered and
 * never block; what the messages say is devtools.h's business.
 */
#ifndef MESSAGE_PIPE_H
#define MESSAGE_PIPE_H

#include "common/base.h"
#include "common/loop.h"

struct message_pipe;

/* `ptr` is NUL-terminated and valid during the call.  A message longer than we
 * are prepared to hold arrives `cut`: only its beginning, so that the call
 * which it answers can be told. */
typedef void message_fn(const char *ptr, size_t len, bool cut, void *arg);

/* Takes both descriptors.  `closed` runs once, when the other end is gone. */
struct message_pipe *message_pipe_new(struct loop *loop, int write_fd,
                                      int read_fd, message_fn *message,
                                      loop_fn *closed, void *arg);
void message_pipe_free(struct message_pipe *p); /* accepts NULL */

/* Copies.  -1 when the other end has not been reading for so long that too much
 * is waiting. */
MUST_USE int message_pipe_send(struct message_pipe *p, const char *ptr,
                               size_t len);

#endif
