// api/courier_send.c – what is due on a channel, on its way: put together, posted or handed to the outbox, and what came of it written.
#include "api/courier_impl.h"

#include "crypto/secret.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/identity.h"
#include "tenant/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWNERS_MAX 3           // whose own addresses get a notice

// What one channel takes in a minute, a part of it at once.
static const struct rate_limit limits[NOTICE_KIND_COUNT] = {
  [NOTICE_MAIL] = {60 * INT64_C(1000000000), 30, 15},
  [NOTICE_TELEGRAM] = {60 * INT64_C(1000000000), 20, 10},  // its own limit for a group
  [NOTICE_DISCORD] = {60 * INT64_C(1000000000), 30, 5},    // five in two seconds is its own
  [NOTICE_SLACK] = {60 * INT64_C(1000000000), 60, 5},
  [NOTICE_SMS] = {60 * INT64_C(1000000000), 5, 5},
  [NOTICE_WEBHOOK] = {60 * INT64_C(1000000000), 120, 20},
};

struct thing {
  struct sending_row sending;
  char id[ID_TEXT_SIZE], subject[NOTICE_SUBJECT_SIZE];
  enum notice_event event;
  int64_t created_ns, more;
  json_t *data;
};

struct parcel {
  struct parcel *next;
  struct courier *courier;
  struct channel_row channel;
  enum notice_kind kind;
  struct thing *things;
  size_t count;
  struct http_client *http;
  int64_t begun_ns, now_ns, took_ms, retry_s;
  int status;
  enum notice_outcome outcome;
  char detail[NOTICE_REASON_SIZE];
  bool given_up, disabled;     // what the write found
  char title[NOTICE_TITLE_MAX + 8], *mail;
};

static struct db *reader(const struct courier *c) { return store_reader(c->core->store, STORE_CONTROL); }

static void parcel_free(struct parcel *p) {
  for (size_t i = 0; i < p->count; i++) json_decref(p->things[i].data);
  free(p->things);
  free(p->mail);
  free(p);
}

// ---- what came of it

static enum status tell_disabled(struct parcel *p, struct db *db, const char *why, struct err *err) {
  char id[ID_TEXT_SIZE];
  enum status st = channel_disable(db, p->channel.id, why, p->now_ns, &p->disabled, err);
  if (st != OK || !p->disabled) return st;
  id_format("chn", p->channel.id, id);
  st = sending_skip_all(db, p->channel.id, "the channel is disabled", err);
  return st == OK ? notice_tell(db, p->channel.tenant_id, NOTICE_CHANNEL_DISABLED, id, NULL, json_pack("{s:s, s:s}", "channel", p->channel.name, "reason", why), p->now_ns, err) : st;
}

static enum status finish_one(struct parcel *p, struct db *db, const struct thing *t, struct err *err) {
  struct sending_row s;
  enum status st = sending_get(db, t->sending.id, &s, err);
  if (st == ERR_NOTFOUND) return OK;  // its channel was deleted
  if (st != OK) return st;
  const int64_t percent = p->courier->s.percent;
  s.attempts++;
  s.next_ns = 0;
  snprintf(s.reason, sizeof s.reason, "%s", p->outcome == NOTICE_SENT ? "" : p->detail);
  if (p->outcome == NOTICE_LATER || p->outcome == NOTICE_OURS) s.next_ns = notice_retry_ns((int)s.attempts, s.began_ns, p->now_ns, p->retry_s, (uint64_t)p->things[0].sending.id, percent);
  const bool over = s.next_ns == 0;
  snprintf(s.state, sizeof s.state, "%s", p->outcome == NOTICE_SENT ? "sent" : over ? "failed" : "waiting");
  p->given_up |= over && p->outcome != NOTICE_SENT;
  const struct attempt_row a = {id_next(p->now_ns), s.id, p->begun_ns, p->took_ms, p->status, notice_outcome_text(p->outcome), p->detail};
  st = attempt_insert(db, &a, err);
  return st == OK ? sending_update(db, &s, err) : st;
}

