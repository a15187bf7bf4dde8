// bot/record.c – see record.h. Each kind is a table of its fields, from which writing, reading and every check follow. A table
// only ever grows at its end, by fields whose usual value means what was meant before they existed.
#include "bot/record.h"

#include "order/client_id.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define LENGTH(table) (sizeof(table) / sizeof *(table))

enum type { NUMBER, TEXT, DIGEST, REAL, SERIES };
struct field {
  uint16_t offset;
  uint8_t type, size;           // size in memory of a NUMBER: 1, 4 or 8
  int64_t usual, least, most;   // of a NUMBER; a TEXT has at most `most` bytes
};
struct table {
  const struct field *fields;
  size_t count;  // at most 63
};
#define SIZE_OF(type, member) sizeof(((type *)0)->member)
#define N(type, member, usual, least, most) {offsetof(type, member), NUMBER, SIZE_OF(type, member), usual, least, most}
#define ANY(type, member) N(type, member, 0, INT64_MIN, INT64_MAX)

// Commands, by kind: only what that kind means.
#define C(member, usual, least, most) N(struct bot_command, member, usual, least, most)
#define ANY_C(member) ANY(struct bot_command, member)
#define PRICE_C(member) C(member, NO_PRICE_TICKS, INT64_MIN, INT64_MAX)
#define WHEN ANY_C(time_ns), ANY_C(id)
#define BY C(imposed, 0, 0, 1)  // where both kinds of commands stand in one list; in the journal the record's kind says it
static const struct field reserve_fields[] = {WHEN, BY};
static const struct field submit_fields[] = {
    WHEN, ANY_C(qty), C(intent.symbol, 0, 0, INT32_MAX), C(intent.side, 0, SIDE_SELL, SIDE_BUY), C(intent.type, 0, 0, ORDER_TRAILING),
    C(intent.leg, 0, 0, LEG_COUNT - 1), C(intent.tif, 0, 0, TIF_GTD), ANY_C(intent.expires_ns), C(intent.post, 0, 0, 1), C(intent.reduce, 0, 0, 1),
    C(intent.size_kind, 0, 0, SIZE_CLOSE), ANY_C(intent.size), PRICE_C(intent.limit), PRICE_C(intent.trigger), ANY_C(intent.trail_ticks),
    ANY_C(intent.trail_frac_e8), PRICE_C(intent.sl), PRICE_C(intent.tp), ANY_C(intent.tp_r_e6), ANY_C(intent.oco), ANY_C(intent.closes),
    C(intent.tag, 0, 0, UINT32_MAX), BY};
static const struct field cancel_fields[] = {WHEN, C(why, 0, 0, REASON_COUNT - 1), BY};
static const struct field modify_fields[] = {
    WHEN, PRICE_C(change.limit), PRICE_C(change.trigger), PRICE_C(change.sl), PRICE_C(change.tp), C(change.sl_none, 0, 0, 1),
    C(change.tp_none, 0, 0, 1), ANY_C(change.qty), ANY_C(change.trail_ticks), ANY_C(change.trail_frac_e8), BY};
static const struct field mark_fields[] = {WHEN, BY};
static const struct field lost_fields[] = {WHEN, BY};
static const struct field found_fields[] = {WHEN, C(why, 0, 0, REASON_COUNT - 1), BY};
static const struct field venue_fields[] = {WHEN, C(venue.status, 0, 0, ORDER_STATUS_COUNT - 1), C(why, 0, 0, REASON_COUNT - 1), ANY_C(venue.at_ns), BY};
static const struct field fill_fields[] = {WHEN, ANY_C(qty), PRICE_C(change.limit), ANY_C(venue.fee), C(venue.maker, 0, 0, 1), ANY_C(venue.at_ns), ANY_C(venue.key_hi),
    ANY_C(venue.key_lo), BY};
static const struct field cash_fields[] = {WHEN, C(intent.symbol, 0, 0, INT32_MAX), ANY_C(venue.fee), ANY_C(venue.at_ns), ANY_C(venue.key_hi), ANY_C(venue.key_lo), BY};
static const struct field execute_fields[] = {WHEN, PRICE_C(change.limit), BY};
static const struct field funding_fields[] = {WHEN, C(intent.symbol, 0, 0, INT32_MAX), ANY_C(funding.ts_ns), ANY_C(funding.rate_e12),
    PRICE_C(funding.mark), C(funding.before_match, 0, 0, 1), BY};

