// bot/live_shadow.c – a version that runs beside the one that trades: on the same bars, from the same state, orders and account at first, with
// a matcher of its own. What it asks for is compared with what the live version asked for in the same instant, and goes nowhere else.
//
// To its host it is a bot like others, with a number of its own (SHADOW) and a tenant of its own: its memory and CPU time are never
// its live bot's. It starts anew with each start of the live script, from that one's state. What was compared is kept: live_shadow_keep.c.
#include "bot/live_shadow.h"

#include "bot/replay.h"
#include "loop/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHADOW LIVE_SHADOW
#define TEXT_MAX SHADOW_LINES_MAX
#define ERRORS_MAX 3

struct live_bot *live_shadow_find(const struct live *l, int64_t id) { return id & SHADOW ? live_find(l, id & ~SHADOW) : NULL; }

static void leave(struct live_bot *b) {
  struct live_shadow *s = b->shadow;
  if (s->placed) fleet_remove(b->live->fleet, b->id | SHADOW, "its live bot goes on without it");
  s->placed = s->opened = false;
  s->live[0] = s->shadow[0] = '\0';
}

void live_shadow_left(struct live_bot *b) {
  b->telling = b->telling && b->half_told;
  if (b->shadow) leave(b);
}

void live_shadow_free(struct live_bot *b) {
  struct live_shadow *s = b->shadow;
  if (!s) return;
  leave(b);
  live_script_finish(&s->script);
  for (size_t i = 0; i < SHADOW_DIFFERENCES_MAX; i++) {
    free(s->items[i].live);
    free(s->items[i].shadow);
  }
  free(s);
  b->shadow = NULL;
}

static void end(struct live_bot *b, const char *why) {
  struct live_shadow *s = b->shadow;
  leave(b);
  s->row.ended = true;
  snprintf(s->row.why, sizeof s->row.why, "%s", why);
  live_plain(s->row.why, strlen(s->row.why));
  live_shadow_touch(b);
  live_shadow_keep(b->live);
  b->live->config.publish(b->live->config.self, b->channel, "shadow", json_pack("{s:I, s:s, s:s}", "version", (json_int_t)s->row.version, "state", "ended", "detail", s->row.why));
}

// ---- to its host

static enum status begin(struct live_bot *b, struct err *err) {
  struct fleet_need needs[SPEC_STREAMS_MAX];
  struct live_shadow *s = b->shadow;
  json_t *header = NULL;
  uint32_t history;
  live_script_finish(&s->script);
  enum status st = live_script_read(b, b->row.shadow_version, &s->script, &header, err);
  if (st == OK && !(s->script.params = strdup(b->params))) st = err_set(err, ERR_NOMEM, "no memory for a shadow");
  if (st == OK) st = live_script_fits(b, header, &history, err);
  json_decref(header);
  if (st != OK) return st;
  const int count = live_needs(b, needs);
  st = fleet_place(b->live->fleet, b->id | SHADOW, b->tenant_id, b->grant.own_host, needs, count, err);
  if (st != OK) return st;
  s->placed = true;
  if (fleet_host_of(b->live->fleet, b->id | SHADOW) != b->place) st = err_set(err, ERR_LIMIT, "there is no room for it in the process that runs the bot");
  return st;
}

void live_shadow_look(struct live_bot *b) {
  struct err err;
  if (b->live->closing) return;
  if (b->shadow && (!b->has_row || b->shadow->row.version != b->row.shadow_version)) live_shadow_free(b);
  if (!b->has_row || !b->row.shadow_version || !b->clerk || !b->opened) return;
  if (!b->shadow && !(b->shadow = live_shadow_read(b))) return;
  if (b->shadow->placed || b->shadow->row.ended) return;
  if (begin(b, &err) != OK) end(b, err.msg);
}

enum fleet_step live_shadow_open(struct live *l, struct fleet_open *f, struct buf *out) {
  struct live_bot *b = live_shadow_find(l, f->bot);
  if (!b || !b->shadow || !b->clerk || !b->told_run || b->live_from_ns > f->through_ns) return FLEET_NOT;
  return live_open_put(b, &b->shadow->script, f, out);
}

void live_shadow_opened(struct live_bot *b) {
  if (!b->shadow) return;
  b->shadow->opened = true;
  b->shadow->row.starts++;
  b->shadow->row.started_ns = clock_wall_ns();
  live_shadow_touch(b);
}

void live_shadow_refused(struct live_bot *b, const char *why) {
  if (!b->shadow) return;
  b->shadow->placed = false;  // the fleet has removed it
  end(b, why);
}

// ---- what both ask for

