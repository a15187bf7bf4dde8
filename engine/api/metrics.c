#include "api/metrics.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const double bounds_s[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};
#define BOUNDS ((int)(sizeof bounds_s / sizeof *bounds_s))
static const char *const rate_names[RATE_COUNT] = {"auth", "read", "write", "heavy"};

struct histogram {
  uint64_t buckets[BOUNDS + 1], count;
  double sum_s;
};

struct metrics {
  const struct api_table *table;
  uint64_t (*requests)[6];  // per route, and one more for none: by status / 100
  struct histogram took[RATE_COUNT];
  uint64_t counters[METRIC_COUNTER_COUNT];
  struct metrics_gauge gauges[METRICS_GAUGES_MAX];
  int gauge_count;
};

enum status metrics_create(const struct api_table *table, struct metrics **ret, struct err *err) {
  struct metrics *m = calloc(1, sizeof *m);
  if (m) m->requests = calloc((size_t)table->route_count + 1, sizeof *m->requests);
  if (!m || !m->requests) {
    free(m);
    return err_set(err, ERR_NOMEM, "out of memory");
  }
  m->table = table;
  *ret = m;
  return OK;
}

void metrics_destroy(struct metrics *m) {
  if (!m) return;
  free(m->requests);
  free(m);
}

void metrics_add(struct metrics *m, enum metrics_counter c, uint64_t n) { m->counters[c] += n; }
uint64_t metrics_get(const struct metrics *m, enum metrics_counter c) { return m->counters[c]; }

void metrics_request(struct metrics *m, int route, int status, int64_t took_ns) {
  assert(route >= -1 && route < m->table->route_count && status >= 100 && status < 600);
  m->requests[route < 0 ? m->table->route_count : route][status / 100]++;
  if (route < 0) return;
  struct histogram *h = &m->took[m->table->routes[route].rate];
  const double took_s = (double)took_ns * 1e-9;
  int b = 0;
  while (b < BOUNDS && took_s > bounds_s[b]) b++;
  h->buckets[b]++;
  h->count++;
  h->sum_s += took_s;
}

bool metrics_gauge(struct metrics *m, struct metrics_gauge g) {
  if (m->gauge_count == METRICS_GAUGES_MAX) return false;
  m->gauges[m->gauge_count++] = g;
  return true;
}

void metrics_gauge_forget(struct metrics *m, const void *arg) {
  int kept = 0;
  for (int i = 0; i < m->gauge_count; i++)
    if (m->gauges[i].arg != arg) m->gauges[kept++] = m->gauges[i];
  m->gauge_count = kept;
}

static void head(struct buf *out, const char *name, const char *type, const char *help) {
  buf_printf(out, "# HELP perigee_%s %s\n# TYPE perigee_%s %s\n", name, help, name, type);
}

static void write_process(struct buf *out) {
  long pages = 0;
  FILE *f = fopen("/proc/self/statm", "re");
  if (f) {
    if (fscanf(f, "%*d %ld", &pages) != 1) pages = 0;
    fclose(f);
  }
  int fds = -3;  // ".", ".." and the directory itself
  DIR *d = opendir("/proc/self/fd");
  while (d && readdir(d)) fds++;
  if (d) closedir(d);
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  const double cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
  buf_printf(out, "# HELP process_resident_memory_bytes Resident memory\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %lld\n",
             (long long)pages * sysconf(_SC_PAGESIZE));
  buf_printf(out, "# HELP process_open_fds Open file descriptors\n# TYPE process_open_fds gauge\nprocess_open_fds %d\n", fds > 0 ? fds : 0);
  buf_printf(out, "# HELP process_cpu_seconds_total CPU time used\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n", cpu_s);
}

void metrics_write(const struct metrics *m, struct buf *out) {
  static const struct { const char *name, *help; } counters[METRIC_COUNTER_COUNT] = {
#define X(name, text, help) {text, help},
      METRICS_COUNTERS(X)
#undef X
  };
  head(out, "http_requests_total", "counter", "Requests answered, by operation and class of status");
  for (int i = 0; i <= m->table->route_count; i++)
    for (int class = 1; class < 6; class++)
      if (m->requests[i][class])
        buf_printf(out, "perigee_http_requests_total{operation=\"%s\",status=\"%dxx\"} %" PRIu64 "\n", i < m->table->route_count ? m->table->routes[i].id : "none", class,
                   m->requests[i][class]);
  head(out, "http_request_duration_seconds", "histogram", "From the whole head to the answer, by class of operation");
  for (int r = 0; r < RATE_COUNT; r++) {
    const struct histogram *h = &m->took[r];
    uint64_t sum = 0;
    for (int b = 0; b < BOUNDS; b++)
      buf_printf(out, "perigee_http_request_duration_seconds_bucket{class=\"%s\",le=\"%g\"} %" PRIu64 "\n", rate_names[r], bounds_s[b], sum += h->buckets[b]);
    buf_printf(out, "perigee_http_request_duration_seconds_bucket{class=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", rate_names[r], h->count);
    buf_printf(out, "perigee_http_request_duration_seconds_sum{class=\"%s\"} %.9g\n", rate_names[r], h->sum_s);
    buf_printf(out, "perigee_http_request_duration_seconds_count{class=\"%s\"} %" PRIu64 "\n", rate_names[r], h->count);
  }
  for (int c = 0; c < METRIC_COUNTER_COUNT; c++) {
    head(out, counters[c].name, "counter", counters[c].help);
    buf_printf(out, "perigee_%s %" PRIu64 "\n", counters[c].name, m->counters[c]);
  }
  for (int i = 0; i < m->gauge_count; i++) {
    const struct metrics_gauge *g = &m->gauges[i];
    head(out, g->name, g->type, g->help);
    buf_printf(out, "perigee_%s %.17g\n", g->name, g->read(g->arg));
  }
  write_process(out);
}
