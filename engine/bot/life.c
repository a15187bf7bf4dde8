#include "bot/life.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

// What an event does to a state.
enum act {
  KEEP,    // nothing
  GO,      // to that state
  REFUSE,  // for that reason
  STRIKE,  // one more: retrying, or retired
  RETRY,   // one more try: retrying, or dead
  AGAIN,   // retrying, not counted
  BACK,    // to what is wanted
};
struct cell {
  uint8_t act, state, why;
};
#define K {KEEP, 0, 0}
#define GO(state, why) {GO, LIFE_##state, LIFE_WHY_##why}
#define NO(why) {REFUSE, 0, LIFE_NO_##why}
#define ST {STRIKE, LIFE_RETRYING, LIFE_WHY_STRIKE}
#define RE(why) {RETRY, LIFE_RETRYING, LIFE_WHY_##why}
#define AG(why) {AGAIN, LIFE_RETRYING, LIFE_WHY_##why}
#define BK {BACK, 0, 0}
#define OPENING GO(STARTING, OPENING)
#define ENDING GO(STOPPING, STOPPING)
#define FORCED GO(STOPPING, FORCED)
#define HALTED GO(HALTED, HALTED)
#define APART GO(QUARANTINED, QUARANTINED)

static const struct cell table[LIFE_EVENT_COUNT][LIFE_STATE_COUNT] = {
  //                     stopped          starting       running             paused           stopping      retrying       halted  quarantined           dead                   retired
  [LIFE_START] =          {OPENING,         K,             K,                  OPENING,         NO(STOPPING), OPENING,       NO(HALTED), NO(QUARANTINED),   OPENING,               NO(RETIRED)},
  [LIFE_PAUSE] =          {NO(NOT_RUNNING), GO(PAUSED, PAUSED), GO(PAUSED, PAUSED), K,          NO(STOPPING), GO(PAUSED, PAUSED), K,  NO(NOT_RUNNING),      NO(NOT_RUNNING),       NO(NOT_RUNNING)},
  [LIFE_STOP] =           {K,               ENDING,        ENDING,             ENDING,          K,            ENDING,        ENDING, K,                    GO(STOPPED, STOPPED),  K},
  [LIFE_MEND] =           {K,               K,             K,                  K,               K,            K,             K,      K,                    K,                     GO(STOPPED, MENDED)},
  [LIFE_FORCE_STOP] =     {K,               FORCED,        FORCED,             FORCED,          FORCED,       FORCED,        FORCED, K,                    GO(STOPPED, FORCED),   K},
  [LIFE_RELEASE] =        {NO(NOTHING_HELD), NO(NOTHING_HELD), NO(NOTHING_HELD), NO(NOTHING_HELD), NO(NOTHING_HELD), NO(NOTHING_HELD), NO(NOTHING_HELD), GO(STOPPED, RELEASED), GO(STOPPED, RELEASED), GO(STOPPED, RELEASED)},
  [LIFE_HALT] =           {K,               HALTED,        HALTED,             HALTED,          K,            HALTED,        K,      K,                    K,                     K},
  [LIFE_RULE] =           {K,               GO(HALTED, RULE), GO(HALTED, RULE), GO(HALTED, RULE), K,           GO(HALTED, RULE), K,   K,                    K,                     K},
  [LIFE_RESUME] =         {K,               K,             K,                  K,               K,            K,             BK,     K,                    K,                     K},
  [LIFE_BOOT] =           {BK,              BK,            BK,                 BK,              K,            K,             K,      K,                    K,                     K},
  [LIFE_OPENED] =         {K,               GO(RUNNING, RUNNING), K,           K,               K,            K,             K,      K,                    K,                     K},
  [LIFE_CLOSED] =         {K,               K,             K,                  K,               GO(STOPPED, STOPPED), K,     K,      K,                    K,                     K},
  [LIFE_RETRY_DUE] =      {K,               K,             K,                  K,               K,            OPENING,       K,      K,                    K,                     K},
  [LIFE_SCRIPT_FAILED] =  {K,               ST,            ST,                 K,               K,            K,             K,      K,                    K,                     K},
  [LIFE_UNFIT] =          {K,               GO(DEAD, UNFIT), GO(DEAD, UNFIT),  K,               K,            GO(DEAD, UNFIT), K,    K,                    K,                     K},
  [LIFE_NO_DATA] =        {K,               RE(NO_DATA),   RE(NO_DATA),        K,               K,            K,             K,      K,                    K,                     K},
  [LIFE_HOST_LOST] =      {K,               AG(HOST_LOST), AG(HOST_LOST),      K,               K,            K,             K,      K,                    K,                     K},
  [LIFE_BROKE_HOST] =     {APART,           APART,         APART,              K,               K,            K,             APART,  K,                    K,                     K},
  [LIFE_JOURNAL_FAILED] = {K,               RE(JOURNAL_RETRY), GO(PAUSED, JOURNAL), K,          K,            K,             K,      K,                    K,                     K},
};

void life_init(struct life *l, int64_t now_ns) {
  *l = (struct life){.state = LIFE_STOPPED, .wanted = LIFE_WANT_STOPPED, .reason = LIFE_WHY_NEW, .since_ns = now_ns};
}

static void enter(struct life *l, enum life_state state, enum life_reason why, int64_t now_ns) {
  l->state = state;
  l->reason = why;
  l->since_ns = now_ns > l->since_ns ? now_ns : l->since_ns + 1;  // of two states the later one must show, whatever the clock does
  l->retry_at_ns = 0;
}

