// signal/rules_host.h – the service's side of the process that asks rules (rules_child.h): starts it when the first question comes, sends
// questions, gives answers back in their order, and starts it anew when it dies or does not answer. On the loop.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct rules_host;

struct rules_host_options {
  struct loop *loop;
  const char *exe;         // this program, absolute
  int64_t answer_ms;       // a question that takes longer costs the process; 0: 2,000
  void (*log)(void *arg, const char *event, const char *detail);  // "rules_died"; may be NULL
  void *log_arg;
};
enum status rules_host_create(const struct rules_host_options *options, struct rules_host **ret, struct err *err) MUST_CHECK;
// Questions that are open are not answered any more. NULL does nothing.
void rules_host_destroy(struct rules_host *h);

// One stage of a question. All borrowed for the call.
struct rules_stage {
  const char *name, *file, *sha256;
  const char *source;
  size_t source_len;
  const json_t *settings;  // given ones; NULL: none
};
// accept, what each stage said and the signal as they left it, both borrowed. NULL log: the process died over this question or could
// not be started; the reason is in err, and nothing is accepted.
typedef void (*rules_answered)(void *arg, bool accept, json_t *log, json_t *signal, const struct err *err);
// ERR_LIMIT: too many stages; ERR_NOMEM. Else fn is called exactly once, later, unless the host is destroyed.
enum status rules_host_ask(struct rules_host *h, const struct rules_stage *stages, size_t count, const json_t *signal, const json_t *env, rules_answered fn,
  void *arg, struct err *err) MUST_CHECK;

// A rule's header, evaluated there: accept, and the header (script/profile.h) as the signal; else what is wrong as the error of log's entry.
enum status rules_host_describe(struct rules_host *h, const char *file, const char *source, size_t len, rules_answered fn, void *arg, struct err *err) MUST_CHECK;

struct rules_host_stats {
  uint64_t asked, died;
  unsigned waiting;
};
struct rules_host_stats rules_host_stats(const struct rules_host *h);
