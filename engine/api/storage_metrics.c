#include "api/storage_metrics.h"

#include "store/store.h"

#include <inttypes.h>

struct seen {
  struct store_stats stats;
  struct store_watch watch;
};

static double waiting(const struct seen *s) { return s->stats.waiting; }
static double refusing(const struct seen *s) { return s->stats.refusing; }
static double writes(const struct seen *s) { return (double)s->stats.writes; }
static double failures(const struct seen *s) { return (double)s->stats.failures; }
static double refused(const struct seen *s) { return (double)s->watch.refused; }
static double file_bytes(const struct seen *s) { return (double)s->watch.file_bytes; }
static double log_bytes(const struct seen *s) { return (double)s->watch.log_bytes; }

static const struct {
  const char *name, *type, *help;
  double (*read)(const struct seen *s);
} series[] = {
  {"storage_queue_writes", "gauge", "Writes that wait for the disk", waiting},
  {"storage_refusing", "gauge", "1: the disk refused a write and no trial has succeeded since", refusing},
  {"storage_writes_total", "counter", "Writes tried", writes},
  {"storage_write_failures_total", "counter", "Writes that were undone, for whatever reason", failures},
  {"storage_batches_refused_total", "counter", "Batches of which the disk refused something", refused},
  {"storage_file_bytes", "gauge", "Size of the database file", file_bytes},
  {"storage_log_bytes", "gauge", "Size of the write-ahead log beside it", log_bytes},
};

static void head(struct buf *out, const char *name, const char *type, const char *help) {
  buf_printf(out, "# HELP perigee_%s %s\n# TYPE perigee_%s %s\n", name, help, name, type);
}

void storage_metrics_write(struct store *store, struct buf *out) {
  struct seen seen[STORE_FILES];
  for (int f = 0; f < STORE_FILES; f++) seen[f] = (struct seen){store_stats(store, f), store_watch(store, f)};
  for (size_t i = 0; i < sizeof series / sizeof *series; i++) {
    head(out, series[i].name, series[i].type, series[i].help);
    for (int f = 0; f < STORE_FILES; f++)
      buf_printf(out, "perigee_%s{file=\"%s\"} %.17g\n", series[i].name, store_file_name(f), series[i].read(&seen[f]));
  }
  // Its count is the number of batches, so writes by count is the mean size of one.
  head(out, "storage_commit_duration_seconds", "histogram", "A batch of writes, from its begin to the end of its commit");
  for (int f = 0; f < STORE_FILES; f++) {
    uint64_t sum = 0;
    const char *name = store_file_name(f);
    for (int b = 0; b <= STORE_COMMIT_BOUNDS; b++) {
      sum += seen[f].watch.buckets[b];
      if (b < STORE_COMMIT_BOUNDS)
        buf_printf(out, "perigee_storage_commit_duration_seconds_bucket{file=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, store_commit_bounds_s[b], sum);
    }
    buf_printf(out, "perigee_storage_commit_duration_seconds_bucket{file=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, sum);
    buf_printf(out, "perigee_storage_commit_duration_seconds_sum{file=\"%s\"} %.9g\n", name, seen[f].watch.commits_s);
    buf_printf(out, "perigee_storage_commit_duration_seconds_count{file=\"%s\"} %" PRIu64 "\n", name, sum);
  }
  const int64_t left = store_free_bytes(store);
  head(out, "storage_free_bytes", "gauge", "What the data directory's file system has left");
  if (left >= 0) buf_printf(out, "perigee_storage_free_bytes %" PRId64 "\n", left);
}
