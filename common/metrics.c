#include "common/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/mem.h"

/* Upper bounds of histogram buckets in microseconds: 100 us to 60 s. */
static const int64_t bounds_us[] = {
    100,     250,     500,     1000,     2500,     5000,
    10000,   25000,   50000,   100000,   250000,   500000,
    1000000, 2500000, 5000000, 10000000, 30000000, 60000000,
};

enum { BUCKETS = ARRAY_LEN(bounds_us) };

static const int64_t bounds_sizes[BUCKETS] = {
    1,    2,    5,    10,    20,    50,    100,    200,    500,
    1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000,
};

/* What one process has counted of one series.  One writer each, so relaxed
 * atomics are plain additions. */
struct cell {
    int64_t value; /* counter, gauge; histogram: sum in us */
    int64_t count;
    int64_t buckets[BUCKETS];
};

struct metrics {
    const struct metric *series;
    size_t count;
    unsigned processes;
    unsigned row;
    struct cell *cells; /* [process][series], shared */
    size_t size;
};

struct metrics *metrics_new(const struct metric *series, size_t count,
                            unsigned processes)
{
    struct metrics *m = mem_zalloc(sizeof *m);

    *m = (struct metrics){ .series = series,
                           .count = count,
                           .processes = processes,
                           .size = count * processes * sizeof(struct cell) };
    m->cells = mmap(NULL, m->size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (m->cells == MAP_FAILED)
        abort();
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    munmap(m->cells, m->size);
    free(m);
}

void metrics_use_row(struct metrics *m, unsigned process)
{
    assert(process < m->processes);
    m->row = process;
}

static struct cell *cell_at(const struct metrics *m, unsigned row,
                            size_t series)
{
    assert(series < m->count);
    return &m->cells[row * m->count + series];
}

static void increase(int64_t *value, int64_t delta)
{
    __atomic_store_n(value, __atomic_load_n(value, __ATOMIC_RELAXED) + delta,
                     __ATOMIC_RELAXED);
}

void metrics_clear_gauges(struct metrics *m, unsigned process)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->series[i].kind == METRIC_GAUGE)
            __atomic_store_n(&cell_at(m, process, i)->value, 0,
                             __ATOMIC_RELAXED);
    }
}

void metric_add(struct metrics *m, size_t series, int64_t delta)
{
    increase(&cell_at(m, m->row, series)->value, delta);
}

void metric_set(struct metrics *m, size_t series, int64_t value)
{
    __atomic_store_n(&cell_at(m, m->row, series)->value, value,
                     __ATOMIC_RELAXED);
}

static void observe(struct metrics *m, size_t series, const int64_t *bounds,
                    int64_t value)
{
    struct cell *c = cell_at(m, m->row, series);
    size_t i = 0;

    while (i < BUCKETS && value > bounds[i])
        i++;
    if (i < BUCKETS)
        increase(&c->buckets[i], 1);
    increase(&c->value, value);
    increase(&c->count, 1);
}

void metric_observe_us(struct metrics *m, size_t series, int64_t us)
{
    observe(m, series, bounds_us, us);
}

void metric_observe(struct metrics *m, size_t series, int64_t size)
{
    observe(m, series, bounds_sizes, size);
}

static struct cell sum_of(const struct metrics *m, size_t series)
{
    struct cell sum = { 0 };

    for (unsigned p = 0; p < m->processes; p++) {
        const struct cell *c = cell_at(m, p, series);

        sum.value += __atomic_load_n(&c->value, __ATOMIC_RELAXED);
        sum.count += __atomic_load_n(&c->count, __ATOMIC_RELAXED);
        for (size_t i = 0; i < BUCKETS; i++)
            sum.buckets[i] += __atomic_load_n(&c->buckets[i], __ATOMIC_RELAXED);
    }
    return sum;
}

int64_t metric_sum(const struct metrics *m, size_t series)
{
    return sum_of(m, series).value;
}

static int render_histogram(const struct metric *s, const struct cell *c,
                            struct buf *out)
{
    const char *labels = s->labels ? s->labels : "";
    const char *comma = s->labels ? "," : "";
    bool sizes = s->kind == METRIC_SIZES;
    const int64_t *bounds = sizes ? bounds_sizes : bounds_us;
    double unit = sizes ? 1 : 1e6;
    int64_t below = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        below += c->buckets[i];
        if (buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %" PRId64 "\n", s->name,
                       labels, comma, (double)bounds[i] / unit, below) != 0)
            return -1;
    }
    return buf_printf(out,
                      "%s_bucket{%s%sle=\"+Inf\"} %" PRId64 "\n"
                      "%s_sum{%s} %.*f\n%s_count{%s} %" PRId64 "\n",
                      s->name, labels, comma, c->count, s->name, labels,
                      sizes ? 0 : 6, (double)c->value / unit, s->name, labels,
                      c->count);
}

static int render_series(const struct metric *s, const struct cell *c,
                         struct buf *out)
{
    if (s->kind == METRIC_HISTOGRAM || s->kind == METRIC_SIZES)
        return render_histogram(s, c, out);
    if (s->labels)
        return buf_printf(out, "%s{%s} %" PRId64 "\n", s->name, s->labels,
                          c->value);
    return buf_printf(out, "%s %" PRId64 "\n", s->name, c->value);
}

int metrics_render(const struct metrics *m, struct buf *out)
{
    static const char *const kinds[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
        [METRIC_SIZES] = "histogram",
    };

    for (size_t i = 0; i < m->count; i++) {
        const struct metric *s = &m->series[i];
        struct cell sum = sum_of(m, i);

        if (i == 0 || strcmp(s->name, m->series[i - 1].name) != 0) {
            if (buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", s->name,
                           s->help, s->name, kinds[s->kind]) != 0)
                return -1;
        }
        if (render_series(s, &sum, out) != 0)
            return -1;
    }
    return 0;
}