#define R(member, usual, least, most) N(struct record, member, usual, least, most)
#define T(member, max) {offsetof(struct record, member), TEXT, 0, 0, 0, max}
#define F(member) {offsetof(struct record, member), REAL, 8, 0, 0, 0}
#define SHA {offsetof(struct record, source_sha256), DIGEST, SHA256_BYTES, 0, 0, 0}
#define BIG 65536
#define ANY_R(member) ANY(struct record, member)
#define WHY T(code, RECORD_TEXT_MAX), T(why, RECORD_TEXT_MAX)

static const struct field run_fields[] = {
    ANY_R(script_id), R(version, 0, 1, CLIENT_ID_VERSION_MAX), SHA, ANY_R(seed), {offsetof(struct record, series), SERIES, 0, 0, 0, RECORD_SERIES_MAX},
    ANY_R(live_from_ns), T(engine, RECORD_TEXT_MAX), T(params, BIG), T(settings, BIG), T(account, BIG), T(state, BIG)};
static const struct field resume_fields[] = {R(resumes, 0, 1, UINT32_MAX), ANY_R(live_from_ns), T(engine, RECORD_TEXT_MAX), T(state, BIG),
  ANY_R(seen_ns), T(memory, BIG), T(settings, BIG), T(account, BIG)};
static const struct field commands_fields[] = {T(commands, BIG)};
static const struct field state_fields[] = {T(state, BIG)};
static const struct field params_fields[] = {T(params, BIG)};
static const struct field signal_fields[] = {T(signal_id, RECORD_TEXT_MAX), T(source, RECORD_TEXT_MAX), T(key, RECORD_TEXT_MAX), T(symbol, RECORD_TEXT_MAX),
  T(action, RECORD_TEXT_MAX), T(raw, BIG), F(size), F(price), F(sl), F(tp), ANY_R(ts_ns),
  ANY_R(signal_row)};
static const struct field version_fields[] = {ANY_R(script_id), R(version, 0, 1, CLIENT_ID_VERSION_MAX), SHA, R(version_before, 0, 0, CLIENT_ID_VERSION_MAX),
  T(params, BIG), T(state, BIG), WHY, ANY_R(order), R(history, 0, 0, UINT32_MAX)};
static const struct field stop_fields[] = {R(stop, 0, 0, RECORD_STOP_COUNT - 1), WHY, ANY_R(seen_ns), T(hash, RECORD_TEXT_MAX)};
static const struct field deny_fields[] = {ANY_R(order), R(refusal.rule, 0, 0, REFUSE_COUNT - 1), R(refusal.level, 0, 0, LEVEL_COUNT - 1),
  ANY_R(refusal.limit), ANY_R(refusal.value), ANY_R(refusal.until_ns), ANY_R(refusal.other), WHY, F(bound), F(amount), ANY_R(refusal.other_bot)};
static const struct field halt_fields[] = {ANY_R(halt.id), ANY_R(halt.epoch), ANY_R(halt.at_ns), R(halt.level, 0, 0, LEVEL_COUNT - 1),
  R(halt.mode, 0, 0, HALT_MODE_COUNT - 1), R(halt.cause, 0, 0, HALT_CAUSE_COUNT - 1)};
static const struct field quarantine_fields[] = {R(status, 0, 1, ERR_USAGE), R(line, 0, 0, INT32_MAX), R(strikes, 0, 0, UINT32_MAX), ANY_R(until_ns), WHY};

static const struct field risk_fields[] = {WHY, F(bound), F(amount), ANY_R(until_ns), R(told, 0, 0, 1)};
static const struct field limits_fields[] = {T(settings, BIG)};
static const struct field words_fields[] = {T(why, RECORD_TEXT_MAX)};
static const struct field tick_fields[] = {R(tick.symbol, 0, 0, INT32_MAX), R(tick.trades, 0, 0, UINT32_MAX), ANY_R(tick.time_ns), F(tick.price), F(tick.volume),
  F(tick.bid), F(tick.ask)};

#define TABLE(name) {name##_fields, LENGTH(name##_fields)}
static const struct table command_tables[COMMAND_KIND_COUNT] = {
    [COMMAND_RESERVE] = TABLE(reserve), [COMMAND_SUBMIT] = TABLE(submit), [COMMAND_CANCEL] = TABLE(cancel), [COMMAND_MODIFY] = TABLE(modify),
    [COMMAND_MARK] = TABLE(mark), [COMMAND_EXECUTE] = TABLE(execute), [COMMAND_FUNDING] = TABLE(funding), [COMMAND_LOST] = TABLE(lost), [COMMAND_FOUND] = TABLE(found),
    [COMMAND_VENUE] = TABLE(venue), [COMMAND_FILL] = TABLE(fill), [COMMAND_CASH] = TABLE(cash)};
