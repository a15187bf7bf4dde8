// bot/replay_made.c – see replay_made.h.
#include "bot/replay_made.h"

#include "bot/host_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status replay_made_create(struct replay_code *code, const char *params, const char *settings, const char *account, struct replay_made **ret, struct err *err) {
  struct replay_made *m = calloc(1, sizeof *m);
  if (m) {
    m->code = code;
    m->params = strdup(params);
    m->settings = strdup(settings);
    m->account = strdup(account);
    *ret = m;
  }
  if (m && m->params && m->settings && m->account) return OK;
  replay_made_destroy(m);
  return err_set(err, ERR_NOMEM, "no memory for a replay");
}

void replay_made_destroy(struct replay_made *m) {
  if (!m) return;
  free(m->params);
  free(m->settings);
  free(m->account);
  free(m->values);
  free(m);
}

bool replay_made_is(const struct replay_made *m, const struct replay_code *code, const char *params, const char *settings, const char *account) {
  return m->code == code && strcmp(m->params, params) == 0 && strcmp(m->settings, settings) == 0 && strcmp(m->account, account) == 0;
}

static bool same_data(const struct bot_plan *a, const struct bot_plan *b) {
  bool same = a->stream_count == b->stream_count && a->symbol_count == b->symbol_count && a->hedging == b->hedging;
  for (int i = 0; same && i < a->stream_count; i++)
    same = strcmp(a->streams[i].symbol, b->streams[i].symbol) == 0 && a->streams[i].timeframe_ns == b->streams[i].timeframe_ns && a->streams[i].symbol_ix == b->streams[i].symbol_ix;
  for (int k = 0; same && k < a->symbol_count; k++) same = a->symbols[k].exec == b->symbols[k].exec;
  return same;
}

enum status replay_made_plan(struct replay_made *m, const struct replay_market *market, const struct replay_made *first, struct err *err) {
  json_t *params = json_loads(m->params, 0, NULL), *settings = json_loads(m->settings, 0, NULL), *account = json_loads(m->account, 0, NULL);
  enum status st = params && settings && account ? OK : err_set(err, ERR_INVALID, "the run's settings cannot be read");
  if (st == OK) st = plan_make(m->code->header, params, market->symbol, market->timeframe_ns, &m->plan, err);
  if (st == OK) st = live_setup_read(settings, account, m->plan.hedging, &m->setup, err);
  if (st == OK && m->plan.stream_count != market->stream_count)
    st = err_set(err, ERR_INVALID, "version %u of the script has %d data streams, the run had %d", m->code->version, m->plan.stream_count, market->stream_count);
  if (st == OK && first && !same_data(&first->plan, &m->plan))
    st = err_set(err, ERR_INVALID, "version %u with these parameters reads or trades other markets or timeframes than the run did: there are no bars of them", m->code->version);
  json_decref(params);
  json_decref(settings);
  json_decref(account);
  return st;
}

enum status replay_made_open(struct replay_made *m, const struct replay_market *market, struct watchdog *watchdog, struct err *err) {
  struct replay_code *c = m->code;
  double max_notional;
  enum status st = c->spec ? OK : script_describe(c->chunkname, c->source, c->source_len, watchdog, &c->spec, err);
  if (st != OK) return st;
  m->values = calloc((size_t)c->spec->param_count + 1, sizeof *m->values);
  if (!m->values) return err_set(err, ERR_NOMEM, "no memory for a replay");
  st = host_params_read(c->spec, (struct wire_text){m->params, (uint32_t)strlen(m->params)}, m->values, err);
  if (st == OK && c->spec->has_check) st = script_check_params(c->chunkname, c->source, c->source_len, c->spec, m->values, watchdog, &max_notional, err);
  if (st == OK && c->spec->stream_count != market->stream_count)
    st = err_set(err, ERR_INVALID, "version %u of the script has %d data streams, not %d", c->version, c->spec->stream_count, market->stream_count);
  if (st != OK) return st;
  for (int i = 0; i < market->stream_count; i++) m->symbol_of[i] = m->plan.streams[i].symbol_ix;
  for (int k = 0; k < m->plan.symbol_count; k++) {
    const struct series *s = &market->series[m->plan.symbols[k].exec];
    struct match_symbol_config *config = &m->symbols[k];
    match_symbol_config_init(config, &s->inst);
    config->fees = m->setup.fees, config->costs = m->setup.costs, config->leverage_e4 = m->setup.leverage_e4, config->maintenance_frac_e8 = m->setup.maintenance_frac_e8;
    config->volume_scale = s->volume_scale;
  }
  struct vm_limits limits = m->setup.vm;
  limits.seed = market->seed;
  m->pilot = (struct pilot_config){
    .bot = {.chunkname = c->chunkname, .source = c->source, .source_len = c->source_len, .spec = c->spec, .values = m->values, .limits = limits, .watchdog = watchdog,
            .series = market->streams, .symbols = m->symbol_of, .risk = m->setup.risk},
    .blotter = {.match = m->setup.match, .symbols = m->symbols, .symbol_count = m->plan.symbol_count}};
  return OK;
}