static void put(char lines[TEXT_MAX], int64_t *at_ns, const struct live_bot *b, const struct bot_command *c) {
  char text[256];
  if (c->kind == COMMAND_MARK || c->kind == COMMAND_RESERVE) return;
  if (*at_ns != c->time_ns) lines[0] = '\0';
  *at_ns = c->time_ns;
  replay_command_text(c, clerk_matcher(b->clerk), text);
  // "submit 12: buy …": ids are each one's own from the first difference on.
  const char *rest = strchr(text, ':');
  const size_t len = strlen(lines);
  snprintf(lines + len, TEXT_MAX - len, "%s%s%s", len ? "\n" : "", c->kind == COMMAND_SUBMIT ? "" : command_kind_text(c->kind), rest ? rest + (c->kind == COMMAND_SUBMIT ? 2 : 1) : "");
}

void live_shadow_live(struct live_bot *b, const struct bot_command *c) {
  if (b->shadow && b->shadow->opened) put(b->shadow->live, &b->shadow->live_ns, b, c);
}

static void failed(struct live_bot *b, const struct wire_frame *f) {
  struct live_shadow *s = b->shadow;
  char why[RECORD_TEXT_MAX];
  snprintf(why, sizeof why, "%.*s", (int)f->text_len, f->text);
  s->row.errors++;
  if (f->gone || s->row.errors >= ERRORS_MAX) {
    if (f->gone) s->opened = false;
    end(b, why);
    return;
  }
  snprintf(s->row.why, sizeof s->row.why, "%s", why);
  live_plain(s->row.why, strlen(s->row.why));
  live_shadow_touch(b);
}

void live_shadow_frame(struct live_bot *b, const struct wire_frame *f) {
  struct live_shadow *s = b->shadow;
  if (!s || !b->clerk || s->row.ended) return;
  if (f->type == WIRE_COMMAND && f->command.intent.symbol < b->plan->symbol_count) put(s->shadow, &s->shadow_ns, b, &f->command);
  if (f->type == WIRE_FAULT) failed(b, f);
}

static void keep(struct live_shadow *s, int64_t time_ns, const char *live, const char *shadow) {
  struct live_difference *d = &s->items[s->row.different++ % SHADOW_DIFFERENCES_MAX];
  free(d->live);
  free(d->shadow);
  *d = (struct live_difference){time_ns, strdup(live), strdup(shadow)};
}

// The instant is over for both, which are in one host.
void live_shadow_compare(struct live_bot *b) {
  struct live_shadow *s = b->shadow;
  if (!s || !s->opened || s->row.ended) return;
  const char *live = s->live_ns == b->instant_ns ? s->live : "", *shadow = s->shadow_ns == b->instant_ns ? s->shadow : "";
  s->row.instants++;
  live_shadow_touch(b);
  if (!*live && !*shadow) return;
  if (strcmp(live, shadow) == 0) {
    s->row.same++;
  } else {
    keep(s, b->instant_ns, live, shadow);
    b->live->config.publish(b->live->config.self, b->channel, "shadow", json_pack("{s:I, s:s, s:s, s:s, s:I}", "version", (json_int_t)s->row.version, "state", "different", "live",
      live, "shadow", shadow, "time", (json_int_t)(b->instant_ns / NS_PER_MS)));
  }
  s->live[0] = s->shadow[0] = '\0';
}

void live_shadow_changed(struct live *l, int64_t script_id) {
  for (int i = 0; i < LIVE_BUCKETS; i++)
    for (struct live_bot *b = l->bots[i], *next; b; b = next) {
      next = b->next;
      if (b->has_row && b->row.script_id == script_id) live_bot_changed(l, b->id);
    }
}

// ---- as JSON

static json_t *lines_json(const char *text) {
  json_t *list = json_array();
  for (const char *end; text && *text; text = end + (*end == '\n')) {
    end = strchrnul(text, '\n');
    json_array_append_new(list, json_stringn(text, (size_t)(end - text)));
  }
  return list;
}

json_t *live_shadow_json(const struct live *l, int64_t bot_id) {
  const struct live_bot *b = live_find(l, bot_id);
  const struct live_shadow *s = b ? b->shadow : NULL;
  if (!s) return NULL;
  json_t *items = json_array();
  for (int64_t i = s->row.different; i > 0 && s->row.different - i < SHADOW_DIFFERENCES_MAX; i--) {
    const struct live_difference *d = &s->items[(i - 1) % SHADOW_DIFFERENCES_MAX];
    if (d->live) json_array_append_new(items, json_pack("{s:I, s:o, s:o}", "time_ms", (json_int_t)(d->time_ns / NS_PER_MS), "live", lines_json(d->live), "shadow", lines_json(d->shadow)));
  }
  return json_pack("{s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:o}", "version", (json_int_t)s->row.version, "live_version", (json_int_t)b->version, "state",
                   s->row.ended ? "ended" : s->opened ? "running" : "opening", "why", s->row.why, "began_at_ms", (json_int_t)(s->row.began_ns / NS_PER_MS), "starts",
                   (json_int_t)s->row.starts, "instants", (json_int_t)s->row.instants, "started_at_ms",
                   s->row.starts ? json_integer(s->row.started_ns / NS_PER_MS) : json_null(), "same", (json_int_t)s->row.same, "different", (json_int_t)s->row.different, "errors",
                   (json_int_t)s->row.errors, "items", items);
}