static const struct table tables[] = {
    [RECORD_RUN] = TABLE(run), [RECORD_RESUME] = TABLE(resume), [RECORD_COMMANDS] = TABLE(commands), [RECORD_IMPOSED] = TABLE(commands),
    [RECORD_STATE] = TABLE(state), [RECORD_PARAMS] = TABLE(params), [RECORD_SIGNAL] = TABLE(signal), [RECORD_VERSION] = TABLE(version),
    [RECORD_STOP] = TABLE(stop), [RECORD_DENY] = TABLE(deny), [RECORD_HALT] = TABLE(halt), [RECORD_QUARANTINE] = TABLE(quarantine),
    [RECORD_RISK] = TABLE(risk), [RECORD_LIMITS] = TABLE(limits), [RECORD_CLOCK] = {NULL, 0}, [RECORD_WORDS] = TABLE(words), [RECORD_TICK] = TABLE(tick), [RECORD_SKIP] = {NULL, 0},
};
static const char *const kind_texts[] = {
#define X(name, number, text) [number] = text,
    RECORD_KIND_LIST(X)
#undef X
};
_Static_assert(LENGTH(tables) == LENGTH(kind_texts), "every kind has a table");
_Static_assert(LENGTH(submit_fields) < 64, "a mask has 64 bits");

const char *record_kind_text(int kind) { return kind > 0 && (size_t)kind < LENGTH(kind_texts) ? kind_texts[kind] : NULL; }

bool record_kind_parse(const char *text, int *ret_kind) {
  for (int k = 1; k < (int)LENGTH(kind_texts); k++)
    if (strcmp(kind_texts[k], text) == 0) return *ret_kind = k, true;
  return false;
}

const char *record_stop_text(enum record_stop s) {
  static const char *const texts[] = {
#define X(name, text) text,
      RECORD_STOP_LIST(X)
#undef X
  };
  assert((unsigned)s < RECORD_STOP_COUNT);
  return texts[s];
}

// ---- members of structures

static int64_t number_of(const void *base, const struct field *f) {
  const char *at = (const char *)base + f->offset;
  uint8_t v1;
  uint32_t v4;
  int64_t v8;
  switch (f->size) {
    case 1: return memcpy(&v1, at, 1), v1;
    // Four bytes are an enum or an int, or a count that has no sign.
    case 4: return memcpy(&v4, at, 4), f->least < 0 ? (int32_t)v4 : (int64_t)v4;
    default: return memcpy(&v8, at, 8), v8;
  }
}

static void number_set(void *base, const struct field *f, int64_t value) {
  char *at = (char *)base + f->offset;
  const uint8_t v1 = (uint8_t)value;
  const uint32_t v4 = (uint32_t)value;
  switch (f->size) {
    case 1: memcpy(at, &v1, 1); break;
    case 4: memcpy(at, &v4, 4); break;
    default: memcpy(at, &value, 8);
  }
}

#define TEXT_OF(base, f) ((const struct record_text *)(const void *)((const char *)(base) + (f)->offset))
#define TEXT_IN(base, f) ((struct record_text *)(void *)((char *)(base) + (f)->offset))
#define REAL_OF(base, f) (*(const double *)(const void *)((const char *)(base) + (f)->offset))

static bool is_usual(const void *base, const struct field *f) {
  static const uint8_t zero[SHA256_BYTES];
  switch (f->type) {
    case NUMBER: return number_of(base, f) == f->usual;
    case TEXT: return !TEXT_OF(base, f)->text;
    case DIGEST: return memcmp((const char *)base + f->offset, zero, sizeof zero) == 0;
    case REAL: return isnan(REAL_OF(base, f));
    default: return ((const struct record *)base)->series_count == 0;
  }
}

static void set_usual(void *base, const struct table *t) {
  const double nan_value = NAN;
  for (size_t i = 0; i < t->count; i++) {
    const struct field *f = &t->fields[i];
    if (f->type == NUMBER) number_set(base, f, f->usual);
    if (f->type == REAL) memcpy((char *)base + f->offset, &nan_value, sizeof nan_value);
  }
}

void record_init(struct record *r, enum record_kind kind, int64_t time_ns) {
  assert(record_kind_text(kind));
  *r = (struct record){.kind = kind, .time_ns = time_ns, .size = NAN, .price = NAN, .sl = NAN, .tp = NAN, .bound = NAN, .amount = NAN,
                        .tick = {.price = NAN, .volume = NAN, .bid = NAN, .ask = NAN}};
}

// ---- writing

