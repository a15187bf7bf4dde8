// backtest/data.c – from files to streams: loads each file, agrees on one tick per symbol, aggregates what is not given.
#include "backtest/backtest.h"

#include "base/suggest.h"
#include "market/segment.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void backtest_config_init(struct backtest_config *c) {
  memset(c, 0, sizeof *c);
  match_config_init(&c->match, (cash){10000 * CASH_ONE});
  c->leverage_e4 = 10000;
  c->maintenance_frac_e8 = 500000;
  c->swap_triple_weekday = 2;
  c->from_ns = INT64_MIN;
  c->to_ns = INT64_MAX;
  c->limits.seed = 1;
  risk_limits_init(&c->risk);
}

void backtest_data_finish(struct backtest_data *d) {
  for (int i = 0; i < d->feed_count; i++)
    if (d->feeds[i].owned) series_finish(&d->feeds[i].series);
  series_finish(&d->detail);
  series_finish(&d->mark);
  funding_finish(&d->funding);
  signals_finish(&d->signals);
  terms_finish(&d->terms);
  memset(d, 0, sizeof *d);
}

// ---- loading

// What a compat model's prices count in: the engines it imitates have no tick, so one fine enough never to show.
static const struct decimal compat_tick = {1, 10};

static void warn_report(struct result *r, const char *path, const struct csv_report *rep) {
  for (size_t i = 0; i < rep->message_count && i < CSV_MESSAGES_MAX; i++)
    if (!result_warning_add(r, "%s", rep->messages[i])) return;
  if (rep->message_count > CSV_MESSAGES_MAX && !result_warning_add(r, "%s: %zu more messages", path, rep->message_count - CSV_MESSAGES_MAX)) return;
}

// flags_win: --symbol and --timeframe go before the file's name, which else goes before them.
static enum status load_file(const struct backtest_config *c, const char *path, bool flags_win, struct decimal tick, struct series *ret, struct result *r, struct err *err) {
  if (access(path, R_OK) != 0) return err_errno(err, errno, "%s", path);  // rather than that its name tells no timeframe
  struct csv_options o = c->csv;
  char symbol[SYMBOL_MAX];
  int64_t timeframe_ns;
  csv_name_parse(path, symbol, &timeframe_ns);
  if (symbol[0] && timeframe_ns && !flags_win) o.symbol = NULL, o.timeframe_ns = 0;
  if (tick.digits) o.tick = tick;
  struct csv_report *rep = calloc(1, sizeof *rep);
  if (!rep) return err_set(err, ERR_NOMEM, "%s: out of memory", path);
  enum status st = csv_load(path, &o, ret, rep, err);
  if (st == OK && r) warn_report(r, path, rep);
  free(rep);
  return st;
}

static int file_of_stream(const struct backtest_config *c, const char *stream) {
  for (int i = 0; i < c->file_count; i++)
    if (c->files[i].stream && strcmp(c->files[i].stream, stream) == 0) return i;
  return -1;
}

// The file named main, else the first without a name; -1: none.
static int main_file_of(const struct backtest_config *c) {
  int file = file_of_stream(c, "main");
  for (int i = 0; file < 0 && i < c->file_count; i++)
    if (!c->files[i].stream) file = i;
  return file;
}

// A copy that counts in tick.
static enum status copy_series(const struct series *from, struct decimal tick, struct series *ret, struct err *err) {
  struct series copy = *from;
  copy.bars = NULL;
  copy.count = copy.cap = 0;
  enum status st = series_reserve(&copy, from->count, err);
  if (st != OK) return st;
  memcpy(copy.bars, from->bars, from->count * sizeof *copy.bars);
  copy.count = from->count;
  st = series_rescale(&copy, tick, copy.volume_scale, err);
  if (st == OK) *ret = copy;
  else series_finish(&copy);
  return st;
}

// The feed's bars counted in another tick; bars that somebody else owns are copied.
static enum status feed_rescale(struct backtest_feed *f, struct decimal tick, struct err *err) {
  if (f->owned) return series_rescale(&f->series, tick, f->series.volume_scale, err);
  struct series copy;
  enum status st = copy_series(&f->series, tick, &copy, err);
  if (st != OK) return st;
  f->series = copy;
  f->owned = true;
  return OK;
}

