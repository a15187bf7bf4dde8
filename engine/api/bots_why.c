// api/bots_why.c – GET /bots/{id}/orders/{order}/why: the bot's run is made again in a jailed child up to the moment that asked for the order,
// and what the script saw there, had in its variables and asked for is told, with what became of the order. The request waits for it.
#include "api/bots_page.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/replays.h"
#include "bot/record.h"
#include "loop/clock.h"
#include "order/client_id.h"
#include "store/id.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILLS_LOOKED 2000  // of the bot's newest, for those of the order

struct why {
  struct why *next;
  struct api_call *call;
  int64_t tenant_id, bot_id;
  uint64_t intent, asked;    // asked: of its parent, where the engine made it
  uint32_t run;
  int64_t time_ns;
  bool imposed, found, cancelled;
  struct job *job;
  unsigned told;
  enum job_end end;
  char error[600];
  char *text;                // the job's answer
  size_t len;
};

// ---- reading

static void keep_order(void *arg, const struct journal_order *o) { *(struct journal_order *)arg = *o; }

static bool take_record(void *arg, const struct journal_record *r) {
  struct why *w = arg;
  w->found = true;
  w->run = r->run;
  w->time_ns = r->time_ns;
  w->imposed = r->kind == RECORD_IMPOSED;
  return false;
}

// The record that asked for it, or for the order that it protects.
static enum status find_record(struct why *w, const struct journal_order *row, struct err *err) {
  struct db *db = bots_journal(w->call);
  enum status st = journal_intent_get(db, w->bot_id, w->asked = w->intent, take_record, w, err);
  if (st == ERR_NOTFOUND && row && row->parent && row->parent <= RECORD_ORDER_MAX && row->run)
    st = journal_intent_get(db, w->bot_id, w->asked = record_intent(row->run, row->parent), take_record, w, err);
  return st;
}

// ---- the answer

struct fate {
  struct json_out *o;
  struct bots_page *page;
  const struct instrument *inst;
  uint64_t order;
  uint32_t run;
};

static void add_fill(void *arg, const struct journal_fill *f) {
  struct fate *t = arg;
  if (f->order != t->order || f->run != t->run) return;
  jo_open(t->o, NULL, '{');
  bots_put_fill(t->o, t->inst, f);
  jo_close(t->o);
}

static bool add_denial(void *arg, const struct journal_record *j) {
  struct fate *t = arg;
  struct record r;
  struct err err;
  if (record_read(j->kind, j->time_ns, j->body, j->len, &r, &err) != OK || r.order != t->order || j->run != t->run) return true;
  jo_open(t->o, NULL, '{');
  bots_put_decision(t->o, t->page, j);
  jo_close(t->o);
  return true;
}

static enum status put_fate(struct why *w, struct json_out *o, struct api_call *call) {
  struct journal_order row;
  struct bots_page page = {.l = {.call = call}, .bot_id = w->bot_id, .status = OK};
  struct fate fate = {.o = o, .page = &page, .order = w->intent & RECORD_ORDER_MAX, .run = (uint32_t)(w->intent >> 30)};
  enum status st = journal_order_get(bots_journal(call), w->tenant_id, w->bot_id, w->intent, keep_order, &row, &call->err);
  fate.inst = st == OK ? bots_page_instrument(&page, row.series) : NULL;
  if (fate.inst) {
    jo_open(o, "order", '{');
    bots_put_order(o, fate.inst, &row);
    jo_close(o);
  } else {
    jo_null(o, "order");
  }
  jo_open(o, "fills", '[');
  st = fate.inst ? journal_fills(bots_journal(call), w->tenant_id, w->bot_id, INT64_MAX, FILLS_LOOKED, add_fill, &fate, &call->err) : OK;
  jo_close(o);
  jo_open(o, "denials", '[');
  if (st == OK) st = journal_decisions(bots_journal(call), w->tenant_id, w->bot_id, w->time_ns, w->time_ns + 1, RECORD_DENY, INT64_MAX, 200, add_denial, &fate, &call->err);
  jo_close(o);
  return st;
}

static enum status answer(struct why *w, struct api_call *call) {
  struct buf text;
  struct json_out o;
  buf_init(&text, 8u << 20);
  json_out_init(&o, &text, false);
  jo_open(&o, NULL, '{');
  jo_text(&o, "by", w->imposed ? "core" : w->asked != w->intent ? "engine" : "script");
  jo_int(&o, "run", w->run);
  jo_ms(&o, "decided_ms", w->time_ns);
  enum status st = put_fate(w, &o, call);
  if (w->text) jo_raw(&o, "replay", w->text);
  else jo_null(&o, "replay");
  jo_close(&o);
  if (st == OK && text.failed) st = err_set(&call->err, ERR_NOMEM, "out of memory");
  if (st == OK) return api_text(call, 200, "application/json", text.data, text.len);
  buf_finish(&text);
  return st;
}

static enum status finish(struct api_call *call) {
  struct why *w = call->state;
  if (w->cancelled || w->end == JOB_CANCELLED) return api_problem(call, PROBLEM_conflict, "It was cancelled.");
  return w->end == JOB_DONE ? answer(w, call) : api_problem(call, PROBLEM_conflict, w->error);
}

// ---- the job

static void cleanup(struct api_call *call) {
  struct why *w = call->state;
  free(w->text);
}