static void put_u64(struct buf *b, uint64_t v) {
  uint8_t bytes[10];
  size_t n = 0;
  for (; v > 127; v >>= 7) bytes[n++] = (uint8_t)(v | 128);
  bytes[n++] = (uint8_t)v;
  buf_add(b, bytes, n);
}
static uint64_t zigzag(int64_t v) { return (uint64_t)v << 1 ^ (uint64_t)(v >> 63); }
static int64_t unzigzag(uint64_t u) { return (int64_t)(u >> 1 ^ (0 - (u & 1))); }

static void put_field(struct buf *b, const void *base, const struct field *f) {
  const char *at = (const char *)base + f->offset;
  switch (f->type) {
    case NUMBER: {
      const int64_t v = number_of(base, f);
      assert(v >= f->least && v <= f->most);
      put_u64(b, zigzag(v));
      return;
    }
    case TEXT:
      assert(TEXT_OF(base, f)->len <= (size_t)f->most);
      put_u64(b, TEXT_OF(base, f)->len);
      buf_add(b, TEXT_OF(base, f)->text, TEXT_OF(base, f)->len);
      return;
    case DIGEST: buf_add(b, at, SHA256_BYTES); return;
    case REAL: {
      uint64_t bits;
      memcpy(&bits, at, sizeof bits);
      put_u64(b, bits);
      return;
    }
    default: {
      const struct record *r = base;
      assert(r->series_count <= RECORD_SERIES_MAX);
      put_u64(b, r->series_count);
      for (uint32_t i = 0; i < r->series_count; i++) put_u64(b, r->series[i]);
    }
  }
}

static void put_table(struct buf *b, const void *base, const struct table *t) {
  uint64_t mask = 0;
  for (size_t i = 0; i < t->count; i++)
    if (!is_usual(base, &t->fields[i])) mask |= UINT64_C(1) << i;
  put_u64(b, mask);
  for (size_t i = 0; i < t->count; i++)
    if (mask >> i & 1) put_field(b, base, &t->fields[i]);
}

void record_put(struct buf *b, const struct record *r) {
  const uint8_t format = RECORD_FORMAT;
  assert(record_kind_text(r->kind));
  buf_add(b, &format, 1);
  put_table(b, r, &tables[r->kind]);
}

void record_put_command(struct buf *b, int64_t record_time_ns, const struct bot_command *c) {
  struct bot_command relative = *c;  // most are of the record's own time: nothing to store
  relative.time_ns = (int64_t)((uint64_t)c->time_ns - (uint64_t)record_time_ns);
  assert((unsigned)c->kind < COMMAND_KIND_COUNT);
  put_u64(b, c->kind);
  put_table(b, &relative, &command_tables[c->kind]);
}

// ---- reading: the first fault is kept, and everything after it reads as zero

struct cursor {
  const uint8_t *p;
  size_t left;
  const char *fault;
};

static const uint8_t *take(struct cursor *c, size_t n) {
  if (!c->fault && n > c->left) c->fault = "it ends too early";
  if (c->fault) return NULL;
  const uint8_t *at = c->p;
  c->p += n;
  c->left -= n;
  return at;
}

static uint64_t get_u64(struct cursor *c) {
  uint64_t v = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t *at = take(c, 1);
    if (!at) return 0;
    if ((shift == 63 && *at > 1) || (shift > 0 && *at == 0)) c->fault = "a number is not written in the shortest way, or too large";
    if (c->fault) return 0;
    v |= (uint64_t)(*at & 127) << shift;
    if (*at < 128) return v;
  }
}

static void get_series(struct cursor *c, struct record *r) {
  const uint64_t n = get_u64(c);
  if (!c->fault && (n == 0 || n > RECORD_SERIES_MAX)) c->fault = "a number of series out of range";
  for (uint64_t i = 0; !c->fault && i < n; i++) {
    const uint64_t id = get_u64(c);
    if (!c->fault && id > UINT32_MAX) c->fault = "the id of a series is out of range";
    r->series[i] = c->fault ? 0 : (uint32_t)id;
  }
  r->series_count = c->fault ? 0 : (uint32_t)n;
}

