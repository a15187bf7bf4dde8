// notice/rules.c – see rules.h.
#include "notice/rules.h"

#include "market/tz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)
#define MIN_S 60
#define DAY_S 86400

struct notice_rules {
  struct tz *tz;
  bool quiet;
  int32_t from_s, to_s;      // of the local day; to before from: over midnight
  int32_t every_s, at_s;     // digests
  json_t *events;            // borrowed by us
};

// "22:30"; −1: no time of a day.
static int32_t time_of_day(const json_t *v) {
  const char *t = json_string_value(v);
  if (!t || strlen(t) != 5 || t[2] != ':') return -1;
  for (int i = 0; i < 5; i++)
    if (i != 2 && (t[i] < '0' || t[i] > '9')) return -1;
  const int32_t hour = (t[0] - '0') * 10 + t[1] - '0', minute = (t[3] - '0') * 10 + t[4] - '0';
  return hour < 24 && minute < 60 ? hour * 3600 + minute * 60 : -1;
}

static enum status read_quiet(struct notice_rules *r, const json_t *quiet, struct err *err) {
  if (!json_is_object(quiet)) return OK;
  r->from_s = time_of_day(json_object_get(quiet, "from"));
  r->to_s = time_of_day(json_object_get(quiet, "to"));
  if (r->from_s < 0) return err_set(err, ERR_INVALID, "/quiet/from: write a time of the day, as 22:00");
  if (r->to_s < 0) return err_set(err, ERR_INVALID, "/quiet/to: write a time of the day, as 07:00");
  if (r->from_s == r->to_s) return err_set(err, ERR_INVALID, "/quiet/to: quiet hours that end when they begin are a whole day, which would be for ever");
  r->quiet = true;
  return OK;
}

static enum status read_digest(struct notice_rules *r, const json_t *digest, struct err *err) {
  if (!json_is_object(digest)) return OK;
  const json_t *every = json_object_get(digest, "every_minutes"), *at = json_object_get(digest, "at");
  if (every) {
    const json_int_t n = json_integer_value(every);
    if (!json_is_integer(every) || n < NOTICE_DIGEST_MIN || n > NOTICE_DIGEST_MAX || NOTICE_DIGEST_MAX % n != 0)
      return err_set(err, ERR_INVALID, "/digest/every_minutes: from %d to %d, and a day must be a multiple of it", NOTICE_DIGEST_MIN, NOTICE_DIGEST_MAX);
    r->every_s = (int32_t)n * MIN_S;
  }
  if (!at) return OK;
  r->at_s = time_of_day(at);
  return r->at_s < 0 ? err_set(err, ERR_INVALID, "/digest/at: write a time of the day, as 08:00") : OK;
}

// A name for a message: one that is longer than any of ours is left out, so that nothing is cut in the middle of a character.
static const char *key(const char *name) { return strlen(name) <= 40 ? name : ""; }

static enum status check_events(const json_t *events, struct err *err) {
  const char *name, *channel;
  json_t *modes, *mode;
  enum notice_event e;
  json_object_foreach((json_t *)events, name, modes) {
    if (!notice_event_parse(name, &e)) return err_set(err, ERR_INVALID, "/events/%s: there is no such event", key(name));
    json_object_foreach(modes, channel, mode) {
      const int m = json_is_string(mode) ? notice_mode_parse(json_string_value(mode)) : -1;
      if (m < 0) return err_set(err, ERR_INVALID, "/events/%s/%s: write off, now or digest", name, key(channel));
      if (notice_about(e)->critical && m != NOTICE_NOW)
        return err_set(err, ERR_INVALID, "/events/%s/%s: this one is critical: it always goes out at once", name, key(channel));
    }
  }
  return OK;
}

enum status notice_rules_create(const json_t *p, struct notice_rules **ret, struct err *err) {
  struct notice_rules *r = calloc(1, sizeof *r);
  if (!r) return err_set(err, ERR_NOMEM, "out of memory");
  r->every_s = DAY_S;
  r->at_s = 8 * 3600;
  const char *zone = json_string_value(json_object_get(p, "time_zone"));
  enum status st = tz_load(zone ? zone : "UTC", &r->tz, err);
  if (st == ERR_NOTFOUND || st == ERR_INVALID) st = err_set(err, ERR_INVALID, "/time_zone: there is no zone of that name; write one as Europe/Berlin");
  if (st == OK) st = read_quiet(r, json_object_get(p, "quiet"), err);
  if (st == OK) st = read_digest(r, json_object_get(p, "digest"), err);
  if (st == OK) st = check_events(json_object_get(p, "events"), err);
  if (st == OK) r->events = json_incref(json_object_get(p, "events"));
  if (st == OK) *ret = r;
  else notice_rules_destroy(r);
  return st;
}

void notice_rules_destroy(struct notice_rules *r) {
  if (!r) return;
  tz_destroy(r->tz);
  json_decref(r->events);
  free(r);
}

static enum notice_mode mode_of(const struct notice_rules *r, enum notice_event e, enum notice_kind kind, const char *channel) {
  const struct notice_about *about = notice_about(e);
  if (about->critical) return NOTICE_NOW;
  const json_t *said = json_object_get(r->events, about->name), *of = json_object_get(said, channel);
  const char *text = json_string_value(of ? of : json_object_get(said, "all"));
  const int mode = text ? notice_mode_parse(text) : -1;
  if (mode >= 0) return (enum notice_mode)mode;
  return kind == NOTICE_SMS ? NOTICE_OFF : about->mode;
}

bool notice_wanted(const struct notice_rules *r, enum notice_event e, enum notice_kind kind, const char *channel) { return mode_of(r, e, kind, channel) != NOTICE_OFF; }

// When the quiet hours that hold at now_s are over; now_s: none hold. They are looked at as what lies between two instants, each once a day: an hour that
// the clock shows twice neither begins them anew nor, when they have ended in it, holds anything until the next day.
static int64_t quiet_until(const struct notice_rules *r, int64_t now_s) {
  if (!r->quiet) return now_s;
  const int64_t end_s = tz_next_time_of_day(r->tz, now_s, r->to_s), day = tz_local_day(r->tz, end_s);
  const int64_t begin_s = tz_utc_of_local(r->tz, r->from_s < r->to_s ? day : day - 1, r->from_s);
  return begin_s <= now_s ? end_s : now_s;
}

// The next of the digest's times after now_s. Times of the day go by the local clock, so that 08:00 stays 08:00 over a change of it.
static int64_t digest_after(const struct notice_rules *r, int64_t now_s) {
  int64_t next = INT64_MAX;
  for (int32_t at = r->at_s % r->every_s; at < DAY_S; at += r->every_s) {
    const int64_t t = tz_next_time_of_day(r->tz, now_s, at);
    if (t < next) next = t;
  }
  return next;
}

struct notice_decision notice_decide(const struct notice_rules *r, enum notice_event e, enum notice_kind kind, const char *channel, int64_t now_ns) {
  const enum notice_mode mode = mode_of(r, e, kind, channel);
  const int64_t now_s = now_ns / NS_PER_S;
  if (mode == NOTICE_OFF || notice_about(e)->critical) return (struct notice_decision){mode, now_ns};
  int64_t at_s = mode == NOTICE_DIGEST ? digest_after(r, now_s) : now_s;
  if (kind != NOTICE_WEBHOOK && e != NOTICE_TEST) at_s = quiet_until(r, at_s);
  if (at_s == now_s) return (struct notice_decision){NOTICE_NOW, now_ns};
  return (struct notice_decision){NOTICE_DIGEST, at_s * NS_PER_S};
}
