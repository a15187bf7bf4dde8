// bot/host_reload.c – another version of an open bot's script: built aside, tried on the newest bars with an account of its own, and handed
// to the pilot, which lets it take over in the bot's next instant. Whatever goes wrong on the way leaves the bot as it is.
#include "bot/host_impl.h"

#include <stdlib.h>
#include <string.h>

#define TRIAL_BARS 64                   // of main
#define TRIAL_CPU_NS (20 * NS_PER_MS)   // after that the trial ends, and is passed: budgets of callbacks are not its business

struct host_next {
  uint32_t version;
  struct host_spec *spec;  // the former's once it has taken over
  char chunkname[SPEC_NAME_MAX];
};

void host_next_free(struct host_bot *b) {
  struct host_next *n = b->next;
  if (!n) return;
  b->next = NULL;
  host_spec_put(b->feed, n->spec);
  free(n);
}

// Its bars went past what was prepared: it is to be made anew.
void host_next_missed(struct host_bot *b) {
  if (!b->next) return;
  wire_put_reloaded(&b->feed->out, b->id, b->next->version, RELOAD_REFUSED, ERR_CANCELLED, 0, "this tenant's bots used up their CPU time for the instant");
  pilot_unprepare(b->pilot);
  host_next_free(b);
}

void host_next_done(struct host_bot *b) {
  if (b->next && !pilot_prepared(b->pilot)) host_next_free(b);
}

// Of the pilot, in the instant of the switch.
static void told_version(void *self, enum status st, const char *why) {
  struct host_bot *b = self;
  struct host_next *n = b->next;
  if (!n) return;
  wire_put_reloaded(&b->feed->out, b->id, n->version, st == OK ? RELOAD_TAKEN : RELOAD_FAILED, st, st == OK ? n->spec->spec->callbacks : 0, why);
  if (st != OK) return;
  b->told_state = ~b->told_state;  // the core is to have it as this version has it, also where that is the same text
  struct host_spec *former = b->spec;
  b->spec = n->spec;
  n->spec = former;
  memcpy(b->chunkname, n->chunkname, sizeof b->chunkname);
}

// ---- the trial

struct cursor {
  const struct series *s;
  size_t at;
};

static struct cursor newest(const struct host_series *hs, size_t bars) {
  const size_t there = hs->s.count - hs->forgotten;
  return (struct cursor){&hs->s, hs->s.count - (there < bars ? there : bars)};
}

static int64_t next_close(const struct cursor *c) { return c->at < c->s->count ? c->s->bars[c->at].open_ns + c->s->timeframe_ns : INT64_MAX; }

static enum status load_state(struct host_bot *b, struct pilot *trial, const char *from, struct err *err) {
  struct buf *state = &b->feed->state;
  buf_clear(state);
  enum status st = script_state_save(bot_script(pilot_bot(b->pilot)), state, err);
  return st == OK ? script_state_load(bot_script(pilot_bot(trial)), state->data, state->len, from, err) : st;
}

// Its orders go to a matcher that nobody else looks at.
static enum status walk(struct host_bot *b, struct pilot *trial, const struct pilot_version *v, struct err *err) {
  struct cursor streams[SPEC_STREAMS_MAX], symbols[SPEC_STREAMS_MAX];
  struct host_feed *f = b->feed;
  struct pilot_past past = {.seen_ns = INT64_MAX};
  for (int i = 0; i < b->stream_count; i++) streams[i] = newest(b->streams[i], v->history);
  for (int i = 0; i < b->symbol_count; i++) symbols[i] = newest(b->symbols[i], v->history);
  const struct series *main = streams[0].s;
  const int64_t past_ns = main->count > TRIAL_BARS ? main->bars[main->count - TRIAL_BARS].open_ns : INT64_MIN;
  const int64_t begin_ns = f->c.cpu_ns ? f->c.cpu_ns() : 0;
  bool running = false;
  enum status st = OK;
  while (st == OK) {
    struct instant_match match[SPEC_STREAMS_MAX];
    struct instant_bar bars[SPEC_STREAMS_MAX];
    struct instant in = {.now_ns = INT64_MAX, .match = match, .bars = bars};
    for (int i = 0; i < b->symbol_count; i++)
      if (next_close(&symbols[i]) < in.now_ns) in.now_ns = next_close(&symbols[i]);
    for (int i = 0; i < b->stream_count; i++)
      if (next_close(&streams[i]) < in.now_ns) in.now_ns = next_close(&streams[i]);
    if (in.now_ns == INT64_MAX) break;
    if (!running && in.now_ns > past_ns && script_warm(bot_script(pilot_bot(trial)))) {
      running = true;
      st = pilot_past_end(trial, &past, true, err);
      if (st == OK) st = load_state(b, trial, v->from, err);
    }
    for (int i = 0; i < b->symbol_count; i++)
      if (next_close(&symbols[i]) == in.now_ns) match[in.match_count++] = (struct instant_match){i, {.bar = &symbols[i].s->bars[symbols[i].at++], .close_ns = in.now_ns}};
    for (int i = 0; i < b->stream_count; i++)
      if (next_close(&streams[i]) == in.now_ns) bars[in.bar_count++] = (struct instant_bar){.stream = i, .ix = streams[i].at++, .deliver = running};
    if (st == OK) st = running ? pilot_instant(trial, &in, err) : pilot_past(trial, &in, &past, err);
    if (running && f->c.cpu_ns && f->c.cpu_ns() - begin_ns > TRIAL_CPU_NS) break;
  }
  return st;
}