static enum status finish(struct db *db, void *arg, struct err *err) {
  struct parcel *p = arg;
  struct channel_row now;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < p->count; i++) st = finish_one(p, db, &p->things[i], err);
  if (st != OK) return st;
  if (p->outcome == NOTICE_SENT) return channel_worked(db, p->channel.id, p->now_ns, err);
  st = channel_failed(db, p->channel.id, p->detail, p->now_ns, err);
  if (st == OK) st = channel_find(db, p->channel.id, &now, err);
  if (st == ERR_NOTFOUND) return OK;
  if (st != OK) return st;
  char why[CHANNEL_REASON_SIZE];
  const bool dead = p->given_up && p->outcome == NOTICE_LATER && p->now_ns - now.failing_ns >= NOTICE_TRIES_NS / 100 * p->courier->s.percent;
  snprintf(why, sizeof why, p->outcome == NOTICE_GONE ? "The other side says: %s." : "Nothing has gone through for a day: %s.", p->detail);
  return dead || p->outcome == NOTICE_GONE ? tell_disabled(p, db, why, err) : OK;
}

static void finished(void *arg, enum status st, const struct err *err) {
  struct parcel *p = arg;
  struct courier *c = p->courier;
  struct lane *l = courier_lane(c, p->channel.id, INT64_MAX);
  c->writes--;
  if (st != OK) {
    // The disk refused: it is sent again, with the same id.
    api_log(c->core, "error", "notice_not_marked", json_pack("{s:s}", "error", err->msg));
    if (l) l->hold_ns = clock_wall_ns() + 1000 * NS_PER_MS;
  }
  if (p->disabled) c->disabled++;
  if (p->given_up) c->failed++;
  courier_lane_over(c, p->channel.id);
  if (!c->leaving) loop_timer_start(c->timer, 0, 100);
  parcel_free(p);
}

static void write_end(struct parcel *p) {
  struct courier *c = p->courier;
  p->now_ns = clock_wall_ns();
  c->writes++;
  store_write(c->core->store, STORE_CONTROL, finish, finished, p);
}

static void unlist(struct parcel *p) {
  struct parcel **at = &p->courier->parcels;
  while (*at && *at != p) at = &(*at)->next;
  if (*at) *at = p->next;
  p->courier->under_way--;
}

static void log_end(struct parcel *p) {
  struct courier *c = p->courier;
  const bool ours = p->outcome == NOTICE_OURS;
  if (p->outcome == NOTICE_SENT) c->sent++;
  else c->later++;
  if (p->kind == NOTICE_TELEGRAM || p->kind == NOTICE_SMS) c->refused = ours || (c->refused && p->outcome != NOTICE_SENT);
  if (p->outcome != NOTICE_SENT)
    api_log(c->core, ours ? "error" : "warning", ours ? "notice_refused" : "notice_failed", json_pack("{s:o, s:s, s:s, s:i, s:s, s:s*}", "channel", api_id("chn", p->channel.id), "kind", notice_kind_text(p->kind), "outcome",
      notice_outcome_text(p->outcome), "status", p->status, "error", p->detail, "mend", ours ? "the provider refuses this service, not the recipient: look at its token and settings" : NULL));
}

static void answered(void *arg, const struct http_client_answer *answer, const char *why) {
  struct parcel *p = arg;
  struct courier *c = p->courier;
  p->http = NULL;
  unlist(p);
  p->status = answer ? answer->status : 0;
  p->outcome = courier_judge(p->kind, answer, why, &p->retry_s, p->detail);
  p->took_ms = (clock_wall_ns() - p->begun_ns) / NS_PER_MS;
  if (p->took_ms < 0) p->took_ms = 0;
  struct lane *l = courier_lane(c, p->channel.id, INT64_MAX);
  // Who asks to be left alone is asked nothing at all meanwhile.
  if (l && p->retry_s > 0 && p->outcome == NOTICE_LATER) l->hold_ns = clock_wall_ns() + p->retry_s * 1000 * NS_PER_MS;
  log_end(p);
  write_end(p);
}