// Bars that are in memory already: borrowed, unless they have to count in another tick. What is asked of the instrument holds for
// them as it does for a file that is loaded.
static enum status take_series(const struct csv_options *asked, const struct backtest_file *file, struct decimal tick, struct backtest_feed *f, struct err *err) {
  f->series = *file->series;
  f->owned = false;
  if (asked->tick.digits) tick = asked->tick;
  enum status st = tick.digits ? feed_rescale(f, tick, err) : OK;
  if (st != OK) return st;
  struct instrument *inst = &f->series.inst;
  if (asked->lot.digits) inst->lot = asked->lot;
  if (asked->multiplier.digits) inst->multiplier = asked->multiplier;
  if (asked->min_notional.digits && !decimal_rescale(asked->min_notional, 8, &inst->min_notional.e8))
    return err_set(err, ERR_INVALID, "the smallest notional has more than 8 decimals");
  st = instrument_finish(inst, err);
  return st == OK ? OK : err_wrap(err, st, "%s", inst->symbol);
}

// Bars in memory in the finest units that terms ever had; a file is loaded in them.
static enum status take_terms(const struct terms_list *terms, struct backtest_feed *f, struct err *err) {
  struct decimal tick = f->series.inst.tick, lot = f->series.inst.lot;
  enum status st = terms_finest(terms, false, &tick, err);
  if (st == OK) st = terms_finest(terms, true, &lot, err);
  if (st == OK && (tick.digits != f->series.inst.tick.digits || tick.scale != f->series.inst.tick.scale)) st = feed_rescale(f, tick, err);
  if (st != OK) return st;
  f->series.inst.lot = lot;
  return instrument_finish(&f->series.inst, err);
}

static enum status load_feeds(const struct backtest_config *c, struct backtest_data *d, struct result *r, struct err *err) {
  struct decimal tick = {0};
  if (c->csv.tick.digits == 0 && fill_model_compat(c->match.model)) tick = compat_tick;
  int main_file = main_file_of(c);
  struct backtest_config with_terms = *c;  // the main symbol counts in the finest units that its terms ever had
  if (c->terms_path || c->terms.bytes) {
    enum status st = c->terms.bytes ? terms_load_bytes("terms", c->terms.bytes, c->terms.len, &d->terms, err) : terms_load(c->terms_path, &d->terms, err);
    if (st == OK) st = terms_finest(&d->terms, false, &with_terms.csv.tick, err);
    if (st == OK) st = terms_finest(&d->terms, true, &with_terms.csv.lot, err);
    if (st != OK) return err_wrap(err, st, "--terms");
  }
  for (int i = 0; i < c->file_count; i++) {
    struct backtest_feed *f = &d->feeds[d->feed_count];
    bool memory = c->files[i].series;
    enum status st = memory ? take_series(&c->csv, &c->files[i], tick, f, err)
                            : load_file(i == main_file ? &with_terms : c, c->files[i].path, c->file_count == 1, tick, &f->series, r, err);
    if (!memory) f->owned = st == OK;
    else if (st == OK && i == main_file && d->terms.count) st = take_terms(&d->terms, f, err);
    f->path = c->files[i].path;
    d->feed_count++;
    if (st != OK) return st;
  }
  // Two files of a symbol may need different ticks (decimals differ); they must count in the finer one.
  for (int i = 0; i < c->file_count; i++)
    for (int k = 0; k < c->file_count; k++) {
      struct series *a = &d->feeds[i].series, *b = &d->feeds[k].series;
      if (strcmp(a->inst.symbol, b->inst.symbol) != 0) continue;
      if (a->inst.tick.scale >= b->inst.tick.scale && a->inst.tick.digits == b->inst.tick.digits && a->inst.tick.scale != b->inst.tick.scale) {
        if (c->files[k].series) {
          enum status moved = feed_rescale(&d->feeds[k], a->inst.tick, err);
          if (moved != OK) return moved;
          continue;
        }
        struct series finer = {0};
        enum status st = load_file(k == main_file ? &with_terms : c, d->feeds[k].path, false, a->inst.tick, &finer, NULL, err);
        if (st != OK) return st;
        series_finish(b);
        *b = finer;
      }
    }
  return OK;
}

