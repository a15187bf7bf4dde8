// risk/protect.c – a ring of closed trades and, per rule and symbol, until when it pauses.
#include "risk/protect.h"

#include "base/pack.h"

#include <assert.h>
#include <stdlib.h>

struct pause { int64_t until_ns, value; };  // value as in the refusal

struct protect {
  struct protect_rule rules[PROTECT_RULES_MAX];
  size_t rule_count;
  int symbols;
  struct protect_trade *trades;  // ring
  size_t cap, count, newest;
  struct pause *pauses;          // [rule][symbol], and one for all at [rule][symbols]
};

static const struct { const char *name; enum refusal_rule refusal; } kinds[PROTECT_KINDS] = {
  [PROTECT_COOLDOWN] = {"cooldown", REFUSE_COOLDOWN},
  [PROTECT_STOP_GUARD] = {"stop_guard", REFUSE_STOP_GUARD},
  [PROTECT_LOW_PROFIT] = {"low_profit", REFUSE_LOW_PROFIT},
  [PROTECT_WINDOW_DRAWDOWN] = {"window_drawdown", REFUSE_WINDOW_DRAWDOWN},
};

static enum status rule_valid(const struct protect_rule *r, struct err *err) {
  if ((unsigned)r->kind >= PROTECT_KINDS) return err_set(err, ERR_INVALID, "no such protection");
  const char *name = kinds[r->kind].name;
  if (r->pause_ns <= 0) return err_set(err, ERR_INVALID, "%s: the pause must be above 0", name);
  if (r->kind == PROTECT_COOLDOWN) return OK;
  if (r->window_ns <= 0) return err_set(err, ERR_INVALID, "%s: the window must be above 0", name);
  if (r->trades < 1) return err_set(err, ERR_INVALID, "%s: at least one trade is required", name);
  if (r->kind == PROTECT_WINDOW_DRAWDOWN && r->frac_e8 < 0)
    return err_set(err, ERR_INVALID, "%s: the drawdown is negative", name);
  return OK;
}

enum status protect_create(const struct protect_rule *rules, size_t count, int symbols, size_t trades, struct protect **ret,
                           struct err *err) {
  assert(symbols > 0);
  *ret = NULL;
  if (count > PROTECT_RULES_MAX) return err_set(err, ERR_LIMIT, "at most %d protections", PROTECT_RULES_MAX);
  if (trades < 1 || trades > PROTECT_TRADES_MAX)
    return err_set(err, ERR_LIMIT, "1 to %d trades can be remembered", PROTECT_TRADES_MAX);
  for (size_t i = 0; i < count; i++) {
    enum status st = rule_valid(&rules[i], err);
    if (st != OK) return err_wrap(err, st, "protection %d", (int)i + 1);
    if (rules[i].kind != PROTECT_COOLDOWN && (size_t)rules[i].trades > trades)
      return err_set(err, ERR_LIMIT, "protection %d: %s counts %d trades, %d are remembered", (int)i + 1, kinds[rules[i].kind].name,
                     rules[i].trades, (int)trades);
  }
  struct protect *p = calloc(1, sizeof *p);
  if (p) {
    p->trades = calloc(trades, sizeof *p->trades);
    p->pauses = calloc((count + 1) * ((size_t)symbols + 1), sizeof *p->pauses);
  }
  if (!p || !p->trades || !p->pauses) {
    protect_destroy(p);
    return err_set(err, ERR_NOMEM, "protections");
  }
  for (size_t i = 0; i < count; i++) p->rules[i] = rules[i];
  p->rule_count = count;
  p->symbols = symbols;
  p->cap = trades;
  for (size_t i = 0; i < (count + 1) * ((size_t)symbols + 1); i++) p->pauses[i].until_ns = INT64_MIN;
  *ret = p;
  return OK;
}

void protect_destroy(struct protect *p) {
  if (!p) return;
  free(p->trades);
  free(p->pauses);
  free(p);
}

static struct pause *pause_of(const struct protect *p, size_t rule, int symbol) {
  return &p->pauses[rule * ((size_t)p->symbols + 1) + (size_t)symbol];
}

// The i-th trade of the window counted from the newest, or NULL: older than the window, or forgotten.
static const struct protect_trade *trade_back(const struct protect *p, size_t i, int64_t after_ns) {
  if (i >= p->count) return NULL;
  const struct protect_trade *t = &p->trades[(p->newest + p->cap - i) % p->cap];
  return t->close_ns > after_ns ? t : NULL;
}

// Largest fall of the cumulated profit in the window: the run of trades with the largest summed loss (Kadane), from the newest.
static int64_t drawdown(const struct protect *p, int64_t after_ns) {
  int128 worst = 0, run = 0;
  const struct protect_trade *t;
  // `run` is the deepest fall that begins with this trade: its own loss, and what followed if that was a fall too.
  for (size_t i = 0; (t = trade_back(p, i, after_ns)); i++) {
    run = -(int128)t->profit_e8 + (run > 0 ? run : 0);
    if (run > worst) worst = run;
  }
  return worst > INT64_MAX ? INT64_MAX : (int64_t)worst;
}

