// backtest/judge.c – see judge.h.
#include "backtest/judge.h"

#include "bot/clerk.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELLS_MAX 64  // one of a code in an instant, as live
#define SOON_MAX 4    // instants of its own between two bars

struct told {
  enum reason code;
  double limit, value;
  int64_t until_ns;
};

struct judge {
  struct judge_config config;  // without what it points to but news and result
  struct rule_set *rules;
  struct clerk_shared shared;
  struct clerk_tenant tenant;
  struct clerk_account *account;
  struct clerk *clerk;
  int64_t now_ns;
  price last[SPEC_STREAMS_MAX];
  struct bot_command *imposed;  // of this instant
  size_t imposed_count, imposed_cap;
  struct told told[TELLS_MAX];
  int told_count;
  uint64_t told_codes;
  int soon;                     // instants without a bar since the last one with
  bool ended;                   // the day or the account is over
  bool failed_memory;
  const char *fault;            // of a command; static
};

// ---- what the clerk says

static void tell(struct judge *j, enum reason code, double limit, double value, int64_t until_ns) {
  const uint64_t bit = UINT64_C(1) << ((unsigned)code % 64);
  if (j->told_codes & bit || j->told_count == TELLS_MAX) return;
  j->told_codes |= bit;
  j->told[j->told_count++] = (struct told){code, limit, value, until_ns};
}

static void say(struct judge *j, const char *text) {
  if (!result_log_add(j->config.result, j->now_ns, "warn", text)) j->failed_memory = true;
}

static void on_denied(void *self, const struct clerk_denial *d) {
  struct judge *j = self;
  const struct denial n = refusal_denial(d->why, d->inst);
  char text[REFUSAL_TEXT_SIZE + 80];
  snprintf(text, sizeof text, "order %llu refused: %s: %s", (unsigned long long)d->order, reason_code(d->code), d->text);
  say(j, text);
  result_denied_add(j->config.result, d->time_ns, d->code);
  j->config.result->rules.denied++;
  tell(j, d->code, n.limit, n.value, d->why->until_ns);
}

static void on_imposed(void *self, const struct bot_command *c) {
  struct judge *j = self;
  if (j->imposed_count == j->imposed_cap) {
    const size_t cap = j->imposed_cap ? 2 * j->imposed_cap : 64;
    struct bot_command *more = realloc(j->imposed, cap * sizeof *more);
    if (!more) {
      j->failed_memory = true;
      return;
    }
    j->imposed = more;
    j->imposed_cap = cap;
  }
  j->imposed[j->imposed_count++] = *c;
}

static void on_intervened(void *self, enum reason code, const char *text) {
  struct judge *j = self;
  (void)code;
  say(j, text);
  j->config.result->rules.interventions++;
}

static bool last_price(void *self, int symbol, price *ret) {
  const struct judge *j = self;
  *ret = j->last[symbol];
  return price_given(*ret);
}

// ---- life

enum status judge_create(const struct judge_config *config, struct judge **ret, struct err *err) {
  struct judge *j = calloc(1, sizeof *j);
  if (!j) return err_set(err, ERR_NOMEM, "out of memory");
  j->config = *config;
  j->now_ns = config->begin_ns;
  for (int i = 0; i < SPEC_STREAMS_MAX; i++) j->last[i] = NO_PRICE;
  enum status st = rule_set_parse_of(config->rules, config->rules_len, config->match->deposit, &j->rules, err);
  if (st != OK) err_wrap(err, st, "the rule set");
  clerk_tenant_init(&j->tenant, 1, &(struct gate_limits){0});
  const struct clerk_account_config account = {.id = 1, .tenant = &j->tenant, .balance = config->match->deposit, .rules = j->rules, .news = config->news, .now_ns = config->begin_ns};
  if (st == OK) st = clerk_account_create(&account, &j->account, err);
  const struct clerk_config clerk = {.bot_id = 1, .version = 1, .run = 1, .shared = &j->shared, .account = j->account,
    .blotter = {.match = *config->match, .symbols = config->symbols, .symbol_count = config->symbol_count}, .live_from_ns = config->begin_ns,
    .observer = {.self = j, .denied = on_denied, .imposed = on_imposed, .intervened = on_intervened, .last_price = last_price}};
  if (st == OK) st = clerk_create(&clerk, &j->clerk, err);
  if (st != OK) {
    judge_destroy(j);
    return st;
  }
  struct result_rules *r = &config->result->rules;
  *r = (struct result_rules){.given = true};
  snprintf(r->name, sizeof r->name, "%s", j->rules->name);
  *ret = j;
  return OK;
}

