// signal/rules_host.h – the service's side of the processes that ask rules (rules_child.h): starts them when there are questions, shares them out
// among tenants, and makes a rule that hangs or ends its process the matter of the tenant whose question it was. On the loop.
//
// All tenants share one process. When it dies or hangs, everybody's questions are asked again of its successor, but the one that it was working on: that,
// and what its tenant asks in the next minute, goes to a second process, apart, one question at a time. If that ends over it too, the rule that was
// running (the shared word says which, bot/host_word.h) is held in quarantine: it is not asked any more for that tenant, and refuses with the reason, until
// it has another version or an operator lets it go. Who makes others wait – three questions of more than 2 ms of CPU – is asked apart for a while as well.
// A process that somebody else kills is nobody's fault: what it was asked is asked again.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct rules_host;
struct rules_source;

struct rules_held {
  int64_t tenant_id;
  const char *sha256, *file, *why;
};

struct rules_host_options {  // 0: what is in parentheses
  struct loop *loop;
  const char *exe;         // this program, absolute
  int64_t stage_cpu_ms;    // CPU time without a stage's end: it hangs (150); the budgets inside cut a script at a hundredth of it
  int64_t answer_ms;       // the same by the clock, whatever the CPU says (5,000)
  int64_t patience_ms;     // so long questions wait where no process can be started (10,000)
  int64_t apart_ms;        // a tenant whose question a process ended over is asked apart so long (60,000); one whose rule is held ten times that
  void (*log)(void *arg, const char *event, const char *detail);  // "rules_died" "rules_held" "rules_slow"; may be NULL
  void (*held)(void *arg, const struct rules_held *what);         // for keeps; may be NULL
  void *arg;
};
enum status rules_host_create(const struct rules_host_options *options, struct rules_host **ret, struct err *err) MUST_CHECK;
// Questions that are open are not answered any more. NULL does nothing.
void rules_host_destroy(struct rules_host *h);

// A rule's source as a tenant uses it, made once and asked often: it goes over to a process the first time only. Rules of two tenants share nothing
// in there, the same source included. NULL: no memory.
struct rules_source *rules_source_create(int64_t tenant_id, const char *file, const char *sha256, const char *source, size_t len);
void rules_source_free(struct rules_source *s);  // questions that are open keep it; NULL does nothing

// One stage of a question. All borrowed for the call.
struct rules_stage {
  const char *name;
  struct rules_source *source;
  const json_t *settings;  // given ones; NULL: none
};
// accept, what each stage said and the signal as they left it, both borrowed. NULL signal: a rule is held, which log says, and none was asked. NULL log: it
// could not be asked; the reason is in err. Nothing is accepted then.
typedef void (*rules_answered)(void *arg, bool accept, json_t *log, json_t *signal, const struct err *err);
// env: JSON object without accepted, which is a list as compact JSON (NULL: empty), so that nobody has to take it apart in vain. ERR_LIMIT: too many stages; ERR_NOMEM. Else fn is called exactly once, later, unless the host is destroyed.
enum status rules_host_ask(struct rules_host *h, int64_t tenant_id, const struct rules_stage *stages, size_t count, const json_t *signal, const json_t *env, const char *accepted,
  rules_answered fn, void *arg, struct err *err) MUST_CHECK;

// A rule's header, evaluated there: accept, and the header (script/profile.h) as the signal; else what is wrong as the error of log's entry.
enum status rules_host_describe(struct rules_host *h, int64_t tenant_id, const char *file, const char *source, size_t len, rules_answered fn, void *arg, struct err *err) MUST_CHECK;

// What was held when the service ran before; what an operator lets go of.
void rules_host_hold(struct rules_host *h, const struct rules_held *what);
void rules_host_release(struct rules_host *h, int64_t tenant_id, const char *sha256);
// Why a rule is held for a tenant; NULL: it is not. Valid until it is let go.
const char *rules_host_held(const struct rules_host *h, int64_t tenant_id, const char *sha256);

struct rules_host_stats {
  uint64_t asked, apart, died;  // apart: of those asked
  unsigned waiting, held;
};
struct rules_host_stats rules_host_stats(const struct rules_host *h);
