// tests/fuzz/fuzz_tier.c – any bytes as a tier script: refused with a message, or read into a set that holds what its type
// promises; and then asked, which must end and answer.
#include "script/profile.h"
#include "script/tier_script.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_plan(const struct plan *p) {
  assert(p->id[0] >= 'a' && p->id[0] <= 'z' && memchr(p->id, '\0', sizeof p->id) && memchr(p->name, '\0', sizeof p->name));
  assert(p->month_e8 >= 0 && (!p->has_year || p->year_e8 >= 0) && p->rights >> RIGHT_COUNT == 0);
  for (int i = 0; i < LIMIT_COUNT; i++) assert(p->limits[i] == PLAN_UNLIMITED || (p->limits[i] >= 0 && p->limits[i] <= PLAN_LIMIT_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct err err = {0};
  struct tier_script *t;
  struct profile_spec spec;
  if (profile_describe(SCRIPT_RULE, "r.lua", (const char *)data, size, NULL, &spec, &err) != OK) assert(err.msg[0] != '\0');
  else profile_spec_finish(&spec);
  err.msg[0] = '\0';
  if (tier_script_create("t.lua", (const char *)data, size, NULL, &t, &err) != OK) {
    assert(err.msg[0] != '\0');
    return 0;
  }
  err.msg[0] = '\0';
  if (tier_script_prove(t, &err) != OK) assert(err.msg[0] != '\0');
  const struct plan_set *set = tier_script_set(t);
  assert(set->plan_count >= 1 && set->plan_count <= PLANS_MAX && set->default_plan >= 0 && set->default_plan < set->plan_count);
  for (int i = 0; i < set->plan_count; i++) {
    struct plan p = set->plans[i];
    check_plan(&p);
    for (int k = 0; k < set->addon_count; k++) plan_add(&p, &set->addons[k], (int64_t)size * size);
    check_plan(&p);
  }
  json_t *o = plan_set_json(set);
  assert(o);
  json_decref(o);
  char reason[PLAN_REASON_MAX];
  struct tier_question q = {.action = (enum plan_action)(size % ACTION_COUNT), .plan = &set->plans[0], .amount = 1, .now_ms = (int64_t)size};
  bool failed;
  if (!tier_script_allow(t, &q, reason, &failed, &err)) assert(reason[0] != '\0' && memchr(reason, '\0', sizeof reason));
  tier_script_destroy(t);
  return 0;
}
