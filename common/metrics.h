/* metrics.h - counters that all processes of a program share.
 *
 * The parent maps them before it forks, one row per process, so that counting
 * is one addition without a lock; the reader adds the rows up and prints
 * Prometheus text (exposition format 0.0.4).
 */
#ifndef METRICS_H
#define METRICS_H

#include "common/base.h"
#include "common/buf.h"

enum metric_kind {
    METRIC_COUNTER,
    METRIC_GAUGE,     /* rows are added up */
    METRIC_HISTOGRAM, /* of seconds, observed in microseconds */
    METRIC_SIZES,     /* a histogram of numbers */
};

/* One time series.  Series of one name stand next to each other. */
struct metric {
    const char *name;   /* "shotfleet_webhooks_total" */
    const char *labels; /* "outcome=\"accepted\"", or NULL */
    const char *help;
    enum metric_kind kind;
};

struct metrics;

/* `series` is borrowed; the index into it names a series. */
struct metrics *metrics_new(const struct metric *series, size_t count,
                            unsigned processes);
void metrics_free(struct metrics *m);
/* Which row this process counts in; 0 until called. */
void metrics_use_row(struct metrics *m, unsigned process);
/* Gauges of a process that died are set to 0. */
void metrics_clear_gauges(struct metrics *m, unsigned process);

void metric_add(struct metrics *m, size_t series, int64_t delta);
void metric_set(struct metrics *m, size_t series, int64_t value);
/* Of a METRIC_HISTOGRAM, and of a METRIC_SIZES. */
void metric_observe_us(struct metrics *m, size_t series, int64_t us);
void metric_observe(struct metrics *m, size_t series, int64_t size);
int64_t metric_sum(const struct metrics *m, size_t series);

MUST_USE int metrics_render(const struct metrics *m, struct buf *out);

#endif