static void get_field(struct cursor *c, void *base, const struct field *f) {
  char *at = (char *)base + f->offset;
  switch (f->type) {
    case NUMBER: {
      const int64_t v = unzigzag(get_u64(c));
      if (!c->fault && (v < f->least || v > f->most)) c->fault = "a field is out of range";
      if (!c->fault) number_set(base, f, v);
      break;
    }
    case TEXT: {
      const uint64_t n = get_u64(c);
      if (!c->fault && n > (uint64_t)f->most) c->fault = "a text is too long";
      const uint8_t *text = take(c, n);
      if (text) *TEXT_IN(base, f) = record_text((const char *)text, n);
      break;
    }
    case DIGEST: {
      const uint8_t *digest = take(c, SHA256_BYTES);
      if (digest) memcpy(at, digest, SHA256_BYTES);
      break;
    }
    case REAL: {
      const uint64_t bits = get_u64(c);
      if (!c->fault) memcpy(at, &bits, sizeof bits);
      break;
    }
    default: get_series(c, base);
  }
  if (!c->fault && is_usual(base, f)) c->fault = "a field says what is usual";
}

static void get_table(struct cursor *c, void *base, const struct table *t) {
  const uint64_t mask = get_u64(c);
  if (!c->fault && mask >> t->count) c->fault = "a field that this program does not know";
  set_usual(base, t);
  for (size_t i = 0; i < t->count && !c->fault; i++) {
    const struct field *f = &t->fields[i];
    if (mask >> i & 1) get_field(c, base, f);
    else if (f->type == NUMBER && (f->usual < f->least || f->usual > f->most)) c->fault = "a field is missing";
  }
}

static void get_command(struct cursor *c, int64_t record_time_ns, struct bot_command *ret) {
  memset(ret, 0, sizeof *ret);
  const uint64_t kind = get_u64(c);
  if (!c->fault && kind >= COMMAND_KIND_COUNT) c->fault = "a command that this program does not know";
  if (c->fault) return;
  ret->kind = (enum command_kind)kind;
  get_table(c, ret, &command_tables[kind]);
  ret->time_ns = (int64_t)((uint64_t)ret->time_ns + (uint64_t)record_time_ns);
  if (!c->fault && ret->time_ns < 0) c->fault = "a command's time is before 1970";
}

static void check_commands(struct cursor *c, const struct record *r) {
  struct cursor in = {(const uint8_t *)r->commands.text, r->commands.len, NULL};
  int submits = 0;
  if (in.left == 0) in.fault = "no command";
  for (struct bot_command command; in.left > 0 && !in.fault;) {
    get_command(&in, r->time_ns, &command);
    submits += !in.fault && command.kind == COMMAND_SUBMIT;
  }
  c->fault = in.fault ? in.fault : submits > 1 ? "it submits more than one order" : NULL;
}

enum status record_read(int kind, int64_t time_ns, const void *body, size_t len, struct record *ret, struct err *err) {
  const char *name = record_kind_text(kind);
  if (!name) return err_set(err, ERR_INVALID, "a record of the unknown kind %d", kind);
  struct record r;
  record_init(&r, (enum record_kind)kind, time_ns);
  struct cursor c = {body, len, time_ns < 0 ? "its time is before 1970" : NULL};
  const uint8_t *format = take(&c, 1);
  if (format && *format != RECORD_FORMAT) c.fault = "a format that this program does not know";
  get_table(&c, &r, &tables[kind]);
  if (!c.fault && c.left) c.fault = "it is longer than its contents";
  if (!c.fault && (kind == RECORD_COMMANDS || kind == RECORD_IMPOSED)) check_commands(&c, &r);
  if (c.fault) return err_set(err, ERR_INVALID, "a record \"%s\" of %zu bytes: %s", name, len, c.fault);
  *ret = r;
  return OK;
}

bool record_command_next(const struct record *r, size_t *at, struct bot_command *ret) {
  if (*at >= r->commands.len) return false;
  struct cursor c = {(const uint8_t *)r->commands.text + *at, r->commands.len - *at, NULL};
  get_command(&c, r->time_ns, ret);
  assert(!c.fault);
  *at = r->commands.len - c.left;
  return true;
}

uint64_t record_order(const struct record *r) {
  struct bot_command c;
  for (size_t at = 0; record_command_next(r, &at, &c);)
    if (c.kind == COMMAND_SUBMIT) return c.id;
  return 0;
}

uint64_t record_intent(uint32_t run, uint64_t order_id) {
  assert(run > 0 && run <= RECORD_RUN_MAX && order_id > 0 && order_id <= RECORD_ORDER_MAX);
  _Static_assert(((uint64_t)RECORD_RUN_MAX << 30 | RECORD_ORDER_MAX) <= CLIENT_ID_INTENT_MAX, "an intent fits into a client id");
  return (uint64_t)run << 30 | order_id;
}

uint64_t record_intent_order(uint32_t run, uint64_t intent) { return intent >> 30 == run ? intent & RECORD_ORDER_MAX : 0; }