void judge_destroy(struct judge *j) {
  if (!j) return;
  clerk_destroy(j->clerk);
  clerk_account_destroy(j->account);
  rule_set_destroy(j->rules);
  free(j->imposed);
  free(j);
}

// ---- an instant

enum status judge_market(struct judge *j, const struct instant *in, struct err *err) {
  j->now_ns = in->now_ns;
  j->imposed_count = 0;
  j->soon = in->match_count > 0 ? 0 : j->soon + 1;
  for (int i = 0; i < in->match_count; i++) j->last[in->match[i].symbol] = in->match[i].bar.bar->close;
  return clerk_market(j->clerk, in, err);
}

void judge_command(struct judge *j, const struct bot_command *c) {
  struct clerk_verdict v;
  if (j->fault) return;
  clerk_command(j->clerk, c, &v);
  if (v.answer == CLERK_INVALID) j->fault = v.fault;
}

// The day or the account has ended, or the day has turned: scripts hear of it.
static void look_at_the_rules(struct judge *j) {
  struct result_rules *r = &j->config.result->rules;
  const struct rule_result standing = rule_standing(clerk_account_rules(j->account));
  const bool ended = standing.action != RULE_GO_ON, turned = ended != j->ended;
  j->ended = ended;
  if (clerk_account_wants_flat(j->account)) clerk_account_act(j->account);
  if (!turned) return;
  if (!ended) {
    tell(j, REASON_PROP_RULE, NAN, NAN, j->now_ns);
    return;
  }
  char text[REFUSAL_TEXT_SIZE];
  const struct denial n = refusal_denial(&standing.why, NULL);
  tell(j, REASON_PROP_RULE, n.limit, n.value, standing.why.until_ns);
  r->ends++;
  if (r->ended_ns == 0) {
    r->ended_ns = j->now_ns;
    snprintf(r->why, sizeof r->why, "%s", refusal_text(&standing.why, NULL, text));
  }
}

enum status judge_end(struct judge *j, struct matcher *m, struct bot *b, struct err *err) {
  clerk_end(j->clerk);
  clerk_committed(j->clerk);
  (void)clerk_forget(j->clerk);
  j->told_codes = 0;
  look_at_the_rules(j);
  for (size_t i = 0; i < j->imposed_count; i++) command_apply(m, &j->imposed[i]);
  for (int i = 0; i < j->told_count; i++) bot_risk_tell(b, j->told[i].code, j->told[i].limit, j->told[i].value, j->told[i].until_ns);
  j->imposed_count = 0;
  j->told_count = 0;
  if (j->fault) return err_set(err, ERR_INVALID, "the rules' books do not take an order: %s", j->fault);
  return j->failed_memory ? err_set(err, ERR_NOMEM, "out of memory for the result") : OK;
}

int64_t judge_next(const struct judge *j) {
  const int64_t news_ns = clerk_news_next(j->clerk);
  const int64_t soon_ns = j->soon < SOON_MAX && clerk_closing(j->clerk) ? timeframe_floor(j->now_ns, NS_PER_MS) + NS_PER_MS : INT64_MAX;
  return news_ns > j->now_ns && news_ns < soon_ns ? news_ns : soon_ns;
}

void judge_report(const struct judge *j) {
  struct result_rules *r = &j->config.result->rules;
  const struct rule_state *s = clerk_account_rules(j->account);
  r->failed = s->failed;
  r->stopped = s->stopped;
  r->has_consistency = rule_consistency(s, &r->consistency_e8);
}
