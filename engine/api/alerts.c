// api/alerts.c – what somebody should look at, in one list: halts, bots that stand still and why, orders of which nobody knows what became,
// refusals, venues that are not connected, and what bots' logs warn of. Newest first; of each kind a few.
#include "api/bots.h"
#include "api/bots_page.h"
#include "api/core.h"
#include "api/handlers.h"
#include "api/list.h"
#include "api/tenant_view.h"
#include "bot/halt_file.h"
#include "bot/record.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#define ALERTS_MAX 200     // gathered
#define DENIALS_MAX 30     // bots whose last decisions are looked through
#define ALERT_TEXT_SIZE 400

struct alert {
  int64_t time_ns, bot_id, count;
  const char *kind, *severity;
  char code[40], text[ALERT_TEXT_SIZE];
};
struct alerts {
  struct tenant_view *v;
  struct alert items[ALERTS_MAX];
  int count;
};

static struct alert *add(struct alerts *a, const char *kind, const char *severity, int64_t time_ns, int64_t bot_id) {
  if (a->count == ALERTS_MAX) return NULL;
  struct alert *item = &a->items[a->count++];
  *item = (struct alert){.kind = kind, .severity = severity, .time_ns = time_ns, .bot_id = bot_id, .count = 1};
  return item;
}

// Bytes of a text that may be cut: never within a character.
static void put(char *to, size_t size, const char *text, size_t len) {
  if (len >= size) {
    len = size - 1;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) len--;
  }
  memcpy(to, text, len);
  to[len] = '\0';
}

// ---- the kill switch

static void add_halt(struct alerts *a, const struct halt_entry *e) {
  const enum refusal_level level = (enum refusal_level)e->level;
  char name[HALT_NAME_SIZE];
  struct alert *item = add(a, "halt", "error", e->at_ns, level == LEVEL_BOT ? (int64_t)e->id : 0);
  if (!item) return;
  snprintf(item->code, sizeof item->code, "%s", halt_mode_text((enum halt_mode)e->mode));
  const char *what = level == LEVEL_ALL ? "All trading here" : level == LEVEL_TENANT ? "All your bots" : level == LEVEL_BOT ? "This bot" : halt_name(level, e->id, name);
  snprintf(item->text, sizeof item->text, "%s %s halted by the kill switch (%s).", what, level == LEVEL_TENANT ? "are" : "is", halt_cause_text((enum halt_cause)e->cause));
}

static void add_halts(struct alerts *a) {
  const struct api_call *call = a->v->call;
  if (!call->core->halts) return;
  const struct halt_state *s = call->core->halts->list(call->core->halts->self);
  if (s->all.mode != HALT_NONE) add_halt(a, &s->all);
  for (uint32_t i = 0; i < s->count; i++) {
    const struct halt_entry *e = &s->entries[i];
    const struct tenant_view_bot *b = e->level == LEVEL_BOT ? tenant_view_bot(a->v, (int64_t)e->id) : NULL;
    const bool mine = e->level == LEVEL_BOT ? b && !b->deleted : e->level != LEVEL_TENANT || e->id == (uint64_t)call->who.tenant_id;
    if (mine) add_halt(a, e);
  }
}

// ---- bots

static void add_states(struct alerts *a) {
  static const struct { const char *state, *severity; } standing[] = {
    {"quarantined", "error"}, {"dead", "error"}, {"retired", "error"}, {"halted", "error"}, {"retrying", "warning"}};
  for (size_t i = 0; i < a->v->count; i++) {
    const struct tenant_view_bot *b = &a->v->bots[i];
    for (size_t k = 0; !b->deleted && k < sizeof standing / sizeof *standing; k++) {
      if (strcmp(b->state, standing[k].state) != 0) continue;
      struct alert *item = add(a, "bot", standing[k].severity, b->since_ns, b->id);
      if (!item) return;
      snprintf(item->code, sizeof item->code, "%s", b->reason_code);
      put(item->text, sizeof item->text, b->reason, strlen(b->reason));
    }
  }
}

