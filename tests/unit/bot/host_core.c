// tests/unit/bot/host_core.c – see host_core.h.
#include "host_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void core_must(enum status st, const struct err *err) {
  if (st == OK) return;
  fprintf(stderr, "%s\n", err->msg);
  abort();
}

static void must_have(const void *p) {
  if (!p) abort();
}

void core_init(struct core *c, size_t bars) {
  struct err err;
  *c = (struct core){.books = true};
  c->data = (struct series){.inst = {.symbol = "BTCUSDT", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}}, .timeframe_ns = NS_PER_MINUTE, .volume_scale = 3};
  core_must(instrument_finish(&c->data.inst, &err), &err);
  uint64_t seed = 9;
  int64_t px = 2000000;  // 20,000.00
  for (size_t i = 0; i < bars; i++) {
    int64_t steps[3];
    for (int k = 0; k < 3; k++) {
      seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
      steps[k] = (int64_t)(seed >> 33) % 8001 - 4000;
    }
    int64_t close = px + steps[0] + (px < 1500000 ? 1500 : px > 2500000 ? -1500 : 0);
    int64_t high = (px > close ? px : close) + llabs(steps[1]) / 4, low = (px < close ? px : close) - llabs(steps[2]) / 4;
    struct bar b = {.open_ns = NS_PER_DAY * 19000 + (int64_t)i * NS_PER_MINUTE, .open = {px}, .high = {high}, .low = {low}, .close = {close}, .volume = 5000000};
    core_must(series_append(&c->data, &b, &err), &err);
    px = close;
  }
  c->run_from_ns = c->data.bars[0].open_ns;
}

void core_finish(struct core *c) {
  for (int i = 0; i < c->bot_count; i++) {
    blotter_destroy(c->bots[i].blotter);
    free(c->bots[i].journal);
    buf_finish(&c->bots[i].source);
    buf_finish(&c->bots[i].state);
    buf_finish(&c->bots[i].memory);
  }
  free(c->bots);
  series_finish(&c->data);
}

// ---- bots

static struct match_symbol_config symbol_config(const struct core *c) {
  struct match_symbol_config sc;
  match_symbol_config_init(&sc, &c->data.inst);
  sc.fees = (struct match_fees){.maker_frac_e8 = 20000, .taker_frac_e8 = 50000};
  sc.volume_scale = c->data.volume_scale;
  return sc;
}

static struct match_config match_config(void) {
  struct match_config mc;
  match_config_init(&mc, (cash){10000 * CASH_ONE});
  return mc;
}

struct core_bot *core_bot_add(struct core *c, uint64_t id, const char *source) {
  struct err err;
  struct core_bot *bots = realloc(c->bots, (size_t)(c->bot_count + 1) * sizeof *bots);
  must_have(bots);
  c->bots = bots;
  struct core_bot *b = &c->bots[c->bot_count++];
  *b = (struct core_bot){.id = id, .tenant = 1, .chunkname = "bot.lua"};
  buf_init(&b->source, VM_SOURCE_MAX + 1);
  buf_init(&b->state, SCRIPT_STATE_MAX + 1);
  buf_init(&b->memory, WIRE_MEMORY_MAX + 1);
  size_t len = strlen(source);
  if (len > 4 && strcmp(source + len - 4, ".lua") == 0) {
    const char *root = getenv("PERIGEE_ROOT");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", root ? root : ".", source);
    core_must(buf_read_file(&b->source, path, &err), &err);
    b->chunkname = strrchr(source, '/') ? strrchr(source, '/') + 1 : source;
  } else {
    buf_str(&b->source, source);
  }
  if (c->books) {
    struct match_symbol_config sc = symbol_config(c);
    struct blotter_config bc = {.match = match_config(), .symbols = &sc, .symbol_count = 1};
    core_must(blotter_create(&bc, &b->blotter, &err), &err);
  }
  return b;
}

static struct core_bot *find(struct core *c, uint64_t id) {
  if (id >= 1 && id <= (uint64_t)c->bot_count && c->bots[id - 1].id == id) return &c->bots[id - 1];  // as benches number them
  for (int i = 0; i < c->bot_count; i++)
    if (c->bots[i].id == id) return &c->bots[i];
  fprintf(stderr, "frame of an unknown bot %llu\n", (unsigned long long)id);
  abort();
}

// ---- to the host

void core_put_hello(struct core *c, struct buf *out) {
  wire_put_hello(out);
  wire_put_series_open(out, CORE_SERIES, &c->data);
  if (c->shown) wire_put_series_bars(out, CORE_SERIES, c->data.bars, c->shown);
}