// Does the rule begin a pause? The value for its refusal in *ret.
static bool triggered(const struct protect *p, const struct protect_rule *r, const struct protect_trade *now, int64_t *ret) {
  int64_t after_ns;
  if (!sub_checked(now->close_ns, r->window_ns, &after_ns)) after_ns = INT64_MIN;
  const struct protect_trade *t;
  int64_t count = 0;
  int128 sum = 0;
  switch (r->kind) {
  case PROTECT_COOLDOWN: *ret = r->pause_ns; return true;
  case PROTECT_STOP_GUARD:
    for (size_t i = 0; (t = trade_back(p, i, after_ns)); i++)
      count += t->stop && t->profit_e8 < r->frac_e8 && (!r->per_symbol || t->symbol == now->symbol);
    *ret = count;
    return count >= r->trades;
  case PROTECT_LOW_PROFIT:
    for (size_t i = 0; (t = trade_back(p, i, after_ns)); i++)
      if (t->symbol == now->symbol) count++, sum += t->profit_e8;
    *ret = sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t)sum;
    return count >= r->trades && sum < r->frac_e8;
  case PROTECT_WINDOW_DRAWDOWN:
    while (trade_back(p, (size_t)count, after_ns)) count++;
    *ret = drawdown(p, after_ns);
    return count >= r->trades && *ret > r->frac_e8;
  case PROTECT_KINDS: break;
  }
  assert(false);
  return false;
}

int protect_closed(struct protect *p, const struct protect_trade *trade) {
  assert(trade->symbol >= 0 && trade->symbol < p->symbols);
  assert(p->count == 0 || trade->close_ns >= p->trades[p->newest].close_ns);
  p->newest = p->count == 0 ? 0 : (p->newest + 1) % p->cap;
  p->trades[p->newest] = *trade;
  if (p->count < p->cap) p->count++;
  int begun = 0;
  for (size_t i = 0; i < p->rule_count; i++) {
    const struct protect_rule *r = &p->rules[i];
    int64_t value, until_ns;
    if (!triggered(p, r, trade, &value)) continue;
    bool one = r->kind == PROTECT_COOLDOWN || r->kind == PROTECT_LOW_PROFIT || (r->kind == PROTECT_STOP_GUARD && r->per_symbol);
    if (!add_checked(trade->close_ns, r->pause_ns, &until_ns)) until_ns = INT64_MAX;
    *pause_of(p, i, one ? trade->symbol : p->symbols) = (struct pause){until_ns, value};
    begun++;
  }
  return begun;
}

void protect_take(struct protect *p, const struct protect *from) {
  assert(p->count == 0 && p->symbols == from->symbols);
  for (size_t i = from->count; i-- > 0;) (void)protect_closed(p, trade_back(from, i, INT64_MIN));
}

static const struct pack_field trade_fields[] = {PACK_FIELD(struct protect_trade, symbol, 0, 0, INT32_MAX), PACK_ANY(struct protect_trade, close_ns),
  PACK_ANY(struct protect_trade, profit_e8), PACK_FIELD(struct protect_trade, stop, 0, 0, 1)};

void protect_pack(struct protect *p, struct pack *bytes) {
  const bool reads = pack_reads(bytes);
  int64_t last_ns = INT64_MIN;
  for (size_t n = pack_count(bytes, p->count, PROTECT_TRADES_MAX); n > 0 && !bytes->failed; n--) {
    struct protect_trade t = reads ? (struct protect_trade){0} : *trade_back(p, n - 1, INT64_MIN);
    pack_fields(bytes, &t, trade_fields, sizeof trade_fields / sizeof *trade_fields);
    if (t.symbol >= p->symbols || t.close_ns < last_ns) pack_fail(bytes);
    if (reads && !bytes->failed) (void)protect_closed(p, &t);
    last_ns = t.close_ns;
  }
}

bool protect_check(const struct protect *p, int symbol, int64_t now_ns, struct refusal *why) {
  assert(symbol >= 0 && symbol < p->symbols);
  const struct pause *longest = NULL;
  size_t rule = 0;
  for (size_t i = 0; i < p->rule_count; i++) {
    const struct pause *both[] = {pause_of(p, i, symbol), pause_of(p, i, p->symbols)};
    for (int k = 0; k < 2; k++)
      if (both[k]->until_ns > now_ns && (!longest || both[k]->until_ns > longest->until_ns)) longest = both[k], rule = i;
  }
  if (!longest) return true;
  const struct protect_rule *r = &p->rules[rule];
  int64_t limit = r->kind == PROTECT_COOLDOWN ? r->pause_ns : r->kind == PROTECT_STOP_GUARD ? r->trades : r->frac_e8;
  refuse(why, kinds[r->kind].refusal, LEVEL_BOT, limit, longest->value);
  why->until_ns = longest->until_ns;
  return false;
}

const char *protect_kind_text(enum protect_kind k) {
  assert((unsigned)k < PROTECT_KINDS);
  return kinds[k].name;
}