static bool take_denial(void *arg, const struct journal_record *j) {
  struct alert *item = arg;
  struct record r;
  struct err err;
  char words[REFUSAL_TEXT_SIZE];
  if (record_read(j->kind, j->time_ns, j->body, j->len, &r, &err) != OK) return false;
  item->time_ns = j->time_ns;
  if (r.code.len) put(item->code, sizeof item->code, r.code.text, r.code.len);
  if (r.why.len) put(item->text, sizeof item->text, r.why.text, r.why.len);
  else if (r.order) snprintf(item->text, sizeof item->text, "%s", refusal_text(&r.refusal, NULL, words));
  return false;
}

static void add_denials(struct alerts *a) {
  struct api_call *call = a->v->call;
  struct live_status s;
  int looked = 0;
  for (size_t i = a->v->count; i-- > 0 && looked < DENIALS_MAX;) {
    const struct tenant_view_bot *b = &a->v->bots[i];
    if (b->deleted || !bots_status(call->core, b->id, &s) || !s.denials) continue;
    looked++;
    struct alert found = {0};
    // It is longer ago than what is looked through, or no record was made of it.
    if (tenant_denial(tenant_view_journal(a->v), call->who.tenant_id, b->id, RECORD_DENY, take_denial, &found, &call->err) != OK || !found.time_ns) continue;
    struct alert *item = add(a, "denial", "warning", found.time_ns, b->id);
    if (!item) return;
    item->count = s.denials;
    memcpy(item->code, found.code, sizeof item->code);
    memcpy(item->text, found.text, sizeof item->text);
  }
}

// A refusal by its line in the log, which is there for longer than the record of the decision is looked for: "order 7 refused: MARGIN: …"
// of the core, "refused: MARGIN: …" of the host. False: the line is something else.
static bool add_refusal(struct alerts *a, const struct tenant_view_bot *b, int64_t bot_id, const struct journal_log *l) {
  static const char mark[] = "refused: ";
  const char *end = l->text + l->len, *at = memmem(l->text, l->len, mark, sizeof mark - 1);
  if (!at || (at != l->text && strncmp(l->text, "order ", 6) != 0)) return false;
  const char *code = at + sizeof mark - 1, *text = memmem(code, (size_t)(end - code), ": ", 2);
  if (!text) return false;
  for (int i = 0; i < a->count; i++) {
    if (strcmp(a->items[i].kind, "denial") == 0 && a->items[i].bot_id == bot_id) return true;
  }
  struct live_status s;
  struct alert *item = b && !b->deleted ? add(a, "denial", "warning", l->time_ns, b->id) : NULL;
  if (!item) return true;
  if (bots_status(a->v->call->core, b->id, &s) && s.denials) item->count = s.denials;
  put(item->code, sizeof item->code, code, (size_t)(text - code));
  put(item->text, sizeof item->text, text + 2, (size_t)(end - text - 2));
  return true;
}

static void add_warning(void *arg, int64_t bot_id, const struct journal_log *l) {
  struct alerts *a = arg;
  const struct tenant_view_bot *b = tenant_view_bot(a->v, bot_id);
  if (add_refusal(a, b, bot_id, l)) return;
  // The same words again and again are one alert, that counts.
  for (int i = a->count; b && i-- > 0;) {
    struct alert *there = &a->items[i];
    if (strcmp(there->kind, "log") == 0 && there->bot_id == bot_id && strncmp(there->text, l->text, 60) == 0) {
      there->count++;
      return;
    }
  }
  struct alert *item = b && !b->deleted ? add(a, "log", l->level >= LOG_ERROR ? "error" : "warning", l->time_ns, bot_id) : NULL;
  if (!item) return;
  put(item->text, sizeof item->text, l->text, l->len);
}

// ---- venues

