// bot/pilot.c – see pilot.h.
#include "bot/pilot.h"

#include "bot/blotter_impl.h"
#include "market/event_order.h"
#include "market/tz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct pilot {
  struct blotter blotter;
  struct bot *bot;
  struct bot_observer observer;  // the caller's
  const struct series *const *series;
  int stream_order[SPEC_STREAMS_MAX], stream_count;
  int64_t day;     // of the last instant; INT64_MIN before the first
  int64_t now_ns;
};

// ---- between the bot and whoever watches

static void seen_order(void *self, int64_t time_ns, const struct order *o, enum order_status from, enum order_status to, enum reason why) {
  struct pilot *p = self;
  blotter_seen_order(&p->blotter, time_ns, o, from, to, why);
  if (p->observer.order) p->observer.order(p->observer.self, time_ns, o, from, to, why);
}

static void seen_fill(void *self, const struct fill *f) {
  struct pilot *p = self;
  blotter_seen_fill(&p->blotter, f);
  if (p->observer.fill) p->observer.fill(p->observer.self, f);
}

static void seen_command(void *self, const struct bot_command *c) {
  struct pilot *p = self;
  blotter_seen_command(&p->blotter, c);
  if (p->observer.command) p->observer.command(p->observer.self, c);
}

static void seen_denied(void *self, int64_t time_ns, enum reason code, const char *msg) {
  struct pilot *p = self;
  if (p->observer.denied) p->observer.denied(p->observer.self, time_ns, code, msg);
}

static void seen_log(void *self, int64_t time_ns, enum script_log_level level, const char *text) {
  struct pilot *p = self;
  if (p->observer.log) p->observer.log(p->observer.self, time_ns, level, text);
}

static void seen_plot(void *self, int64_t time_ns, const char *name, double value) {
  struct pilot *p = self;
  if (p->observer.plot) p->observer.plot(p->observer.self, time_ns, name, value);
}

static void seen_mark(void *self, int64_t time_ns, const char *text) {
  struct pilot *p = self;
  if (p->observer.mark) p->observer.mark(p->observer.self, time_ns, text);
}

static void seen_notify(void *self, int64_t time_ns, const char *text) {
  struct pilot *p = self;
  if (p->observer.notify) p->observer.notify(p->observer.self, time_ns, text);
}

// ---- life

static void order_streams(struct pilot *p, const struct bot_config *bot) {
  struct stream_rank ranks[SPEC_STREAMS_MAX];
  p->stream_count = bot->spec->stream_count;
  for (int i = 0; i < p->stream_count; i++)
    ranks[i] = (struct stream_rank){.main = i == 0, .timeframe_ns = bot->series[i]->timeframe_ns, .name = bot->spec->streams[i].name};
  stream_rank_order(ranks, p->stream_count, p->stream_order);
}

enum status pilot_create(const struct pilot_config *config, struct pilot **ret, struct err *err) {
  struct pilot *p = calloc(1, sizeof *p);
  if (!p) return err_set(err, ERR_NOMEM, "no memory for a bot");
  p->observer = config->bot.observer;
  p->series = config->bot.series;
  p->day = INT64_MIN;
  struct blotter_config blotter = config->blotter;
  blotter.observer = (struct blotter_observer){0};
  enum status st = blotter_init(&p->blotter, &blotter, err);
  if (st == OK) {
    order_streams(p, &config->bot);
    struct bot_config bot = config->bot;
    bot.matcher = p->blotter.matcher;
    bot.observer = (struct bot_observer){.self = p, .order = seen_order, .fill = seen_fill, .command = seen_command, .denied = seen_denied,
                                         .log = seen_log, .plot = seen_plot, .mark = seen_mark, .notify = seen_notify};
    st = bot_create(&bot, &p->bot, err);
  }
  if (st != OK) {
    pilot_destroy(p);
    return st;
  }
  *ret = p;
  return OK;
}

void pilot_destroy(struct pilot *p) {
  if (!p) return;
  bot_destroy(p->bot);
  blotter_finish(&p->blotter);
  free(p);
}

struct bot *pilot_bot(struct pilot *p) { return p->bot; }
const struct account *pilot_account(const struct pilot *p) { return matcher_account(p->blotter.matcher); }
int64_t pilot_timer_next(const struct pilot *p) { return bot_timer_next(p->bot); }
void pilot_hash(const struct pilot *p, char ret_hex[SHA256_HEX_SIZE]) { blotter_hash(&p->blotter, ret_hex); }

// ---- an instant

static enum status turn_day(struct pilot *p, int64_t now_ns, struct err *err) {
  int64_t ended = p->day;
  p->day = now_ns / NS_PER_DAY;
  if (ended == INT64_MIN || ended == p->day) return OK;
  struct tz_date d = date_from_days(ended);
  char text[40];
  snprintf(text, sizeof text, "%04d-%02d-%02d", (int)d.year, d.month, d.day);
  return bot_day(p->bot, now_ns, text, err);
}

static enum status bar(struct pilot *p, const struct instant_bar *b, int64_t now_ns, struct err *err) {
  if (b->stream == 0 && b->deliver) {
    seen_command(p, &(struct bot_command){.kind = COMMAND_MARK, .time_ns = p->series[0]->bars[b->ix].open_ns});
    bot_risk_mark(bot_risk_state(p->bot), matcher_equity(p->blotter.matcher));
  }
  return bot_stream_bar(p->bot, b->stream, b->ix, now_ns, b->deliver, err);
}

static enum status bars(struct pilot *p, const struct instant *in, struct err *err) {
  enum status st = OK;
  for (int k = 0; k < p->stream_count; k++)
    for (int i = 0; st == OK && i < in->bar_count; i++)
      if (in->bars[i].stream == p->stream_order[k]) st = bar(p, &in->bars[i], in->now_ns, err);
  return st;
}

bool pilot_impose(struct pilot *p, const struct bot_command *c) {
  if (!command_valid(p->blotter.matcher, c, NULL)) return false;
  command_apply(p->blotter.matcher, c);
  return true;
}

enum status pilot_instant(struct pilot *p, const struct instant *in, struct err *err) {
  assert(in->now_ns > p->now_ns);
  p->now_ns = in->now_ns;
  bool events;
  enum status st = blotter_match(&p->blotter, in, &events, err);
  events = events || matcher_event_count(p->blotter.matcher) > 0;  // of what was imposed
  if (st == OK && events) st = bot_settle(p->bot, in->now_ns, err);
  if (st == OK) st = turn_day(p, in->now_ns, err);
  if (st == OK) st = bars(p, in, err);
  if (st == OK && bot_timer_next(p->bot) <= in->now_ns) st = bot_timers_fire(p->bot, in->now_ns, err);
  for (int i = 0; st == OK && i < in->signal_count; i++) st = bot_signal(p->bot, &in->signals[i], in->now_ns, err);
  return st;
}

enum status pilot_stop(struct pilot *p, int64_t now_ns, const char *why, struct err *err) { return bot_stop(p->bot, now_ns, why, err); }