// ---- streams

static enum status find_or_aggregate(struct backtest_data *d, const char *stream, const char *symbol, int64_t timeframe_ns,
                                     const struct series **ret, struct err *err) {
  int best = -1;
  for (int i = 0; i < d->feed_count; i++) {
    const struct series *s = &d->feeds[i].series;
    if (strcmp(s->inst.symbol, symbol) != 0) continue;
    if (s->timeframe_ns == timeframe_ns) {
      *ret = s;
      return OK;
    }
    if (s->timeframe_ns < timeframe_ns && timeframe_ns % s->timeframe_ns == 0 && (best < 0 || s->timeframe_ns > d->feeds[best].series.timeframe_ns)) best = i;
  }
  char want[TIMEFRAME_TEXT_MAX];
  timeframe_text(timeframe_ns, want);
  if (best < 0)
    return err_set(err, ERR_INVALID, "stream %s needs %s bars of %s: give them with --data %s=FILE, or a file of a finer timeframe of %s", stream, want, symbol, stream, symbol);
  struct backtest_feed *f = &d->feeds[d->feed_count];
  enum status st = series_aggregate(&d->feeds[best].series, timeframe_ns, &f->series, err);
  if (st != OK) return err_wrap(err, st, "stream %s (%s %s)", stream, symbol, want);
  f->owned = true;
  d->feed_count++;
  *ret = &f->series;
  return OK;
}

