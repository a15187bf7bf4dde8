// backtest/judge.h – the rules of a prop firm (risk/rule_set.h) over a walk through history, by the same code as over a live bot on paper:
// the core's clerk (bot/clerk.h) beside the walk's own matcher.
//
// The clerk is shown each instant's market and told each command of the script. What it denies it cancels, what it has to close it closes;
// those commands are the instant's too, and go to the walk's matcher behind the script's. So both have one history, and the event hash is
// that of a paper run on the same bars.
//
// A flatten is executed a moment (to the next millisecond) after it was ordered, at the last price with its costs, as live.
#pragma once
#include "backtest/result.h"
#include "bot/bot.h"
#include "bot/instant.h"
#include "risk/news.h"

struct judge_config {
  const char *rules;              // the JSON form; "initial" is the deposit where it has none
  size_t rules_len;
  const struct news_list *news;   // borrowed; NULL: an empty calendar
  const struct match_config *match;
  const struct match_symbol_config *symbols;
  int symbol_count;
  int64_t begin_ns;               // the first risk day begins
  struct result *result;          // borrowed: denials, log lines and what the rules come to
};
struct judge;
// ERR_INVALID: the rules' text (with its line), or a model whose sizes are only known at the fill (the compat models).
enum status judge_create(const struct judge_config *config, struct judge **ret, struct err *err) MUST_CHECK;
void judge_destroy(struct judge *j);  // NULL is fine

// The market's part of an instant, before its first command. ERR_RANGE: an amount does not fit.
enum status judge_market(struct judge *j, const struct instant *in, struct err *err) MUST_CHECK;
// Each command of the script in its order, and each mark of the main stream.
void judge_command(struct judge *j, const struct bot_command *c);
// The end of the instant: what is imposed is applied to the matcher, what on_risk is to hear waits in the bot for its next settle.
enum status judge_end(struct judge *j, struct matcher *m, struct bot *b, struct err *err) MUST_CHECK;
// When it wants an instant of its own, later than the last: something is to be closed, or a calendar's entry begins; INT64_MAX: not.
int64_t judge_next(const struct judge *j);
// At the end of the walk: into result->rules.
void judge_report(const struct judge *j);