// ---- mail

struct owner {
  int64_t user_id;
  char email[USER_EMAIL_SIZE];
};
struct owners {
  struct owner items[OWNERS_MAX];
  int count;
};
static bool add_owner(void *arg, int64_t user_id, const char *email) {
  struct owners *o = arg;
  o->items[o->count].user_id = user_id;
  snprintf(o->items[o->count].email, sizeof o->items[0].email, "%s", email);
  return ++o->count < OWNERS_MAX;
}

// Into the outbox, which tells the first of the sendings what became of it (mailer.c).
static enum status hand_over(struct db *db, void *arg, struct err *err) {
  struct parcel *p = arg;
  const struct keys *keys = identity_keys(p->courier->core->identity);
  struct owners to = {.count = 0};
  char address[NOTICE_ADDRESS_MAX + 1] = "";
  enum status st = p->channel.own ? channel_own_addresses(db, p->channel.tenant_id, OWNERS_MAX, add_owner, &to, err) : notices_address(keys, db, &p->channel, address, err);
  if (st == ERR_INVALID) st = OK;  // does not open any more: nobody to send to
  if (st == OK && *address) add_owner(&to, 0, address);
  const bool nobody = to.count == 0;
  for (int i = 0; st == OK && i < to.count; i++) st = mail_put_of(keys, db, to.items[i].user_id, to.items[i].email, p->title, p->mail, i == 0 ? p->things[0].sending.id : 0, p->now_ns, err);
  for (size_t i = 0; st == OK && i < p->count; i++) {
    struct sending_row s;
    st = sending_get(db, p->things[i].sending.id, &s, err);
    if (st == ERR_NOTFOUND) {
      st = OK;
      continue;
    }
    s.next_ns = 0;
    snprintf(s.state, sizeof s.state, "%s", nobody ? "skipped" : "handed");
    snprintf(s.reason, sizeof s.reason, "%s", !nobody ? "" : p->channel.own ? "No owner has a verified mail address." : "The address cannot be read any more.");
    if (st == OK) st = sending_update(db, &s, err);
  }
  secret_wipe(address, sizeof address);
  return st;
}

static void handed_over(void *arg, enum status st, const struct err *err) {
  struct parcel *p = arg;
  if (st == OK) p->courier->sent++;
  finished(p, st, err);
}

static bool begin_mail(struct parcel *p, const struct notice_message *m) {
  struct courier *c = p->courier;
  struct buf text;
  buf_init(&text, 1 << 16);
  notice_mail(m, &text);
  if (text.failed || !(p->mail = strndup(text.data, MAIL_BODY_MAX))) {
    buf_finish(&text);
    return false;
  }
  buf_finish(&text);
  p->now_ns = clock_wall_ns();
  c->writes++;
  store_write(c->core->store, STORE_CONTROL, hand_over, handed_over, p);
  return true;
}

// ---- together

static enum status group(struct db *db, void *arg, struct err *err) {
  struct parcel *p = arg;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < p->count; i++) {
    struct sending_row s = p->things[i].sending;
    s.group_id = p->things[0].sending.id;
    s.next_ns = p->now_ns;
    st = sending_update(db, &s, err);
  }
  return st;
}

static bool begin_group(struct parcel *p) {
  p->now_ns = clock_wall_ns();
  p->courier->writes++;
  store_write(p->courier->core->store, STORE_CONTROL, group, finished, p);
  return true;
}

static bool take_due(void *arg, const struct sending_row *row) {
  struct parcel *p = arg;
  const bool open = row->digest && !row->group_id;  // may go with others
  if (p->count == 0 || open) p->things[p->count++].sending = *row;
  const struct sending_row *first = &p->things[0].sending;
  return first->digest && !first->group_id && p->count < notice_items_max(p->kind);
}
static bool take_group(void *arg, const struct sending_row *row) {
  struct parcel *p = arg;
  if (row->next_ns) p->things[p->count++].sending = *row;
  return p->count < NOTICE_ITEMS_MAX;
}

