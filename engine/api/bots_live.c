// api/bots_live.c – routes of bots and the runtime (bot/live.h): what it is told, and what it says of a bot this moment.
#include "api/bots.h"
#include "api/core.h"
#include "bot/hub.h"
#include "market/instrument.h"
#include "store/store.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

bool bots_runtime(const struct api_core *core) { return core->live != NULL; }

void bots_changed(struct api_core *core, int64_t bot_id) {
  if (core->live) live_bot_changed(core->live, bot_id);
}

void bots_signalled(struct api_core *core, int64_t bot_id) {
  if (core->live) live_bot_signalled(core->live, bot_id);
}

bool bots_status(const struct api_core *core, int64_t bot_id, struct live_status *ret) { return core->live && live_status(core->live, bot_id, ret); }

json_t *bots_live_json(struct api_core *core, int64_t bot_id) {
  struct live_status s;
  if (!bots_status(core, bot_id, &s)) return NULL;
  char equity[DECIMAL_TEXT_MAX], balance[DECIMAL_TEXT_MAX], pnl[DECIMAL_TEXT_MAX];
  json_t *positions = json_array();
  for (int i = 0; i < s.position_count; i++) {
    const struct live_position *p = &s.positions[i];
    json_array_append_new(positions, json_pack("{s:s, s:s, s:s, s:s}", "symbol", p->symbol, "qty", p->qty, "avg_price", p->avg, "unrealised", p->upnl));
  }
  json_t *reload = !s.reload[0] ? json_null() : json_pack("{s:s, s:I, s:s}", "stage", s.reload, "version", (json_int_t)s.reload_version, "why", s.reload_why);
  return json_pack("{s:I, s:o, s:I, s:I, s:I, s:I, s:i, s:s, s:s, s:s, s:o, s:s, s:s, s:I, s:o}", "run", (json_int_t)s.run, "instant_ms", api_ms(s.instant_ns), "intents",
                   (json_int_t)s.intents, "fills", (json_int_t)s.fills, "denials", (json_int_t)s.denials, "errors", (json_int_t)s.errors, "open_orders", s.open_orders, "equity",
                   cash_text(s.equity, equity), "balance", cash_text(s.balance, balance), "pnl", cash_text((cash){s.equity.e8 - s.start_cash.e8}, pnl), "positions", positions,
                   "hash", s.hash, "host", s.host, "version", (json_int_t)s.version, "reload", reload);
}

static bool lists(const struct hub *h, int venue, const char *symbol) {
  const char *name;
  for (int i = 0; (name = hub_venue_symbol(h, venue, i)) != NULL; i++)
    if (strcmp(name, symbol) == 0) return true;
  return false;
}

const char *bots_market(struct api_call *call, const struct account_row *account, char ret[BOT_VENUE_SIZE]) {
  if (strcmp(account->venue, ACCOUNT_PAPER) == 0) return "";
  json_t *settings = json_loads(account->settings, 0, NULL);
  const char *category = json_string_value(json_object_get(settings, "category"));
  int of = call->core->live ? hub_venue_for(live_hub(call->core->live), account->venue, category ? category : "") : -1;
  if (of < 0 && call->core->live) of = live_own_market(call->core->live, account->tenant_id, account->id, account->venue);
  if (of >= 0) snprintf(ret, BOT_VENUE_SIZE, "%s", hub_venue_name(live_hub(call->core->live), of));
  else snprintf(ret, BOT_VENUE_SIZE, "%.16s%s%.15s", account->venue, category ? "-" : "", category ? category : "");
  json_decref(settings);
  return ret;
}

// A venue may know symbols that it does not list (a file, a replay): one that was named is asked when the bot is opened.
bool bots_venue(struct api_call *call, const char *wanted, const char *symbol, char ret[BOT_VENUE_SIZE]) {
  snprintf(ret, BOT_VENUE_SIZE, "%s", wanted);
  if (!call->core->live) return true;
  const struct hub *h = live_hub(call->core->live);
  if (*wanted) {
    const int of = hub_venue_find(h, wanted);
    if (of >= 0 && hub_venue_seen(h, of, call->who.tenant_id)) return true;
    (void)api_invalid_at(call, "/venue", "no market data comes from there");
    return false;
  }
  for (int v = 0; v < hub_venue_count(h); v++)
    if (!hub_venue_owned(h, v) && lists(h, v, symbol)) {
      snprintf(ret, BOT_VENUE_SIZE, "%s", hub_venue_name(h, v));
      return true;
    }
  (void)api_invalid_at(call, "/symbol", "no market data has this symbol; say of which venue it is");
  return false;
}

enum status bots_settings(struct api_call *call, const json_t *bot, const json_t *account) {
  const enum status st = live_settings_check(bot, account, NULL, &call->err);
  return st == ERR_INVALID ? bots_settings_refuse(call) : st;
}

enum status bots_settings_refuse(struct api_call *call) {
  const char *colon = strstr(call->err.msg, ": ");
  char pointer[100];
  snprintf(pointer, sizeof pointer, "%s%.*s", json_object_get(call->body, "limits") ? "/limits" : "/settings", colon ? (int)(colon - call->err.msg) : 0, call->err.msg);
  return api_invalid_at(call, pointer, colon ? colon + 2 : call->err.msg);
}

void bots_script_changed(struct api_core *core, int64_t script_id) {
  if (core->live) live_script_changed(core->live, script_id);
}
