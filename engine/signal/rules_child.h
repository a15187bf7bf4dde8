// signal/rules_child.h – the inside of `perigee host --rules`: one jailed process that asks rules about signals, for all hooks. Rules may be
// customers' own, so they run where there are no files, no network and no secrets; should the process die, its parent starts another.
//
// One JSON object a line, both ways, answered in order:
//   told      {"tell": {"key", "file", "source"}}: a rule's source, and how it will be called; {"drop": KEY}: it is forgotten. Not answered
//   asked     {"n", "signal", "env", "stages": [{"name", "key"[, "settings"]}]}
//             and behind a tab, if there are any, the list that is env.accepted: it is read only when a rule looks at it
//   answered  {"n", "accept", "log", "signal", "us"[, "worn"]}, or {"n", "missing": true} when a source is not (any more) here. us: CPU time that the
//             stages took; worn: the stage whose rule was stopped so often that it is not asked any more
//   or asked  {"n", "describe": {"file", "source"}}: answered with the header as "signal", or with a refusal whose error says what is wrong
// A source that does not load refuses like a rule that failed. Rules of different keys share nothing, the same source included.
//
// The shared word (bot/host_word.h) says what is under way: the question's number times 256, and the stage + 1, or 255 for a description.
#pragma once
#include <stdint.h>

#define RULES_LINE_MAX (2 * 1024 * 1024)  // bytes
#define RULES_KEPT 1024                   // rules; the one not used for longest goes
#define RULES_DESCRIBE_MARK 255

struct rules_child_options {
  int socket, word;        // word: descriptor of the shared word; none there: nothing is told
  uint64_t address_bytes;  // jail_options; 0: no limit
};
// Returns the exit code when the parent has gone.
int rules_child_run(const struct rules_child_options *options);

// For tests: one line in, its answer (malloc'ed, without the line's end) out; NULL: no memory, no line of ours, or one that is not answered: then
// *ret_good is true. State lives in *kept.
struct rules_kept;
struct rules_kept *rules_kept_create(void);
void rules_kept_destroy(struct rules_kept *k);
char *rules_answer(struct rules_kept *k, const char *line, unsigned long len, _Bool *ret_good);
