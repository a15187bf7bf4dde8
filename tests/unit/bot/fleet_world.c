// tests/unit/bot/fleet_world.c – see fleet_world.h.
#include "fleet_world.h"

struct world w;


static int64_t venue_time(void *self, int venue) {
  assert_ptr_equal(self, &w);
  assert_int_equal(venue, 0);
  return w.now_ns;
}
static const struct series *series_of(void *self, uint32_t id) {
  (void)self;
  return w.no_series ? NULL : &w.series[id - 1];
}

static struct bar bar_at(int64_t open_ns) {
  return (struct bar){.open_ns = open_ns, .open = {100}, .high = {110}, .low = {90}, .close = {105}, .volume = 5};
}

static enum status history(void *self, int64_t bot, const struct fleet_need *need, int64_t through_ns, struct series *ret, struct err *err) {
  (void)self;
  w.bots[bot].through_ns = through_ns;
  int64_t last = timeframe_floor(through_ns, NS_PER_MINUTE) - NS_PER_MINUTE;
  int64_t first = last - (int64_t)(need->bars - 1) * NS_PER_MINUTE;
  if (need->from_ns < first) first = need->from_ns;
  for (int64_t at = first; at <= last; at += NS_PER_MINUTE) {
    struct bar b = bar_at(at);
    if (series_append(ret, &b, err) != OK) return err->code;
  }
  return OK;
}

static enum fleet_step bot_open(void *self, struct fleet_open *o, struct buf *out) {
  (void)self;
  struct bot_book *b = &w.bots[o->bot];
  if (w.no_restore) return FLEET_NOT;
  if (o->cursor++ == 0) return FLEET_MORE;
  b->standins += o->history[0] != 0;
  struct wire_open open = {.bot = (uint64_t)o->bot, .tenant = 1, .chunkname = wire_text("bot.lua", 7), .source = wire_text(b->source, strlen(b->source)),
                           .params = wire_text("{}", 2), .live_from_ns = o->through_ns, .stream_count = 1, .symbol_count = 1};
  match_config_init(&open.match, (cash){1000 * CASH_ONE});
  risk_limits_init(&open.risk);
  open.streams[0] = (struct wire_stream){.series = b->series, .history = o->history[0]};
  open.symbols[0] = (struct wire_symbol){.series = b->series, .history = o->history[0], .leverage_e4 = 10000};
  wire_put_bot_open(out, &open);
  return FLEET_LAST;
}
static void bot_opened(void *self, int host, int64_t bot) {
  (void)self;
  assert_int_equal(fleet_host_of(w.fleet, bot), host);
  assert_true(fleet_is_open(w.fleet, bot));
  w.bots[bot].opened++;
}
static void bot_refused(void *self, int64_t bot, const char *why) {
  (void)self;
  assert_true(why[0]);
  assert_int_equal(fleet_host_of(w.fleet, bot), -1);
  w.bots[bot].refused++;
}

static void rises(struct host_book *h, const struct hub_instant *in) {
  assert_int_equal(h->held_ns, 0);  // nothing while the owner has not said go on
  assert_int_equal(in->now_ns, h->last_ns ? h->last_ns + NS_PER_MINUTE : in->now_ns);
  h->last_ns = in->now_ns;
}
static void about_to_send(void *self, int host, const struct hub_instant *in) {
  (void)self;
  rises(&w.hosts[host], in);
  w.hosts[host].sent++;
  w.hosts[host].first_done = w.hosts[0].done;
  if (!w.chatter) return;
  struct buf b;
  buf_init(&b, 1 << 20);
  while ((int)b.len < w.chatter) wire_put_digest(&b, (uint64_t)w.chat);
  fleet_send(w.fleet, w.chat, &b);
  buf_finish(&b);
}
static bool calls(void *self, int host, const struct hub_instant *in) {
  (void)self, (void)in;
  return w.call && fleet_host_of(w.fleet, w.call) == host;
}
static void missed(void *self, int host, const struct hub_instant *in) {
  (void)self;
  rises(&w.hosts[host], in);
  w.hosts[host].missed++;
}
static void frame(void *self, int host, const struct wire_frame *f) {
  (void)self;
  struct bot_book *b = &w.bots[f->bot];
  assert_int_equal(fleet_host_of(w.fleet, (int64_t)f->bot), host);
  if (f->type == WIRE_OPENED) {
    struct wire_opened o;
    wire_frame_opened(f, &o);
    b->warmup = o.warmup;
  } else if (f->type == WIRE_LOG && f->text_len == 3) {
    b->ran_ns[b->ran++ % 4096] = f->time_ns;
  } else if (f->type == WIRE_LOG && f->text_len == 7) {
    b->goodbyes++;
  }
}
static void done(void *self, int host, const struct hub_instant *in) {
  (void)self;
  assert_int_equal(in->now_ns, w.hosts[host].last_ns);
  w.hosts[host].done++;
  if (w.hold) w.hosts[host].held_ns = in->now_ns;
  else fleet_go_on(w.fleet, host);
}
static void host_up(void *self, int host) {
  (void)self;
  w.hosts[host].up++;
}
static void host_lost(void *self, int host, const char *why, int64_t suspect, const struct hub_instant *in) {
  (void)self;
  struct host_book *h = &w.hosts[host];
  h->lost++;
  h->suspect = suspect;
  h->owed = in != NULL;
  snprintf(h->why, sizeof h->why, "%s", why);
  if (!in) return;
  assert_int_equal(in->now_ns, h->last_ns);
  if (w.hold) h->held_ns = in->now_ns;
  else fleet_go_on(w.fleet, host);
}
static void bot_quarantined(void *self, int64_t bot, const char *why) {
  (void)self;
  assert_true(why[0]);
  assert_int_equal(fleet_host_of(w.fleet, bot), -1);
  w.bots[bot].quarantined++;
}
static void tenant_slow(void *self, int host, int64_t tenant) {
  (void)self, (void)host;
  w.slow[tenant]++;
}
static void tenant_pace(void *self, int64_t tenant, struct fleet_pace pace) {
  (void)self;
  w.pace[tenant] = pace;
}
static void say(void *self, const char *level, const char *text) {
  (void)self;
  if (getenv("FLEET_LOG")) fprintf(stderr, "%s: %s\n", level, text);
}

