// script/dialect_lacks.c – is what a dialect's header claims enough to trade by? Each thing here was otherwise found out by the first session.
#include "script/dialect.h"

#include <stdio.h>
#include <string.h>

// The capability at `cap` (an offset in struct dialect_caps) is of no use without op.
static const struct { size_t cap; const char *name; enum dialect_op op; } cap_ops[] = {
  {offsetof(struct dialect_caps, amend), "amend", DIALECT_AMEND_ORDER},       {offsetof(struct dialect_caps, positions), "positions", DIALECT_POSITIONS},
  {offsetof(struct dialect_caps, leverage), "leverage", DIALECT_SET_LEVERAGE}, {offsetof(struct dialect_caps, hedge), "hedge", DIALECT_SET_POSITION_MODE},
  {offsetof(struct dialect_caps, cancel_all), "cancel_all", DIALECT_CANCEL_ALL}};
static const struct { enum dialect_op op; const char *why; } needed[] = {
  {DIALECT_CREATE_ORDER, "to place orders"},
  {DIALECT_CANCEL_ORDER, "to cancel orders"},
  {DIALECT_OPEN_ORDERS, "to compare what works there with the books"},
  {DIALECT_FILLS, "to find executions that no stream has told"}};

static void lack(char *ret, size_t size, const char *what, const char *why) {
  const size_t len = strlen(ret);
  snprintf(ret + len, size - len, "%s%s (%s)", len > 0 ? "; " : "", what, why);
}

bool dialect_lacks(const struct dialect_info *info, const char *environment, const char *category, char *ret, size_t size) {
  const struct dialect_caps *caps = dialect_can(info, category);
  char what[DIALECT_TEXT_MAX], why[DIALECT_TEXT_MAX];
  ret[0] = '\0';
#define KNOWS(op) (info->ops >> (op) & 1)
#define NEEDS(op, ...) do { \
    if (KNOWS(op)) break; \
    snprintf(what, sizeof what, "the operation %s", dialect_op_text(op)); \
    snprintf(why, sizeof why, __VA_ARGS__); \
    lack(ret, size, what, why); \
  } while (0)
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) NEEDS(needed[i].op, "%s", needed[i].why);
  if (!caps->positions) NEEDS(DIALECT_BALANCE, "to compare what is held: there is no capability positions");
  for (size_t i = 0; i < sizeof cap_ops / sizeof *cap_ops; i++)
    if (*(const bool *)((const char *)caps + cap_ops[i].cap)) NEEDS(cap_ops[i].op, "for the capability %s", cap_ops[i].name);
  if (info->by_id) NEEDS(DIALECT_FETCH_ORDER, "for the lookup \"id\"");
  if (info->clock == DIALECT_CLOCK_OP) NEEDS(DIALECT_SERVER_TIME, "for clock=\"op\"");
  for (int i = 0; i < info->environment_count; i++) {
    const struct dialect_environment *e = &info->environments[i];
    if (e->private_ws[0] != '\0' || (environment != NULL && strcmp(environment, e->name) != 0)) continue;
    snprintf(what, sizeof what, "environments.%s.private_ws", e->name);
    lack(ret, size, what, "orders and executions are heard by a private stream");
  }
  return ret[0] != '\0';
}