static bool take_notice(void *arg, const struct notice_row *row) {
  struct thing *t = arg;
  t->created_ns = row->created_ns;
  t->more = row->more;
  id_format("ntc", row->id, t->id);
  snprintf(t->subject, sizeof t->subject, "%s", row->subject);
  if (!notice_event_parse(row->event, &t->event)) t->event = NOTICE_TEST;
  t->data = json_loads(row->data, 0, NULL);
  return false;
}

static const char *site(const struct courier *c) { return identity_settings(c->core->identity)->site_url; }

static void message_of(const struct parcel *p, struct notice_item items[], char link[300], struct notice_message *ret) {
  for (size_t i = 0; i < p->count; i++) {
    const struct thing *t = &p->things[i];
    items[i] = (struct notice_item){.event = t->event, .id = t->id, .subject = t->subject, .created_ns = t->created_ns, .more = t->more, .data = t->data};
  }
  const char *subject = p->count == 1 ? p->things[0].subject : "";
  if (strncmp(subject, "bot_", 4) == 0) snprintf(link, 300, "%.200s/bots/%.40s", site(p->courier), subject);
  else snprintf(link, 300, "%.200s/notices", site(p->courier));
  *ret = (struct notice_message){.product = identity_settings(p->courier->core->identity)->product, .link = link, .items = items, .count = p->count};
}

static void failed_here(struct parcel *p, const struct err *err) {
  p->outcome = NOTICE_LATER;
  p->retry_s = -1;
  snprintf(p->detail, sizeof p->detail, "%.200s", err->msg[0] ? err->msg : "it could not be sent");
  log_end(p);
  write_end(p);
}

static bool begin_http(struct parcel *p, const struct notice_message *m) {
  struct courier *c = p->courier;
  const struct keys *keys = identity_keys(c->core->identity);
  char address[NOTICE_ADDRESS_MAX + 1], group_id[ID_TEXT_SIZE];
  uint8_t key[KEY_BYTES] = {0}, before[KEY_BYTES] = {0};
  struct err err = {0};
  struct buf body;
  buf_init(&body, NOTICE_BODY_MAX);
  id_format("snd", p->things[0].sending.group_id, group_id);
  enum status st = notices_address(keys, reader(c), &p->channel, address, &err);
  const bool two = p->channel.sign_key_before_len > 0 && p->channel.before_until_ns > p->begun_ns;
  if (st == OK && p->kind == NOTICE_WEBHOOK) st = notices_sign_key(keys, reader(c), &p->channel, false, key, &err);
  if (st == OK && p->kind == NOTICE_WEBHOOK && two) st = notices_sign_key(keys, reader(c), &p->channel, true, before, &err);
  if (st == OK && p->kind == NOTICE_SMS) notice_sms(m, &body);
  else if (st == OK) st = notice_body(p->kind, m, address, &body, &err);
  const struct courier_letter letter = {.kind = p->kind, .address = address, .id = p->things[0].sending.group_id ? group_id : p->things[0].id, .key = key, .before = two ? before : NULL, .body = body.data ? body.data : "", .len = body.len};
  if (st == OK) st = courier_post(c, &letter, answered, p, &p->http, &err);
  buf_finish(&body);
  secret_wipe(address, sizeof address);
  secret_wipe(key, sizeof key);
  secret_wipe(before, sizeof before);
  if (st != OK) {
    if (st == ERR_NOTFOUND || st == ERR_INVALID) err_set(&err, st, "the address cannot be read any more");
    failed_here(p, &err);
    return true;
  }
  p->next = c->parcels;
  c->parcels = p;
  c->under_way++;
  return true;
}

static enum status skip(struct db *db, void *arg, struct err *err) { return sending_skip_all(db, ((struct parcel *)arg)->channel.id, "the channel is disabled", err); }

// ",bot.dead,order.unknown,": what never waits behind others.
static void critical_ones(char *ret, size_t size) {
  size_t len = (size_t)snprintf(ret, size, ",");
  for (int e = 0; e < NOTICE_EVENT_COUNT; e++)
    if (notice_about((enum notice_event)e)->critical) len += (size_t)snprintf(ret + len, size - len, "%s,", notice_about((enum notice_event)e)->name);
}

