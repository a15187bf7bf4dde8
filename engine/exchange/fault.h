// exchange/fault.h – what goes wrong on purpose: rules out of one table of faults, decided by a seed, so that a run can be had again.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum fault_where { AT_REQUEST, AT_WIRE, AT_FRAME, AT_TIME };

// name, text, where, default value, what it does ("value" is the rule's value)
#define FAULT_LIST(X)                                                                                                          \
  X(FAULT_DROP_BEFORE, "drop_before", AT_REQUEST, 0, "the connection closes; the request has had no effect")                   \
  X(FAULT_DROP_AFTER, "drop_after", AT_REQUEST, 0, "the request has its effect, then the connection closes without an answer") \
  X(FAULT_DELAY, "delay", AT_REQUEST, 1000, "effect at once, the answer value ms later")                                       \
  X(FAULT_DELAY_BEFORE, "delay_before", AT_REQUEST, 1000, "effect and answer value ms later; queries meanwhile see nothing")    \
  X(FAULT_DROP_THEN_EFFECT, "late", AT_REQUEST, 1000, "the connection closes at once; the effect comes value ms later")        \
  X(FAULT_ERROR_BEFORE, "error_before", AT_REQUEST, 502, "HTTP status value without an effect")                                \
  X(FAULT_ERROR_AFTER, "error_after", AT_REQUEST, 502, "HTTP status value though the effect happened")                         \
  X(FAULT_INTERNAL_BEFORE, "internal_before", AT_REQUEST, 10016, "retCode value without an effect")                            \
  X(FAULT_INTERNAL_AFTER, "internal_after", AT_REQUEST, 10016, "retCode value though the effect happened")                     \
  X(FAULT_HALF_REPLY, "half_reply", AT_REQUEST, 0, "half of the answer's body, then the connection closes")                    \
  X(FAULT_CUT_REPLY, "cut_reply", AT_REQUEST, 17, "the first value bytes of the answer, head included, then the connection closes") \
  X(FAULT_CUT_REQUEST, "cut_request", AT_WIRE, 100, "the connection closes once value bytes of the request have come; an effect only if that was all of it") \
  X(FAULT_THROTTLE, "throttle", AT_REQUEST, 1000, "retCode 10006; the headers say that value ms must pass")                    \
  X(FAULT_BAN, "ban", AT_REQUEST, 0, "HTTP 403, access too frequent")                                                          \
  X(FAULT_NOT_FOUND, "not_found", AT_REQUEST, 3000, "queries, amends and cancels do not find orders younger than value ms; later they do") \
  X(FAULT_PARTIAL_CANCEL, "partial_cancel", AT_REQUEST, 50, "a new order is filled to at most value percent and then cancelled by the exchange") \
  X(FAULT_WS_DUPLICATE, "ws_duplicate", AT_FRAME, 0, "a frame is sent twice")                                                  \
  X(FAULT_WS_REORDER, "ws_reorder", AT_FRAME, 0, "a frame is sent after the next one")                                         \
  X(FAULT_WS_DROP, "ws_drop", AT_FRAME, 0, "a frame is not sent")                                                              \
  X(FAULT_WS_DELAY, "ws_delay", AT_FRAME, 1000, "a frame, and all behind it, comes value ms later")                            \
  X(FAULT_WS_CUT, "ws_cut", AT_FRAME, 0, "the WebSocket is cut instead of the frame")                                          \
  X(FAULT_DISCONNECT, "disconnect", AT_TIME, 0, "all WebSockets are cut")                                                      \
  X(FAULT_SKEW, "skew", AT_TIME, 5000, "the exchange's clock is off by value ms from now on (a negative one is slow)")         \
  X(FAULT_FUNDING, "funding", AT_TIME, 100, "funding of value/10,000 percent, for all positions")                              \
  X(FAULT_LIQUIDATION, "liquidation", AT_TIME, 0, "the largest position of all is liquidated, whatever its margin")            \
  X(FAULT_JUMP, "jump", AT_TIME, 500, "prices jump by value/100 percent, up or down by the seed")

enum fault {
#define X(name, text, where, value, about) name,
  FAULT_LIST(X)
#undef X
  FAULT_COUNT,
  FAULT_NONE = FAULT_COUNT
};

// Mixtures with a name.
#define FAULT_PRESETS(X)                                                                                                       \
  X("hell", "drop_after:on=order/,p=0.05; drop_before:on=order/,p=0.05; delay:on=order/,p=0.1,value=1500; late:on=order/create,p=0.03,value=2000; " \
            "error_after:p=0.03; error_before:p=0.03; internal_after:p=0.03; half_reply:p=0.03; throttle:p=0.03; not_found:on=order/,p=0.1; partial_cancel:p=0.1; " \
            "ws_duplicate:p=0.1; ws_reorder:p=0.1; ws_drop:p=0.02; disconnect:every=45000; jump:every=60000,value=200; funding:every=300000,value=10") \
  X("rain", "delay:p=0.1,value=400; drop_after:on=order/create,p=0.02; ws_duplicate:p=0.05; disconnect:every=120000")

struct fault_about { const char *name; enum fault_where where; int64_t value; const char *about; };
extern const struct fault_about exch_fault_table[FAULT_COUNT];

#define FAULT_RULES_MAX 64
struct fault_rule {
  enum fault fault;
  char on[48];           // part of the path (topic); "" all trading requests (private topics)
  char link[40];         // orderLinkId begins so; "" any
  int64_t p_e9;          // probability
  int64_t value, every_ms;
  uint64_t after, count; // the first `after` matches pass; at most `count` times, 0: no end
  uint64_t matches, fired;
  int64_t next_ms;
};
struct faults {
  uint64_t seed, number;
  struct fault_rule rules[FAULT_RULES_MAX];
  int count;
};

// "drop_after:on=order/create,p=0.1,count=3,value=500" with keys on, link, p, value, after, count, every (ms); or the name of a preset
// ("hell"); several separated by ";" or line breaks, "#" begins a comment. ERR_INVALID names the part.
enum status exch_faults_add(struct faults *f, const char *spec, struct err *err) MUST_CHECK;
// {"fault":"drop_after","on":…}: the same as JSON.
enum status exch_faults_add_json(struct faults *f, const json_t *rule, struct err *err) MUST_CHECK;
json_t *exch_faults_json(const struct faults *f);
// The first rule at that place which fires for it, or NULL. what: path or topic.
struct fault_rule *exch_faults_pick(struct faults *f, enum fault_where where, const char *what, const char *link);
// The next timed rule that is due; NULL: none.
struct fault_rule *exch_faults_due(struct faults *f, int64_t now_ms);
