// script/dialect_check.c – the unified shapes as a table, and the check of everything a dialect returns against it. An author's slip of
// the pen and a venue's new enum text end here, as an error that names the field, and not in an order book or a ledger.
#include "script/dialect_impl.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum field_kind { TEXT, DECIMAL, WHOLE, FLAG, WORD, LEVELS, IDS };
struct field {
  const char *name;
  enum field_kind kind;
  const char *words;  // of a WORD, with a blank around each; NULL: any "why"
  bool must;
};
#define MUST true

#define SIDES " buy sell "
static const struct field order_fields[] = {
  {"symbol", TEXT, NULL, MUST}, {"status", WORD, " open filled canceled expired rejected ", MUST}, {"client_id", TEXT, NULL, false},
  {"id", TEXT, NULL, false}, {"side", WORD, SIDES, false}, {"kind", WORD, " market limit stop stop_limit ", false},
  {"tif", WORD, " gtc ioc fok ", false}, {"why", WORD, NULL, false}, {"qty", DECIMAL, NULL, false}, {"filled", DECIMAL, NULL, false},
  {"remaining", DECIMAL, NULL, false}, {"limit", DECIMAL, NULL, false}, {"trigger", DECIMAL, NULL, false}, {"waits", FLAG, NULL, false}, {"attached", FLAG, NULL, false},
  {"awaits", WORD, " rise fall ", false}, {"avg", DECIMAL, NULL, false},
  {"cost", DECIMAL, NULL, false}, {"reduce", FLAG, NULL, false}, {"post", FLAG, NULL, false}, {"stop_loss", DECIMAL, NULL, false},
  {"take_profit", DECIMAL, NULL, false}, {"leg", WORD, " net long short ", false}, {"created_ms", WHOLE, NULL, false},
  {"updated_ms", WHOLE, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field named_fields[] = {
  {"id", TEXT, NULL, false}, {"client_id", TEXT, NULL, false}, {"symbol", TEXT, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field fill_fields[] = {
  {"symbol", TEXT, NULL, MUST}, {"id", TEXT, NULL, false}, {"order_id", TEXT, NULL, false}, {"client_id", TEXT, NULL, false},
  {"side", WORD, SIDES, false}, {"price", DECIMAL, NULL, false}, {"qty", DECIMAL, NULL, false}, {"cost", DECIMAL, NULL, false},
  {"total", DECIMAL, NULL, false}, {"fee", DECIMAL, NULL, false}, {"fee_asset", TEXT, NULL, false}, {"maker", FLAG, NULL, false},
  {"kind", WORD, " trade funding liquidation ", MUST}, {"time_ms", WHOLE, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field position_fields[] = {
  {"symbol", TEXT, NULL, MUST}, {"leg", WORD, " net long short ", MUST}, {"qty", DECIMAL, NULL, MUST}, {"avg", DECIMAL, NULL, false},
  {"mark", DECIMAL, NULL, false}, {"upnl", DECIMAL, NULL, false}, {"leverage", DECIMAL, NULL, false}, {"notional", DECIMAL, NULL, false},
  {"margin", DECIMAL, NULL, false}, {"liquidation_price", DECIMAL, NULL, false}, {"updated_ms", WHOLE, NULL, false},
  {NULL, TEXT, NULL, false}};
static const struct field balance_fields[] = {
  {"asset", TEXT, NULL, false}, {"account_id", TEXT, NULL, false}, {"total", DECIMAL, NULL, MUST}, {"free", DECIMAL, NULL, false},
  {"used", DECIMAL, NULL, false}, {"equity", DECIMAL, NULL, false}, {"debt", DECIMAL, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field instrument_fields[] = {
  {"symbol", TEXT, NULL, MUST}, {"base", TEXT, NULL, MUST}, {"quote", TEXT, NULL, MUST}, {"settle", TEXT, NULL, false},
  {"kind", WORD, " spot linear ", MUST}, {"trading", FLAG, NULL, MUST}, {"tick", DECIMAL, NULL, MUST}, {"lot", DECIMAL, NULL, MUST},
  {"qty_min", DECIMAL, NULL, false}, {"qty_max", DECIMAL, NULL, false}, {"market_qty_max", DECIMAL, NULL, false},
  {"notional_min", DECIMAL, NULL, false}, {"leverage_max", DECIMAL, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field kline_fields[] = {
  {"open_ms", WHOLE, NULL, MUST}, {"open", DECIMAL, NULL, MUST}, {"high", DECIMAL, NULL, MUST}, {"low", DECIMAL, NULL, MUST},
  {"close", DECIMAL, NULL, MUST}, {"volume", DECIMAL, NULL, MUST}, {"closed", FLAG, NULL, false}, {"symbol", TEXT, NULL, false},
  {"timeframe", TEXT, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field ticker_fields[] = {
  {"symbol", TEXT, NULL, MUST}, {"snapshot", FLAG, NULL, false}, {"last", DECIMAL, NULL, false}, {"bid", DECIMAL, NULL, false},
  {"ask", DECIMAL, NULL, false}, {"high", DECIMAL, NULL, false}, {"low", DECIMAL, NULL, false}, {"mark", DECIMAL, NULL, false},
  {"index", DECIMAL, NULL, false}, {"volume", DECIMAL, NULL, false}, {"turnover", DECIMAL, NULL, false}, {"funding", DECIMAL, NULL, false},
  {"next_funding_ms", WHOLE, NULL, false}, {"time_ms", WHOLE, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field trade_fields[] = {
  {"symbol", TEXT, NULL, false}, {"id", TEXT, NULL, false}, {"side", WORD, SIDES, false}, {"price", DECIMAL, NULL, MUST},
  {"qty", DECIMAL, NULL, MUST}, {"time_ms", WHOLE, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field book_fields[] = {
  {"symbol", TEXT, NULL, false}, {"snapshot", FLAG, NULL, false}, {"bids", LEVELS, NULL, false}, {"asks", LEVELS, NULL, false},
  {"remove", IDS, NULL, false}, {"seq", WHOLE, NULL, false}, {"prev", WHOLE, NULL, false}, {"time_ms", WHOLE, NULL, false},
  {NULL, TEXT, NULL, false}};
static const struct field level_fields[] = {
  {"price", DECIMAL, NULL, false}, {"qty", DECIMAL, NULL, false}, {"less", DECIMAL, NULL, false}, {"id", TEXT, NULL, false},
  {NULL, TEXT, NULL, false}};
static const struct field time_fields[] = {{"time_ms", WHOLE, NULL, MUST}, {NULL, TEXT, NULL, false}};
static const struct field funding_fields[] = {
  {"symbol", TEXT, NULL, MUST}, {"rate", DECIMAL, NULL, MUST}, {"time_ms", WHOLE, NULL, MUST}, {NULL, TEXT, NULL, false}};
static const struct field leverage_fields[] = {
  {"symbol", TEXT, NULL, MUST}, {"tier", WHOLE, NULL, false}, {"notional_max", DECIMAL, NULL, false}, {"leverage_max", DECIMAL, NULL, false},
  {"maintenance", DECIMAL, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field fee_fields[] = {
  {"symbol", TEXT, NULL, false}, {"maker", DECIMAL, NULL, MUST}, {"taker", DECIMAL, NULL, MUST}, {NULL, TEXT, NULL, false}};
static const struct field pnl_fields[] = {
  {"symbol", TEXT, NULL, MUST}, {"order_id", TEXT, NULL, false}, {"side", WORD, SIDES, false}, {"qty", DECIMAL, NULL, false},
  {"entry", DECIMAL, NULL, false}, {"exit", DECIMAL, NULL, false}, {"pnl", DECIMAL, NULL, MUST}, {"leverage", DECIMAL, NULL, false},
  {"notional", DECIMAL, NULL, false}, {"time_ms", WHOLE, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field key_fields[] = {
  {"read", FLAG, NULL, MUST}, {"trade", FLAG, NULL, MUST}, {"withdraw", FLAG, NULL, MUST}, {"ip_bound", FLAG, NULL, MUST},
  {"expires_ms", WHOLE, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field account_fields[] = {{"id", TEXT, NULL, MUST}, {"asset", TEXT, NULL, MUST}, {NULL, TEXT, NULL, false}};
static const struct field ack_fields[] = {
  {"ok", FLAG, NULL, MUST}, {"topic", TEXT, NULL, false}, {"code", TEXT, NULL, false}, {"text", TEXT, NULL, false},
  {NULL, TEXT, NULL, false}};
static const struct field word_fields[] = {{"code", TEXT, NULL, false}, {"text", TEXT, NULL, false}, {NULL, TEXT, NULL, false}};
static const struct field no_fields[] = {{NULL, TEXT, NULL, false}};

enum rows { NOTHING, ONE, MANY };
static const struct {
  const struct field *fields;
  enum rows rows;
} answers[DIALECT_OP_COUNT] = {
  [DIALECT_CREATE_ORDER] = {named_fields, ONE}, [DIALECT_AMEND_ORDER] = {named_fields, ONE}, [DIALECT_CANCEL_ORDER] = {named_fields, ONE},
  [DIALECT_CANCEL_ALL] = {named_fields, MANY}, [DIALECT_FETCH_ORDER] = {order_fields, MANY}, [DIALECT_OPEN_ORDERS] = {order_fields, MANY},
  [DIALECT_ALL_ORDERS] = {order_fields, MANY}, [DIALECT_FILLS] = {fill_fields, MANY}, [DIALECT_BALANCE] = {balance_fields, MANY},
  [DIALECT_POSITIONS] = {position_fields, MANY}, [DIALECT_SET_LEVERAGE] = {no_fields, NOTHING},
  [DIALECT_SET_MARGIN_MODE] = {no_fields, NOTHING}, [DIALECT_SET_POSITION_MODE] = {no_fields, NOTHING},
  [DIALECT_TICKER] = {ticker_fields, ONE}, [DIALECT_TICKERS] = {ticker_fields, MANY}, [DIALECT_KLINES] = {kline_fields, MANY},
  [DIALECT_ORDERBOOK] = {book_fields, ONE}, [DIALECT_PUBLIC_TRADES] = {trade_fields, MANY}, [DIALECT_INSTRUMENTS] = {instrument_fields, MANY},
  [DIALECT_SERVER_TIME] = {time_fields, ONE}, [DIALECT_FUNDING] = {funding_fields, MANY}, [DIALECT_LEVERAGE_TIERS] = {leverage_fields, MANY},
  [DIALECT_FEE] = {fee_fields, MANY}, [DIALECT_CLOSED_PNL] = {pnl_fields, MANY}, [DIALECT_KEY_INFO] = {key_fields, ONE},
  [DIALECT_ACCOUNTS] = {account_fields, MANY}};

static const struct {
  const char *type;
  const struct field *fields;
} events[] = {{"order", order_fields}, {"fill", fill_fields}, {"position", position_fields}, {"balance", balance_fields},
  {"kline", kline_fields}, {"ticker", ticker_fields}, {"trade", trade_fields}, {"book", book_fields}, {"login", ack_fields},
  {"subscribed", ack_fields}, {"pong", word_fields}, {"hint", named_fields}, {"gap", word_fields}, {"error", word_fields}};

// ---- the check

struct check {
  char *what;
  size_t size;
};

static bool wrong(struct check *c, const char *fmt, ...) PRINTF(2, 3);
static bool wrong(struct check *c, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(c->what, c->size, fmt, ap);
  va_end(ap);
  return false;
}

// [-]digits[.digits][(e|E)[+-]digits]; whole numbers of JSON are decimals too.
static bool is_decimal(const json_t *v) {
  if (json_is_integer(v)) return true;
  const char *s = json_string_value(v);
  if (s == NULL || json_string_length(v) > 40) return false;
  s += *s == '-';
  size_t n = strspn(s, "0123456789");
  if (n == 0) return false;
  s += n;
  if (*s == '.') {
    n = strspn(++s, "0123456789");
    if (n == 0) return false;
    s += n;
  }
  if (*s == 'e' || *s == 'E') {
    s += s[1] == '+' || s[1] == '-' ? 2 : 1;
    n = strspn(s, "0123456789");
    if (n == 0 || n > 2) return false;
    s += n;
  }
  return *s == '\0';
}

static bool is_word(const json_t *v, const char *words) {
  const char *s = json_string_value(v), *at;
  if (s == NULL) return false;
  if (words == NULL) return dialect_why_known(s);
  size_t len = json_string_length(v);
  return len > 0 && strchr(s, ' ') == NULL && (at = strstr(words, s)) != NULL &&
         ((at[-1] == ' ' && at[len] == ' ') || ((at = strstr(at + 1, s)) != NULL && at[-1] == ' ' && at[len] == ' '));
}

static bool check_fields(struct check *c, const json_t *o, const struct field *fields, const char *where, bool with_type);

static bool check_levels(struct check *c, const json_t *v, const char *where, const char *name) {
  size_t i;
  json_t *level;
  if (!json_is_array(v)) return wrong(c, "%s.%s is no list", where, name);
  json_array_foreach(v, i, level)
    if (!check_fields(c, level, level_fields, name, false)) return false;
  return true;
}

static bool check_value(struct check *c, const json_t *v, const struct field *f, const char *where) {
  const char *text = json_string_value(v);
  switch (f->kind) {
    case TEXT: return text != NULL && json_string_length(v) <= 256 ? true : wrong(c, "%s.%s is no text, or a long one", where, f->name);
    case DECIMAL: return is_decimal(v) ? true : wrong(c, "%s.%s: '%.30s' is no decimal text", where, f->name, text != NULL ? text : "…");
    case WHOLE: return json_is_integer(v) ? true : wrong(c, "%s.%s is no whole number", where, f->name);
    case FLAG: return json_is_boolean(v) ? true : wrong(c, "%s.%s is neither true nor false", where, f->name);
    case WORD:
      if (is_word(v, f->words)) return true;
      return wrong(c, "%s.%s: '%.30s' is none of%s", where, f->name, text != NULL ? text : "…", f->words != NULL ? f->words : " the reasons");
    case LEVELS: return check_levels(c, v, where, f->name);
    case IDS: return json_is_array(v) ? true : wrong(c, "%s.%s is no list", where, f->name);
  }
  return false;
}

static bool check_fields(struct check *c, const json_t *o, const struct field *fields, const char *where, bool with_type) {
  const char *key;
  json_t *v;
  if (!json_is_object(o)) return wrong(c, "%s is no table of named fields", where);
  json_object_foreach((json_t *)o, key, v) {
    const struct field *f = fields;
    if (with_type && strcmp(key, "type") == 0) continue;
    while (f->name != NULL && strcmp(f->name, key) != 0) f++;
    if (f->name == NULL) return wrong(c, "%s has no field '%.40s'", where, key);
    if (!check_value(c, v, f, where)) return false;
  }
  for (const struct field *f = fields; f->name != NULL; f++)
    if (f->must && json_object_get(o, f->name) == NULL) return wrong(c, "%s.%s is missing", where, f->name);
  return true;
}

bool dialect_check_answer(enum dialect_op op, const json_t *data, char *what, size_t size) {
  struct check c = {what, size};
  char where[64];
  size_t i;
  json_t *row;
  switch (answers[op].rows) {
    case NOTHING: return true;
    case ONE:
      if (json_is_array(data) && json_array_size(data) == 0 && answers[op].fields == named_fields) return true;
      snprintf(where, sizeof where, "%s", dialect_op_text(op));
      return check_fields(&c, data, answers[op].fields, where, false);
    case MANY: break;
  }
  if (!json_is_array(data)) return wrong(&c, "%s: data is no list", dialect_op_text(op));
  json_array_foreach(data, i, row) {
    snprintf(where, sizeof where, "%s[%zu]", dialect_op_text(op), i + 1);
    if (!check_fields(&c, row, answers[op].fields, where, false)) return false;
  }
  return true;
}

bool dialect_check_event(const json_t *event, char *what, size_t size) {
  struct check c = {what, size};
  const char *type = json_string_value(json_object_get(event, "type"));
  for (size_t i = 0; type != NULL && i < sizeof events / sizeof *events; i++)
    if (strcmp(events[i].type, type) == 0) return check_fields(&c, event, events[i].fields, type, true);
  return wrong(&c, "an event of no known type '%.30s'", type != NULL ? type : "…");
}