void core_put_open(struct core *c, struct core_bot *b, struct buf *out) {
  struct match_symbol_config sc = symbol_config(c);
  int64_t shown_ns = c->shown ? c->data.bars[c->shown - 1].open_ns + c->data.timeframe_ns : c->run_from_ns;
  bool resume = b->opened || b->gone;
  struct wire_open o = {.bot = b->id, .tenant = b->tenant, .chunkname = wire_text(b->chunkname, strlen(b->chunkname)), .source = wire_text(b->source.data, b->source.len),
                        .params = wire_text(b->params, b->params ? strlen(b->params) : 0), .state = wire_text(b->state.data, b->state.len),
                        .memory = wire_text(b->memory.data, b->memory.len), .seed = 5, .resume = resume ? ++b->resumes : 0, .restore_count = (uint32_t)b->journal_count,
                        .run_from_ns = c->run_from_ns, .live_from_ns = shown_ns, .seen_ns = resume ? c->done_ns : 0, .match = match_config(), .limits = b->limits,
                        .tenant_memory_bytes = b->tenant_memory_bytes, .tenant_cpu_ns = b->tenant_cpu_ns, .tenant_quick = b->tenant_quick, .stream_count = 1, .symbol_count = 1};
  risk_limits_init(&o.risk);
  o.streams[0] = (struct wire_stream){.series = CORE_SERIES};
  o.symbols[0] = (struct wire_symbol){.series = CORE_SERIES, .fees = sc.fees, .costs = sc.costs, .leverage_e4 = sc.leverage_e4, .maintenance_frac_e8 = sc.maintenance_frac_e8};
  if (!resume) o.run_from_ns = o.live_from_ns;
  wire_put_bot_open(out, &o);
  for (size_t i = 0; i < b->journal_count; i++) wire_put_restore(out, b->id, &b->journal[i]);
  b->gone = b->opened = false;
}

void core_put_instant(struct core *c, struct buf *out) {
  struct err err;
  const struct bar *bar = &c->data.bars[c->shown++];
  int64_t now_ns = bar->open_ns + c->data.timeframe_ns;
  c->match = (struct instant_match){.bar = {.bar = bar, .close_ns = now_ns}};
  struct instant in = {.now_ns = now_ns, .match = &c->match, .match_count = 1};
  for (int i = 0; i < c->bot_count; i++) {
    c->bots[i].spoke = false;
    if (c->books) core_must(blotter_market(c->bots[i].blotter, &in, &err), &err);
  }
  struct wire_bar w = {CORE_SERIES, *bar};
  wire_put_instant(out, 0, now_ns, &w, 1, NULL, 0);
}

// ---- from the host

static void journal(struct core_bot *b, const struct bot_command *cmd) {
  if (b->journal_count == b->journal_cap) {
    b->journal_cap = b->journal_cap ? 2 * b->journal_cap : 16;
    b->journal = realloc(b->journal, b->journal_cap * sizeof *b->journal);
    must_have(b->journal);
  }
  b->journal[b->journal_count++] = *cmd;
}

static void command(struct core_bot *b, const struct bot_command *cmd) {
  const char *why;
  b->spoke = true;
  b->commands++;
  if (!b->blotter) return;
  if (!command_valid(blotter_matcher(b->blotter), cmd, &why)) {
    fprintf(stderr, "bot %llu: %s: %s\n", (unsigned long long)b->id, command_kind_text(cmd->kind), why);
    abort();
  }
  blotter_command(b->blotter, cmd);
  journal(b, cmd);
}

void core_impose(struct core_bot *b, const struct bot_command *cmd, struct buf *out) {
  struct bot_command past = *cmd;
  past.imposed = true;
  blotter_command(b->blotter, cmd);
  journal(b, &past);
  wire_put_impose(out, b->id, cmd);
}

static void copy_text(char *to, const struct wire_frame *f) {
  memcpy(to, f->text, f->text_len);
  to[f->text_len] = '\0';
}

static void frame(struct core *c, const struct wire_frame *f) {
  struct core_bot *b = f->bot ? find(c, f->bot) : NULL;
  switch (f->type) {
    case WIRE_COMMAND:
      if (f->command.kind == COMMAND_SUBMIT) b->answers_at_order = b->answers;
      command(b, &f->command);
      break;
    case WIRE_OPENED:
      wire_frame_opened(f, &b->as_opened);
      b->opened = true;
      break;
    case WIRE_FAULT:
      b->fault = f->status, b->fault_line = f->line, b->gone = f->gone, b->faults++, b->skipped += f->skipped;
      copy_text(b->fault_text, f);
      break;
    case WIRE_STATE:
      buf_clear(&b->state), buf_add(&b->state, f->text, f->text_len);
      buf_clear(&b->memory), buf_add(&b->memory, f->memory.text, f->memory.len);
      b->states++;
      break;
    case WIRE_LOG: copy_text(b->log_text, f), b->logs++; break;
    case WIRE_PLOT: b->plots++; break;
    case WIRE_DENIED: b->denials++; break;
    case WIRE_TAG: b->tags++; break;
    case WIRE_ANSWER: b->answers++, b->answer = f->status, b->answer_to = f->to; break;
    case WIRE_HASH: copy_text(b->hash, f); break;
    case WIRE_DONE: c->done_ns = f->time_ns, c->run = f->bots_run, c->failed = f->bots_failed; break;
    case WIRE_TIMER: c->timer_next_ns = f->time_ns; break;
    case WIRE_PONG: c->pong = f->token; break;
    default: break;
  }
}

size_t core_take(struct core *c, const char *bytes, size_t n) {
  size_t at = 0;
  struct wire_frame f;
  struct err err;
  for (size_t used; at < n; at += used) {
    core_must(wire_read(bytes + at, n - at, &f, &used, &err), &err);
    if (used == 0) break;
    frame(c, &f);
  }
  return at;
}

void core_end(struct core *c) {
  int64_t open_ns = c->data.bars[c->shown - 1].open_ns;
  for (int i = 0; c->books && i < c->bot_count; i++)
    if (!c->bots[i].spoke) blotter_command(c->bots[i].blotter, &(struct bot_command){.kind = COMMAND_MARK, .time_ns = open_ns});
}

void core_hash(const struct core_bot *b, char ret_hex[SHA256_HEX_SIZE]) { blotter_hash(b->blotter, ret_hex); }