// ---- a test's steps

static const char *const fake_argv[] = {"test_fleet", "--fake", NULL};

void begin_with(struct fleet_config c) {
  struct err err;
  memset(&w, 0, sizeof w);
  w.now_ns = START;
  for (int i = 0; i < 2; i++) {
    w.series[i] = (struct series){.inst = {.symbol = "BTCUSDT", .tick = {1, 2}, .lot = {1, 3}, .multiplier = {1, 0}, .min_qty = {2}}, .timeframe_ns = NS_PER_MINUTE, .volume_scale = 3};
    assert_int_equal(instrument_finish(&w.series[i].inst, &err), OK);
  }
  assert_int_equal(loop_create(&w.loop, NULL, &err), OK);
  c.loop = w.loop;
  c.exe = "/proc/self/exe";
  if (!c.argv) c.argv = fake_argv;
  c.self = &w;
  c.call = (struct fleet_callbacks){.venue_time = venue_time, .series = series_of, .history = history, .bot_open = bot_open, .bot_opened = bot_opened,
                                    .bot_refused = bot_refused, .about_to_send = about_to_send, .calls = calls, .missed = missed, .frame = frame, .done = done,
                                    .host_up = host_up, .host_lost = host_lost, .bot_quarantined = bot_quarantined, .log = say};
  if (c.hosts_new) c.call.tenant_slow = tenant_slow, c.call.tenant_pace = tenant_pace;
  if (fleet_create(&c, &w.fleet, &err) != OK) fail_msg("%s", err.msg);
}
void begin(int hosts) { begin_with((struct fleet_config){.hosts = hosts, .backoff_ms = 5}); }

void end(void) {
  fleet_destroy(w.fleet);
  loop_destroy(w.loop);
}

void place_on(int64_t bot, int64_t tenant, const char *source, uint32_t series, size_t bars, bool own) {
  struct err err;
  w.bots[bot].source = source;
  w.bots[bot].series = series;
  struct fleet_need need = {.series = series, .bars = bars, .from_ns = INT64_MAX, .keep = bars};
  if (fleet_place(w.fleet, bot, tenant, own, &need, 1, &err) != OK) fail_msg("%s", err.msg);
}
void place(int64_t bot, int64_t tenant, const char *source) { place_on(bot, tenant, source, 1, 10, false); }

void instant_of(int series_count) {
  struct hub_instant *in = calloc(1, sizeof *in + (size_t)series_count * sizeof *in->bars);
  assert_non_null(in);
  in->refs = 1;
  in->now_ns = w.now_ns += NS_PER_MINUTE;
  in->count = (size_t)series_count;
  for (int i = 0; i < series_count; i++) in->bars[i] = (struct wire_bar){(uint32_t)i + 1, bar_at(w.now_ns - NS_PER_MINUTE)};
  assert_true(fleet_instant(w.fleet, in));
  hub_instant_unref(in);
}
void instant(void) { instant_of(1); }

bool all_open(void) {
  for (int b = 1; b < BOTS; b++) {
    if (fleet_host_of(w.fleet, b) >= 0 && !(fleet_is_open(w.fleet, b) && w.bots[b].opened)) return false;
  }
  return true;
}