static int64_t delay_ns(int retries) {
  int64_t delay = LIFE_RETRY_FIRST_NS;
  for (int i = 1; i < retries && delay < LIFE_RETRY_MOST_NS; i++) delay *= 2;
  return delay < LIFE_RETRY_MOST_NS ? delay : LIFE_RETRY_MOST_NS;
}

static void retry(struct life *l, enum life_reason why, int tries, int64_t now_ns) {
  enter(l, LIFE_RETRYING, why, now_ns);
  l->retry_at_ns = now_ns + delay_ns(tries);
}

static void go_back(struct life *l, int64_t now_ns) {
  if (l->wanted == LIFE_WANT_RUNNING) enter(l, LIFE_STARTING, LIFE_WHY_OPENING, now_ns);
  else if (l->wanted == LIFE_WANT_PAUSED) enter(l, LIFE_PAUSED, LIFE_WHY_PAUSED, now_ns);
  else enter(l, LIFE_STOPPED, LIFE_WHY_STOPPED, now_ns);
}

// What went well for long enough makes what failed before it not count any more.
static void forget(struct life *l, int64_t now_ns) {
  if (l->state != LIFE_RUNNING) return;
  if (now_ns - l->since_ns >= LIFE_STABLE_NS) l->retries = 0;
  if (now_ns - l->since_ns >= LIFE_FORGIVEN_NS) l->strikes = 0;
}

static void want(struct life *l, enum life_event e) {
  if (e == LIFE_START) l->wanted = LIFE_WANT_RUNNING;
  if (e == LIFE_PAUSE) l->wanted = LIFE_WANT_PAUSED;
  if (e == LIFE_STOP || e == LIFE_FORCE_STOP || e == LIFE_RELEASE) l->wanted = LIFE_WANT_STOPPED;
}

enum life_verdict life_step(struct life *l, enum life_event e, int64_t now_ns, enum life_reason *ret_why) {
  assert(l->state < LIFE_STATE_COUNT && e < LIFE_EVENT_COUNT);
  const struct cell c = table[e][l->state];
  if (c.act == REFUSE) {
    if (ret_why) *ret_why = (enum life_reason)c.why;
    return LIFE_REFUSED;
  }
  want(l, e);
  // Who asks for another try, or has changed something, starts counting anew.
  if (e == LIFE_MEND || e == LIFE_RELEASE) l->strikes = 0;
  if (e == LIFE_MEND || e == LIFE_RELEASE || e == LIFE_START) l->retries = 0;
  if (c.act == KEEP) return LIFE_KEPT;
  forget(l, now_ns);
  switch ((enum act)c.act) {
    case STRIKE:
      if (++l->strikes >= LIFE_STRIKES_MAX) enter(l, LIFE_RETIRED, LIFE_WHY_RETIRED, now_ns);
      else retry(l, (enum life_reason)c.why, l->strikes, now_ns);
      break;
    case RETRY:
      if (++l->retries > LIFE_RETRIES_MAX) enter(l, LIFE_DEAD, LIFE_WHY_DEAD, now_ns);
      else retry(l, (enum life_reason)c.why, l->retries, now_ns);
      break;
    case AGAIN: retry(l, (enum life_reason)c.why, 1, now_ns); break;
    case BACK: go_back(l, now_ns); break;
    case GO: {
      // A stop that an operator forced says so also when it is done.
      const bool forced = e == LIFE_CLOSED && l->reason == LIFE_WHY_FORCED;
      enter(l, (enum life_state)c.state, forced ? LIFE_WHY_FORCED : (enum life_reason)c.why, now_ns);
      break;
    }
    case KEEP:
    case REFUSE: break;
  }
  return LIFE_CHANGED;
}

bool life_is_held(enum life_state state) { return state == LIFE_QUARANTINED || state == LIFE_DEAD || state == LIFE_RETIRED; }

// ---- names

#define X(name, text) text,
static const char *const states[LIFE_STATE_COUNT] = {LIFE_STATE_LIST(X)};
static const char *const events[LIFE_EVENT_COUNT] = {LIFE_EVENT_LIST(X)};
static const char *const wants[LIFE_WANT_COUNT] = {LIFE_WANT_LIST(X)};
#undef X
static const struct {
  const char *code, *text;
} reasons[LIFE_REASON_COUNT] = {
#define X(name, code, text) {code, text},
  LIFE_REASON_LIST(X)
#undef X
};

static int find(const char *const *names, int count, const char *text) {
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], text) == 0) return i;
  return -1;
}

const char *life_state_text(enum life_state state) { return states[state]; }
const char *life_event_text(enum life_event e) { return events[e]; }
const char *life_want_text(enum life_want wanted) { return wants[wanted]; }
const char *life_reason_code(enum life_reason why) { return reasons[why].code; }
const char *life_reason_text(enum life_reason why) { return reasons[why].text; }
int life_state_parse(const char *text) { return find(states, LIFE_STATE_COUNT, text); }
int life_want_parse(const char *text) { return find(wants, LIFE_WANT_COUNT, text); }
int life_reason_parse(const char *code) {
  for (int i = 0; i < LIFE_REASON_COUNT; i++)
    if (strcmp(reasons[i].code, code) == 0) return i;
  return -1;
}

void life_explain(enum life_reason why, const char *detail, char *out, size_t size) {
  snprintf(out, size, "%s%s%s", reasons[why].text, detail && *detail ? "\n" : "", detail ? detail : "");
}