// Loads what is due; ERR_NOTFOUND: nothing is.
static enum status load(struct parcel *p, struct err *err) {
  struct db *db = reader(p->courier);
  char first[NOTICE_EVENT_COUNT * NOTICE_EVENT_SIZE];
  critical_ones(first, sizeof first);
  enum status st = sending_due(db, p->channel.id, p->begun_ns, first, NOTICE_ITEMS_MAX, take_due, p, err);
  if (st != OK) return st;
  if (p->count == 0) return ERR_NOTFOUND;
  const int64_t group_id = p->things[0].sending.group_id;
  if (group_id) {
    p->count = 0;
    st = sending_of_group(db, group_id, take_group, p, err);
  }
  for (size_t i = 0; st == OK && i < p->count; i++) st = notice_get(db, 0, p->things[i].sending.notice_id, take_notice, &p->things[i], err);
  return st == OK && p->count == 0 ? ERR_NOTFOUND : st;
}

static bool begin(struct parcel *p) {
  struct notice_item *items = calloc(p->count, sizeof *items);
  struct notice_message m;
  char link[300];
  struct buf title;
  bool begun = false;
  if (!items) return false;
  message_of(p, items, link, &m);
  buf_init(&title, 1 << 14);
  notice_title(&m, &title);
  snprintf(p->title, sizeof p->title, "%s", title.data ? title.data : "");
  buf_finish(&title);
  // Made one before it leaves, so that it is the same one when it is sent again.
  if (p->things[0].sending.digest && !p->things[0].sending.group_id) begun = begin_group(p);
  else if (p->kind == NOTICE_MAIL) begun = begin_mail(p, &m);
  else begun = begin_http(p, &m);
  free(items);
  return begun;
}

static bool is_allowed(struct courier *c, struct lane *lane, enum notice_kind kind) {
  struct rate_limit limit = limits[kind];
  limit.period_ns = limit.period_ns / 100 * c->s.percent;
  const struct rate_result r = rate_take(c->core->rates, rate_key(c->core->rates, "notice", &lane->channel_id, sizeof lane->channel_id), &limit, 1, clock_monotonic_ns());
  if (!r.allowed) lane->hold_ns = clock_wall_ns() + r.retry_after_s * 1000 * NS_PER_MS;
  return r.allowed;
}

bool courier_send(struct courier *c, struct lane *lane) {
  struct parcel *p = calloc(1, sizeof *p);
  struct err err = {0};
  if (p) p->things = calloc(NOTICE_ITEMS_MAX, sizeof *p->things);
  if (!p || !p->things) {
    free(p);
    return false;
  }
  p->courier = c;
  p->begun_ns = clock_wall_ns();
  enum status st = channel_find(reader(c), lane->channel_id, &p->channel, &err);
  if (st == ERR_NOTFOUND) lane->next_ns = INT64_MAX;
  const int kind = st == OK ? notice_kind_parse(p->channel.kind) : -1;
  if (kind < 0 || (strcmp(p->channel.state, "active") == 0 && !is_allowed(c, lane, (enum notice_kind)kind))) return parcel_free(p), false;
  p->kind = (enum notice_kind)kind;
  lane->busy = true;
  if (strcmp(p->channel.state, "active") != 0) {
    c->writes++;
    store_write(c->core->store, STORE_CONTROL, skip, finished, p);
    return true;
  }
  st = load(p, &err);
  if (st == OK && begin(p)) return true;
  courier_lane_over(c, lane->channel_id);
  if (st != ERR_NOTFOUND) lane->hold_ns = p->begun_ns + 1000 * NS_PER_MS;  // the disk, or memory
  parcel_free(p);
  return false;
}

void courier_parcels_drop(struct courier *c) {
  while (c->parcels) {
    struct parcel *p = c->parcels;
    http_client_cancel(p->http);
    unlist(p);
    parcel_free(p);
  }
}