static void on_progress(void *arg, unsigned permille) {
  struct why *w = arg;
  char channel[40] = "bot:";
  if (permille < w->told + 50) return;
  w->told = permille;
  id_format("bot", w->bot_id, channel + 4);
  json_t *data = json_pack("{s:s, s:f}", "order", api_param(w->call, "order_id"), "progress", permille / 1000.0);
  stream_publish(w->call->core->hub, channel, "why", data, clock_wall_ns() / 1000000);
  json_decref(data);
}

static void on_done(void *arg, const struct job_outcome *o) {
  struct why *w = arg, **at = &w->call->core->whys;
  while (*at != w) at = &(*at)->next;
  *at = w->next;
  w->end = o->end;
  replay_job_error(o, w->error);
  if (o->end == JOB_DONE && (w->text = malloc(o->len + 1))) {
    memcpy(w->text, o->text, o->len);
    w->text[o->len] = '\0';
  }
  api_resume(w->call, finish);
}

static enum status begin(struct api_call *call, struct why *w) {
  const struct jobs_grant grant = jobs_grant_now(call->core, w->tenant_id, call->now_ns);
  json_t *task = json_pack("{s:s, s:I, s:I}", "task", "why", "at_ns", (json_int_t)w->time_ns, "order", (json_int_t)(w->asked & RECORD_ORDER_MAX));
  const struct replay_job how = {.tenant_id = w->tenant_id, .parallel = grant.parallel, .wish = {.tenant_id = w->tenant_id, .bot_id = w->bot_id, .run = w->run, .to_ns = w->time_ns}, .task = task,
                                 .cpu_s = REPLAY_WHY_CPU_S, .progress = on_progress, .done = on_done, .arg = w};
  const enum status st = replay_job_start(call->core, &how, &w->job, &call->err);
  json_decref(task);
  if (st == ERR_LIMIT) return api_problem(call, PROBLEM_unavailable, call->err.msg);
  if (st != OK) return st;
  w->next = call->core->whys;
  call->core->whys = w;
  return api_wait(call);
}

// "RUN-ORDER", as fills, trades and decisions name an order. False: something else.
static bool names_by_number(const char *text, uint64_t *ret_intent) {
  unsigned run;
  unsigned long long order;
  const size_t digits = strspn(text, "0123456789");
  if (digits < 1 || digits > 5 || text[digits] != '-') return false;
  const char *after = text + digits + 1;
  if (!*after || strlen(after) > 10 || after[strspn(after, "0123456789")] != '\0' || sscanf(text, "%u-%llu", &run, &order) != 2) return false;
  if (!run || run > RECORD_RUN_MAX || !order || order > RECORD_ORDER_MAX) return false;
  *ret_intent = record_intent(run, order);
  return true;
}

// Of the path: the client id of an order of this bot, or its run and number. False: it is none.
static bool names_order(struct api_call *call, int64_t bot_id, uint64_t *ret_intent) {
  struct client_id id;
  const char *text = api_param(call, "order_id");
  if (names_by_number(text, ret_intent)) return true;
  if (!client_id_parse(text, strlen(text), &id) || id.bot != (uint64_t)bot_id || !(id.intent >> 30) || !(id.intent & RECORD_ORDER_MAX)) return false;
  *ret_intent = id.intent;
  return true;
}

enum status api_bot_order_why(struct api_call *call) {
  struct bot_row bot;
  struct journal_order row;
  struct why *w = api_alloc(call, sizeof *w);
  if (!w) return err_set(&call->err, ERR_NOMEM, "out of memory");
  if (!call->core->replays) return api_problem(call, PROBLEM_unavailable, "It needs a running server.");
  *w = (struct why){.call = call, .tenant_id = call->who.tenant_id, .bot_id = api_param_id(call, "bot_id")};
  enum status st = bot_get(store_reader(api_store(call), STORE_CONTROL), w->tenant_id, w->bot_id, &bot, &call->err);
  if (st != OK) return st;
  bot_row_finish(&bot);
  if (!names_order(call, w->bot_id, &w->intent)) return api_problem(call, PROBLEM_not_found, "The bot has no such order; its orders' ids are in GET /bots/{bot_id}/orders.");
  const bool known = journal_order_get(bots_journal(call), w->tenant_id, w->bot_id, w->intent, keep_order, &row, &call->err) == OK;
  st = find_record(w, known ? &row : NULL, &call->err);
  if (st == ERR_NOTFOUND) return api_problem(call, PROBLEM_not_found, "The journal has no decision of this order: the records of its run are forgotten, or the engine made it by itself.");
  if (st != OK) return st;
  call->state = w;
  call->cleanup = cleanup;
  if (w->imposed) return answer(w, call);  // no script asked for it: the decisions around it say why
  return begin(call, w);
}

enum status api_bot_order_why_cancel(struct api_call *call) {
  const int64_t bot_id = api_param_id(call, "bot_id");
  struct bot_row bot;
  uint64_t intent;
  const enum status st = bot_get(store_reader(api_store(call), STORE_CONTROL), call->who.tenant_id, bot_id, &bot, &call->err);
  if (st != OK) return st;
  bot_row_finish(&bot);
  if (!names_order(call, bot_id, &intent)) return api_problem(call, PROBLEM_not_found, "The bot has no such order.");
  for (struct why *w = call->core->whys; w; w = w->next)
    if (w->tenant_id == call->who.tenant_id && w->bot_id == bot_id && w->intent == intent && !w->cancelled) {
      w->cancelled = true;
      job_cancel(w->job);
    }
  return api_json(call, 204, NULL);
}
