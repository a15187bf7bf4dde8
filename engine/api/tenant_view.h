// api/tenant_view.h – private to api/: what pages over all bots of a tenant share: the bots by number, the filter in the query, rows of
// trades and fills as they are shown.
#pragma once
#include "api/call.h"
#include "backtest/json_out.h"
#include "market/instrument.h"
#include "store/tenant_rows.h"

struct tenant_view_bot {
  int64_t id, account_id, script_id, since_ns;
  char *name, *account, *script, *currency, *state, *reason_code, *reason;  // of the view
  bool paper, deleted;
};
struct tenant_view {
  struct api_call *call;
  struct tenant_view_bot *bots;  // by id, deleted ones too
  size_t count, room;
  struct tenant_filter filter;   // of the query
  struct buf ids, texts;         // what the filter's bots and the bots' texts are in
  struct journal_series *series; // those that were asked for
  size_t series_count;
  enum status status;            // not OK: a row could not be shown
  void *more;                    // the handler's own, for its next phases
  void (*more_finish)(void *more);  // of it, when the call ends
};

// The tenant's bots, and the filter that the query asks for: bot_id, strategy_id, account_id, symbol, side, result, from_ms, to_ms, as far as
// the route has them. Everything lives as long as the call; call->state is the view's until it ends.
enum status tenant_view_begin(struct api_call *call, struct tenant_view **ret) MUST_CHECK;
const struct tenant_view_bot *tenant_view_bot(const struct tenant_view *v, int64_t id);  // NULL: there is none of this number
// Of a series of the journal; NULL: v->status tells.
const struct journal_series *tenant_view_series(struct tenant_view *v, uint32_t id);
struct db *tenant_view_journal(const struct tenant_view *v);

// Members that say whose a row is: bot_id, bot, strategy_id, strategy, account_id, account, currency.
void tenant_view_put_owner(struct json_out *o, const struct tenant_view *v, int64_t bot_id);
// Answers with what was written, or tells that memory is out.
enum status tenant_view_answer(struct api_call *call, struct buf *text, enum status st) MUST_CHECK;
// Does nothing in the pool and goes on: so a long answer lets others have their turn.
enum status tenant_view_pause(struct api_call *call, api_phase next);

cash tenant_view_clamp(int128 e8);  // at the bounds of 64 bits