static void add_unknown(struct alerts *a) {
  struct live *live = a->v->call->core->live;
  json_t *all = live ? live_unknown_json(live) : NULL, *o;
  size_t i;
  json_array_foreach(all, i, o) {
    if (json_integer_value(json_object_get(o, "tenant_id")) != a->v->call->who.tenant_id) continue;
    struct alert *item = add(a, "unknown_order", "error", json_integer_value(json_object_get(o, "since_ms")) * NS_PER_MS, json_integer_value(json_object_get(o, "bot_id")));
    if (!item) break;
    snprintf(item->code, sizeof item->code, "%s", json_string_value(json_object_get(o, "state")));
    snprintf(item->text, sizeof item->text, "The venue has not told what became of the order to %s %s %s. It counts as executed and is asked about.",
             json_string_value(json_object_get(o, "side")), json_string_value(json_object_get(o, "qty")), json_string_value(json_object_get(o, "symbol")));
  }
  json_decref(all);
}

static void add_connections(struct alerts *a) {
  struct live *live = a->v->call->core->live;
  for (size_t i = 0; live && i < a->v->count; i++) {
    const struct tenant_view_bot *b = &a->v->bots[i];
    bool told = b->paper || b->deleted || strcmp(b->state, "stopped") == 0;
    for (size_t k = 0; !told && k < i; k++) told = a->v->bots[k].account_id == b->account_id && !a->v->bots[k].deleted && strcmp(a->v->bots[k].state, "stopped") != 0;
    json_t *c = told ? NULL : live_venue_json(live, b->account_id);
    const char *state = json_string_value(json_object_get(c, "state")), *why = json_string_value(json_object_get(c, "why")),
               *differs = json_string_value(json_object_get(c, "differs"));
    const bool up = state && strcmp(state, "ready") == 0;
    struct alert *item = c && (!up || (differs && *differs)) ? add(a, "venue", up ? "warning" : "error", a->v->call->now_ns, b->id) : NULL;
    if (item) {
      snprintf(item->code, sizeof item->code, "%s", up ? "differs" : state);
      snprintf(item->text, sizeof item->text, "%.100s: %.250s", b->account, up ? differs : why && *why ? why : "not connected");
    }
    json_decref(c);
  }
}

// ---- all of them

static int newest_first(const void *x, const void *y) {
  const struct alert *a = x, *b = y;
  return a->time_ns > b->time_ns ? -1 : a->time_ns < b->time_ns;
}

enum status api_alerts_list(struct api_call *call) {
  struct tenant_view *v;
  const enum status st = tenant_view_begin(call, &v);
  struct alerts *a = st == OK ? api_alloc(call, sizeof *a) : NULL;
  if (st != OK) return st;
  if (!a) return err_set(&call->err, ERR_NOMEM, "out of memory");
  const int limit = (int)api_query_int(call, "limit", 50);
  a->v = v;
  add_halts(a);
  add_states(a);
  add_unknown(a);
  add_connections(a);
  add_denials(a);
  const enum status logs = tenant_warnings(tenant_view_journal(v), call->who.tenant_id, 100, add_warning, a, &call->err);
  if (logs != OK) return logs;
  qsort(a->items, (size_t)a->count, sizeof *a->items, newest_first);
  struct buf text;
  struct json_out o;
  buf_init(&text, 1u << 20);
  json_out_init(&o, &text, false);
  jo_open(&o, NULL, '{');
  jo_open(&o, "items", '[');
  for (int i = 0; i < a->count && i < limit; i++) {
    const struct alert *item = &a->items[i];
    const struct tenant_view_bot *b = item->bot_id ? tenant_view_bot(v, item->bot_id) : NULL;
    jo_open(&o, NULL, '{');
    jo_text(&o, "kind", item->kind);
    jo_text(&o, "severity", item->severity);
    jo_text(&o, "code", item->code);
    jo_text(&o, "text", item->text);
    jo_int(&o, "count", item->count);
    jo_id(&o, "bot_id", "bot", item->bot_id);
    if (b) jo_text(&o, "bot", b->name);
    else jo_null(&o, "bot");
    jo_ms(&o, "time_ms", item->time_ns);
    jo_close(&o);
  }
  jo_close(&o);
  jo_close(&o);
  return tenant_view_answer(call, &text, OK);
}