static enum status check_stream_names(const struct backtest_config *c, struct err *err) {
  for (int i = 0; i < c->file_count; i++) {
    if (!c->files[i].stream) continue;
    const char *names[SPEC_STREAMS_MAX];
    bool known = false;
    for (int k = 0; k < c->spec->stream_count; k++) {
      names[k] = c->spec->streams[k].name;
      known |= strcmp(names[k], c->files[i].stream) == 0;
    }
    if (known) continue;
    const char *near = suggest_nearest(c->files[i].stream, names, (size_t)c->spec->stream_count);
    return err_set(err, ERR_INVALID, "--data %s=…: the script has no stream \"%s\"%s%s%s", c->files[i].stream, c->files[i].stream,
                   near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
  }
  return OK;
}

static enum status resolve_streams(const struct backtest_config *c, struct backtest_data *d, const struct script_plan *plan, struct err *err) {
  enum status st = check_stream_names(c, err);
  if (st != OK) return st;
  int main_file = main_file_of(c);
  if (main_file < 0) return err_set(err, ERR_USAGE, "no data for the main stream: give --data FILE");
  const char *own = d->feeds[main_file].series.inst.symbol;
  int64_t own_timeframe_ns = d->feeds[main_file].series.timeframe_ns;
  for (int i = 0; i < plan->stream_count; i++) {
    const struct stream_plan *p = &plan->streams[i];
    int file = i == 0 && !p->symbol[0] ? main_file : file_of_stream(c, p->name);
    const char *symbol = file >= 0 ? d->feeds[file].series.inst.symbol : p->symbol[0] ? p->symbol : own;
    if (file >= 0 && p->symbol[0] && strcmp(p->symbol, symbol) != 0)
      return err_set(err, ERR_INVALID, "stream %s is %s, but %s holds %s", p->name, p->symbol, c->files[file].path, symbol);
    int64_t timeframe_ns = p->timeframe_ns ? p->timeframe_ns : file >= 0 ? d->feeds[file].series.timeframe_ns : own_timeframe_ns;
    if (file >= 0 && d->feeds[file].series.timeframe_ns == timeframe_ns) {
      d->streams[i] = &d->feeds[file].series;
      continue;
    }
    st = find_or_aggregate(d, p->name, symbol, timeframe_ns, &d->streams[i], err);
    if (st != OK) return st;
  }
  return OK;
}

// ---- symbols

static int symbol_compare(const void *a, const void *b) {
  const struct series *const *x = a, *const *y = b;
  return strcmp((*x)->inst.symbol, (*y)->inst.symbol);
}

// The finest series of each symbol that a stream uses; sorted by name, which is the order of matching at equal times.
static void resolve_symbols(const struct backtest_config *c, struct backtest_data *d) {
  const struct series *exec[SPEC_STREAMS_MAX];
  int n = 0;
  for (int i = 0; i < c->spec->stream_count; i++) {
    const struct series *s = d->streams[i];
    int k = 0;
    while (k < n && strcmp(exec[k]->inst.symbol, s->inst.symbol) != 0) k++;
    if (k == n)
      exec[n++] = s;
    else if (s->timeframe_ns < exec[k]->timeframe_ns)
      exec[k] = s;
  }
  qsort(exec, (size_t)n, sizeof exec[0], symbol_compare);
  d->symbol_count = n;
  for (int k = 0; k < n; k++) d->symbols[k].exec = exec[k];
  for (int i = 0; i < c->spec->stream_count; i++)
    for (int k = 0; k < n; k++)
      if (strcmp(exec[k]->inst.symbol, d->streams[i]->inst.symbol) == 0) d->stream_symbols[i] = k;
}

static enum status load_extra(const struct backtest_config *c, struct backtest_data *d, struct result *r, struct err *err) {
  const struct series *main_exec = d->symbols[d->stream_symbols[0]].exec;
  enum status st = OK;
  const struct {
    const char *path, *flag;
    const struct series *memory;
    struct series *series;
  } extras[] = {{c->detail_path, "--detail", c->detail_series, &d->detail}, {c->mark_path, "--mark", c->mark_series, &d->mark}};
  for (int i = 0; i < 2; i++) {
    if (!extras[i].path && !extras[i].memory) continue;
    st = extras[i].memory ? copy_series(extras[i].memory, main_exec->inst.tick, extras[i].series, err)
                          : load_file(c, extras[i].path, false, main_exec->inst.tick, extras[i].series, r, err);
    if (st != OK) return err_wrap(err, st, "%s", extras[i].flag);
    if (strcmp(extras[i].series->inst.symbol, main_exec->inst.symbol) != 0)
      return err_set(err, ERR_INVALID, "%s holds %s, but the main symbol is %s", extras[i].flag, extras[i].series->inst.symbol, main_exec->inst.symbol);
  }
  if (d->detail.count) {
    if (d->detail.timeframe_ns >= main_exec->timeframe_ns || main_exec->timeframe_ns % d->detail.timeframe_ns)
      return err_set(err, ERR_INVALID, "--detail: its timeframe must be a finer one that divides the data's");
    d->symbols[d->stream_symbols[0]].detail = &d->detail;
  }
  if (d->mark.count) {
    if (d->mark.timeframe_ns != main_exec->timeframe_ns) return err_set(err, ERR_INVALID, "--mark: its timeframe must be that of the data");
    d->symbols[d->stream_symbols[0]].mark = &d->mark;
  }
  if (c->funding.bytes) st = funding_load_bytes("funding", c->funding.bytes, c->funding.len, &d->funding, err);
  else if (c->funding_path) st = funding_load(c->funding_path, &d->funding, err);
  if (st != OK) return st;
  if (c->signals.bytes) return signals_load_bytes("signals", c->signals.bytes, c->signals.len, &d->signals, err);
  return c->signals_path ? signals_load(c->signals_path, &d->signals, err) : OK;
}

enum status backtest_data_load(const struct backtest_config *c, struct backtest_data *d, struct result *r, struct err *err) {
  struct script_plan plan;
  memset(d, 0, sizeof *d);
  enum status st = script_plan_make(c->spec, c->values, &plan, err);
  if (st == OK) st = load_feeds(c, d, r, err);
  if (st == OK) st = resolve_streams(c, d, &plan, err);
  if (st == OK) {
    resolve_symbols(c, d);
    st = load_extra(c, d, r, err);
  }
  if (st == OK) {
    const struct series *m = d->streams[0];
    while (d->main_from < m->count && m->bars[d->main_from].open_ns < c->from_ns) d->main_from++;
    d->main_to = m->count;
    while (d->main_to > d->main_from && m->bars[d->main_to - 1].open_ns >= c->to_ns) d->main_to--;
    if (d->main_from == d->main_to) st = err_set(err, ERR_INVALID, "no bar of %s lies between --from and --to", m->inst.symbol);
  }
  if (st != OK) backtest_data_finish(d);
  return st;
}
