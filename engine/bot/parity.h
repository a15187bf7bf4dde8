// bot/parity.h – parity certificate of a paper run: a fresh walk over the bars it was shown, as a backtest would make it, ends with the
// same event hash; or the list of what came between, so that nobody has to guess whether backtest and paper agree.
//
// The fresh walk knows nothing of what happened live: no restart, no denial, no kill switch, no changed parameter, no signal.
#pragma once
#include "bot/replay.h"

// X(NAME, text, explains): does such an event explain why a fresh walk may end elsewhere?
#define PARITY_LIST(X)                                                                                                    \
  X(RESUMED, "the script was started again in between, from its state", true)                                             \
  X(IMPOSED, "the core denied, cancelled or closed by itself", true)                                                      \
  X(PARAMS, "parameters were changed while it ran", true)                                                                 \
  X(VERSION, "another version of the script took over while it ran", true)                                                \
  X(SIGNAL, "signals from outside were delivered", true)                                                                  \
  X(STOPPED, "the script was told to stop", true)                                                                         \
  X(SKIPPED, "its tenant's CPU time for an instant was used up, so the script had no part in it", true)                   \
  X(FAILED, "the script failed in the fresh walk", true)                                                                  \
  X(GAP, "bars are missing in the recording", false)                                                                      \
  X(DECISION, "a decision differs", false)                                                                                \
  X(HASH, "decisions agree, what became of them does not", false)
enum parity_why {
#define X(name, text, explains) PARITY_##name,
  PARITY_LIST(X)
#undef X
  PARITY_COUNT
};
const char *parity_text(enum parity_why why);
bool parity_explains(enum parity_why why);

struct parity_reason {
  int64_t count;     // 0: did not happen
  int64_t first_ns;
  char text[640];    // of DECISION: expected and got; of FAILED: the error
};
struct parity_certificate {
  bool certified;    // the hashes agree
  bool explained;    // they do not, and something above explains it. Neither: look for a fault of ours
  char live[SHA256_HEX_SIZE], fresh[SHA256_HEX_SIZE];
  int64_t instants, commands;  // walked; compared
  struct parity_reason reasons[PARITY_COUNT];  // also of a certified run, but for DECISION and HASH
};

// run: the recorded run, as for replay_run (explain_… are not used). live_hash: of its clerk at its end. Errors as replay_run.
enum status parity_check(const struct replay_config *run, const char *live_hash, struct parity_certificate *ret, struct err *err) MUST_CHECK;
// {"certified","explained","live","fresh","instants","commands","reasons":[{"why","text","count","first_ms"}]}. A reference of the caller's.
json_t *parity_json(const struct parity_certificate *c);
