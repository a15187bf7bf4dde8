// api/bots_signals.c – signals to a bot's on_signal: accepted when the row is committed, then delivered by the runtime.
#include "api/bots.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "store/id.h"
#include "store/signal_rows.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

#define TTL_S 60  // unless the request says another

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

static json_t *signal_json(const struct api_call *call, const struct signal_row *s) {
  const char *state = strcmp(s->state, "waiting") == 0 && s->expires_ns < call->now_ns ? "expired" : s->state;
  json_t *body = json_loads(s->body, 0, NULL);
  json_t *v = json_pack("{s:o, s:s, s:o, s:o, s:o, s:o}", "id", api_id("sig", s->id), "state", state, "received_at_ms", api_ms(s->received_ns), "expires_at_ms", api_ms(s->expires_ns),
                        "delivered_ms", api_ms(s->delivered_ns), "signal", body ? body : json_object());
  return v;
}

struct sending {
  int64_t bot_id;
  struct signal_row row;
};

static enum status write_signal(struct api_call *call, struct db *db) {
  struct sending *s = call->state;
  struct bot_row bot;
  enum status st = bot_get(db, call->who.tenant_id, s->bot_id, &bot, &call->err);
  if (st != OK) return st;
  const bool wanted = strcmp(bot.wanted, "running") == 0;
  bot_row_finish(&bot);
  if (!wanted) return api_problem(call, PROBLEM_conflict, "It is not running: start it first, for a signal does not wait.");
  st = signal_add(db, &s->row, &call->err);
  return st == OK ? api_json(call, 202, signal_json(call, &s->row)) : st;
}

static enum status written(struct api_call *call) {
  const struct sending *s = call->state;
  bots_signalled(call->core, s->bot_id);
  return OK;
}

enum status api_bot_signal(struct api_call *call) {
  struct sending *s = api_alloc(call, sizeof *s);
  const char *body = s ? bots_text(call, call->body) : NULL;
  if (!body) return err_set(&call->err, ERR_NOMEM, "out of memory");
  *s = (struct sending){.bot_id = api_param_id(call, "bot_id"),
                        .row = {.bot_id = api_param_id(call, "bot_id"), .received_ns = call->now_ns,
                                .expires_ns = call->now_ns + api_body_int(call, "ttl_s", TTL_S) * INT64_C(1000000000), .state = "waiting", .body = body}};
  call->state = s;
  return api_write_then(call, write_signal, written);
}

static bool add_signal(void *arg, const struct signal_row *row) {
  struct api_list *l = arg;
  if (!api_list_room(l, row->id)) return false;
  json_array_append_new(l->items, signal_json(l->call, row));
  return true;
}

enum status api_bot_signals(struct api_call *call) {
  struct bot_row row;
  struct api_list l;
  enum status st = bot_get(reader(call), call->who.tenant_id, api_param_id(call, "bot_id"), &row, &call->err);
  if (st != OK) return st;
  bot_row_finish(&row);
  if (!api_list_begin(call, &l, API_LIST_NEWEST)) return OK;
  return api_list_end(&l, signal_list(reader(call), row.id, l.at, l.limit + 1, add_signal, &l, &call->err));
}
