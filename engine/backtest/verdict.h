// backtest/verdict.h – the proof of an uploaded strategy, in seconds: is it what it says it is, and how far can its results be
// trusted? Nothing unproven becomes active.
//
// Checks, each pass, warn, fail or skip, with the reason in plain words:
//   describe     the header is right, the parameters are in range                                  (fail: nothing else runs)
//   lint         what is allowed and rarely meant: nothing ever trades, on_tick in a backtest, no worst case declared …
//   run          it runs to the end: no error, no budget overrun                                    (fail: nothing else runs)
//   determinism  the same run twice gives the same hash                                             (else fail)
//   lookahead    history is cut at several bars: all fills before the cut must be as before         (else fail)
//   warmup       the same days traded with less and with more history before them                   (else warn; fail when most fills differ)
//   start        started some bars later: is it the market that decides, or a count of bars?        (else warn)
//   calendar     the same bars, 52 weeks later: are there dates written into the script?            (else warn)
//   paths        nearer, adverse, favourable path inside bars                                       (warn when the sign of the result depends on it)
//   costs        fees, spread and slippage doubled                                                  (warn when that turns profit into loss)
//
// What is stopped at a budget of computing time is tried once more before it counts, since such a budget also measures the machine; the reason
// says so.
//
// It runs on the data it is given; without any, on a seeded random walk made for the script's data plan, where the figures of
// `paths` and `costs` mean nothing and are reported without judgement.
#pragma once
#include "backtest/request.h"
#include "base/buf.h"

enum verdict_status { VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL, VERDICT_SKIP };
const char *verdict_status_text(enum verdict_status s);  // "pass"

struct probe_data;
struct probe_run;

struct verdict_options {
  const struct backtest_config *config;    // script_path, source, costs, limits, watchdog; files may be none. spec and values are not looked at
  const struct backtest_request *request;  // its params over the defaults; NULL: the defaults
  size_t bars_max;                         // of main, the newest are taken; 0: 20,000
  int64_t run_cpu_ns;                      // a first run that takes longer gets fewer bars: there are up to two dozen. 0: 1 s
  // While somebody types: describe, run, and of lint what few bars can tell; the rest stays "skip". Some 400 bars unless bars_max says otherwise,
  // and a script that is too slow for run_cpu_ns has not failed.
  bool quick;
  bool (*progress)(void *self, size_t done, size_t total);  // checks done; false stops. May be NULL
  void *progress_self;
  // Instead of verdict_run.h's probe_run: where tests plant an engine that cheats. NULL otherwise.
  enum status (*run)(const struct backtest_config *c, const struct probe_data *d, struct probe_run *ret, struct err *err);
};

// {"verdict": "pass", "checks": [{"check": …, "status": …, "reason": …}, …], "script": {…header…}, "data": […], "figures": {…},
//  "seconds": …}. A script that fails is a result, not an error: errors are ERR_NOMEM, ERR_CANCELLED, and data that do not load.
enum status verdict_json(const struct verdict_options *options, struct buf *out, struct err *err) MUST_CHECK;

// The overall verdict: the worst of the checks.
enum verdict_status verdict_of(const struct buf *json);