static enum status try_out(struct host_bot *b, const struct pilot_version *v, struct err *err) {
  const struct matcher *m = pilot_matcher(b->pilot);
  struct match_symbol_config symbols[SPEC_STREAMS_MAX];
  struct pilot *trial;
  for (int i = 0; i < b->symbol_count; i++) symbols[i] = *matcher_symbol_config(m, i);
  struct pilot_config config = {
      .bot = {.chunkname = v->chunkname, .source = v->source, .source_len = v->source_len, .spec = v->spec, .values = v->values, .limits = v->limits, .watchdog = v->watchdog,
              .series = b->series, .symbols = b->symbol_of},
      .blotter = {.match = *matcher_config(m), .symbols = symbols, .symbol_count = b->symbol_count}};
  risk_limits_init(&config.bot.risk);
  enum status st = pilot_create(&config, &trial, err);
  if (st != OK) return st;
  st = walk(b, trial, v, err);
  pilot_destroy(trial);
  return st;
}

// ---- building it

static enum status fits(const struct host_bot *b, const struct script_spec *spec, uint32_t history, struct err *err) {
  if (spec->stream_count != b->stream_count) return err_set(err, ERR_INVALID, "it reads %d data streams, not %d: stop the bot to give it this version", spec->stream_count, b->stream_count);
  if (spec->hedging != matcher_config(pilot_matcher(b->pilot))->hedging) return err_set(err, ERR_INVALID, "its mode (netting or hedging) is another: stop the bot to give it this version");
  if ((uint32_t)spec->lookback > history) return err_set(err, ERR_INVALID, "it looks back %d bars, and %u are kept here: stop the bot to give it this version", spec->lookback, history);
  return OK;
}

static enum status build(struct host_bot *b, const struct wire_reload *r, struct host_next *n, struct err *err) {
  struct host_feed *f = b->feed;
  const char *source = r->source.text ? r->source.text : "";
  char from[SPEC_NAME_MAX];
  memcpy(n->chunkname, r->chunkname.text, r->chunkname.len);
  memcpy(from, r->from.text ? r->from.text : "", r->from.len);
  from[r->from.len] = '\0';
  enum status st = host_spec_get(f, r->source, n->chunkname, &n->spec, err);
  if (st != OK) return st;
  const struct script_spec *spec = n->spec->spec;
  struct param_value *values = calloc((size_t)spec->param_count + 1, sizeof *values);
  if (!values) return err_set(err, ERR_NOMEM, "out of memory");
  st = fits(b, spec, r->history, err);
  if (st == OK) st = host_params_read(spec, r->params, values, err);
  double max_notional;
  if (st == OK && spec->has_check) st = script_check_params(n->chunkname, source, r->source.len, spec, values, f->c.watchdog, &max_notional, err);
  struct pilot_version v = {.chunkname = n->chunkname, .source = source, .source_len = r->source.len, .spec = spec, .values = values, .limits = r->limits, .watchdog = f->c.watchdog,
                            .symbols = b->symbol_of, .history = r->history, .through_ns = INT64_MAX, .from = from[0] ? from : NULL};
  v.limits.seed = r->seed;
  v.limits.fail_alloc = 0;
  if (st == OK) st = try_out(b, &v, err);
  if (st == OK) st = pilot_prepare(b->pilot, &v, err);
  free(values);
  const struct host_tenant *t = b->tenant;
  if (st == OK && t->bytes_most && t->bytes - b->bytes + script_bytes(pilot_prepared_script(b->pilot)) > t->bytes_most) {
    pilot_unprepare(b->pilot);
    st = err_set(err, ERR_LIMIT, "this tenant's bots would hold more memory than they may together");
  }
  for (int i = 0; st == OK && i < b->stream_count; i++) {
    const struct cursor c = newest(b->streams[i], r->history);
    script_share(pilot_prepared_script(b->pilot), i, f->indicators, b->streams[i]->id, c.at < c.s->count ? c.s->bars[c.at].open_ns : 0);
  }
  return st;
}

enum status host_reload(struct host_feed *f, struct host_bot *b, const struct wire_reload *r, struct err *err) {
  struct err why;
  if (!b) {
    wire_put_reloaded(&f->out, r->bot, r->version, RELOAD_REFUSED, ERR_NOTFOUND, 0, "the bot is not open");
    return OK;
  }
  struct host_next *n = calloc(1, sizeof *n);
  if (!n) return err_set(err, ERR_NOMEM, "out of memory");
  n->version = r->version;
  pilot_unprepare(b->pilot);  // another one that was on its way
  host_next_free(b);
  if (b->params) {  // they are of the present version's header
    wire_put_answer(&f->out, b->id, WIRE_PARAMS, ERR_CANCELLED, "another version of the script came before the next instant");
    free(b->params);
    b->params = NULL;
  }
  host_word_set(f->c.word, b->id);
  enum status st = build(b, r, n, &why);
  host_word_set(f->c.word, 0);
  if (st != OK) {
    wire_put_reloaded(&f->out, b->id, r->version, RELOAD_REFUSED, st, 0, why.msg);
    host_spec_put(f, n->spec);
    free(n);
    return OK;
  }
  b->next = n;
  pilot_on_version(b->pilot, told_version, b);
  wire_put_reloaded(&f->out, b->id, r->version, RELOAD_BUILT, OK, 0, "");
  return OK;
}
