// api/tenant_view.c – see tenant_view.h.
#include "api/tenant_view.h"

#include "api/core.h"
#include "api/list.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX ((size_t)64 << 20)

struct db *tenant_view_journal(const struct tenant_view *v) { return store_reader(api_store(v->call), STORE_JOURNAL); }

static void view_cleanup(struct api_call *call) {
  struct tenant_view *v = call->state;
  if (v->more && v->more_finish) v->more_finish(v->more);
  for (size_t i = 0; i < v->count; i++) free(v->bots[i].name);  // the other texts lie behind it
  free(v->bots);
  free(v->series);
  buf_finish(&v->ids);
  buf_finish(&v->texts);
}

// ---- bots

#define BOT_TEXTS(X, b) X(b, name) X(b, account) X(b, script) X(b, currency) X(b, state) X(b, reason_code) X(b, reason)

static void add_bot(void *arg, const struct tenant_bot *b) {
  struct tenant_view *v = arg;
  if (v->status != OK) return;
  if (v->count == v->room) {
    const size_t room = v->room ? v->room * 2 : 32;
    struct tenant_view_bot *more = realloc(v->bots, room * sizeof *more);
    if (!more) {
      v->status = ERR_NOMEM;
      return;
    }
    v->bots = more;
    v->room = room;
  }
  struct tenant_view_bot row = {.id = b->id, .account_id = b->account_id, .script_id = b->script_id, .since_ns = b->since_ns, .paper = b->paper, .deleted = b->deleted};
  size_t size = 0;
#define X(b, text) size += strlen((b)->text) + 1;
  BOT_TEXTS(X, b)
#undef X
  char *at = malloc(size);
  if (!at) {
    v->status = ERR_NOMEM;
    return;
  }
#define X(b, text) row.text = strcpy(at, (b)->text), at += strlen(at) + 1;
  BOT_TEXTS(X, b)
#undef X
  v->bots[v->count++] = row;
}

const struct tenant_view_bot *tenant_view_bot(const struct tenant_view *v, int64_t id) {
  size_t low = 0, high = v->count;
  while (low < high) {
    const size_t mid = low + (high - low) / 2;
    if (v->bots[mid].id == id) return &v->bots[mid];
    if (v->bots[mid].id < id) low = mid + 1;
    else high = mid;
  }
  return NULL;
}

const struct journal_series *tenant_view_series(struct tenant_view *v, uint32_t id) {
  for (size_t i = v->series_count; i-- > 0;)
    if (v->series[i].id == id) return &v->series[i];
  if (v->status != OK) return NULL;
  struct journal_series *more = realloc(v->series, (v->series_count + 1) * sizeof *more);
  v->status = more ? OK : ERR_NOMEM;
  if (!more) return NULL;
  v->series = more;
  v->status = journal_series_get(tenant_view_journal(v), id, &more[v->series_count], &v->call->err);
  return v->status == OK ? &v->series[v->series_count++] : NULL;
}

// ---- the filter

static bool has(const struct api_call *call, const char *name) {
  for (int i = 0; i < call->route->query_count; i++)
    if (strcmp(call->route->query[i].name, name) == 0) return true;
  return false;
}
static const char *text_of(const struct api_call *call, const char *name) { return has(call, name) ? api_query_text(call, name) : NULL; }
static int64_t id_of(const struct api_call *call, const char *name) { return has(call, name) ? api_query_id(call, name) : 0; }

static int one_of(const char *text, const char *first, const char *second, int if_second) {
  return !text ? 0 : strcmp(text, first) == 0 ? 1 : strcmp(text, second) == 0 ? if_second : 0;
}

static void filter_bots(struct tenant_view *v) {
  const int64_t bot = id_of(v->call, "bot_id"), script = id_of(v->call, "strategy_id"), account = id_of(v->call, "account_id");
  if (!bot && !script && !account) return;
  buf_str(&v->ids, "[");
  const char *comma = "";
  for (size_t i = 0; i < v->count; i++) {
    const struct tenant_view_bot *b = &v->bots[i];
    if ((bot && b->id != bot) || (script && b->script_id != script) || (account && b->account_id != account)) continue;
    buf_str(&v->ids, comma);
    buf_int(&v->ids, b->id);
    comma = ",";
  }
  buf_add(&v->ids, "]", 2);  // with its end
  v->filter.bots = v->ids.failed ? "[]" : v->ids.data;
  if (v->ids.failed) v->status = ERR_NOMEM;
}

enum status tenant_view_begin(struct api_call *call, struct tenant_view **ret) {
  struct tenant_view *v = call->state = *ret = api_alloc(call, sizeof *v);
  if (!v) return err_set(&call->err, ERR_NOMEM, "out of memory");
  v->call = call;
  buf_init(&v->ids, TEXTS_MAX);
  buf_init(&v->texts, TEXTS_MAX);
  call->cleanup = view_cleanup;
  enum status st = tenant_bots(store_reader(api_store(call), STORE_CONTROL), call->who.tenant_id, add_bot, v, &call->err);
  const char *side = text_of(call, "side");
  v->filter = (struct tenant_filter){.tenant_id = call->who.tenant_id, .symbol = text_of(call, "symbol"),
    .side = one_of(side, "long", "short", -1) + one_of(side, "buy", "sell", 2), .result = one_of(text_of(call, "result"), "win", "loss", -1),
    .from_ns = has(call, "from_ms") ? api_query_int(call, "from_ms", 0) * NS_PER_MS : 0, .to_ns = has(call, "to_ms") ? api_query_int(call, "to_ms", 0) * NS_PER_MS : 0};
  if (st == OK) filter_bots(v);
  return st == OK && v->status != OK ? err_set(&call->err, v->status, "out of memory") : st;
}

// ---- answers

void tenant_view_put_owner(struct json_out *o, const struct tenant_view *v, int64_t bot_id) {
  const struct tenant_view_bot *b = tenant_view_bot(v, bot_id);
  jo_id(o, "bot_id", "bot", bot_id);
  jo_text(o, "bot", b ? b->name : "");
  jo_id(o, "strategy_id", "str", b ? b->script_id : 0);
  jo_text(o, "strategy", b ? b->script : "");
  jo_id(o, "account_id", "acc", b ? b->account_id : 0);
  jo_text(o, "account", b ? b->account : "");
  jo_text(o, "currency", b ? b->currency : "USDT");
}

enum status tenant_view_answer(struct api_call *call, struct buf *text, enum status st) {
  if (st == OK && text->failed) st = err_set(&call->err, ERR_NOMEM, "out of memory");
  if (st == OK) return api_text(call, 200, "application/json", text->data, text->len);
  buf_finish(text);
  return st;
}

static void nothing(struct api_call *call) { (void)call; }
enum status tenant_view_pause(struct api_call *call, api_phase next) { return api_work(call, nothing, next); }

cash tenant_view_clamp(int128 e8) { return (cash){e8 > INT64_MAX ? INT64_MAX : e8 < INT64_MIN ? INT64_MIN : (int64_t)e8}; }
