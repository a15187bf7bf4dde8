// api/courier_fetch.c – what bots left in the journal with their instants becomes notices: written to control.db, each once by its number, and
// when that is committed dropped from the journal. A process that dies in between does it again, and it is still one notice.
#include "api/courier_impl.h"

#include "loop/loop.h"
#include "store/id.h"
#include "store/journal_rows.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64

struct fetched {
  int64_t id, bot_id, tenant_id, created_ns;
  char event[NOTICE_EVENT_SIZE], *data;
};
struct fetch {
  struct courier *courier;
  struct fetched items[BATCH];
  size_t count;
  bool failed;
};

static void fetch_free(struct fetch *f) {
  for (size_t i = 0; i < f->count; i++) free(f->items[i].data);
  f->courier->fetching = false;
  free(f);
}

static bool take(void *arg, const struct journal_notice *n) {
  struct fetch *f = arg;
  struct fetched *to = &f->items[f->count];
  *to = (struct fetched){n->id, n->bot_id, n->tenant_id, n->created_ns, "", strdup(n->data)};
  snprintf(to->event, sizeof to->event, "%s", n->event);
  if (!to->data) return !(f->failed = true);
  return ++f->count < BATCH;
}

static enum status drop(struct db *db, void *arg, struct err *err) {
  const struct fetch *f = arg;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < f->count; i++) st = journal_notice_drop(db, f->items[i].id, err);
  return st;
}
static void dropped(void *arg, enum status st, const struct err *err) {
  struct fetch *f = arg;
  (void)st, (void)err;  // they are fetched again, and are notices already
  f->courier->writes--;
  fetch_free(f);
}

static enum status add(struct db *db, void *arg, struct err *err) {
  const struct fetch *f = arg;
  enum status st = OK;
  for (size_t i = 0; st == OK && i < f->count; i++) {
    char subject[ID_TEXT_SIZE], once[40];
    const struct fetched *n = &f->items[i];
    id_format("bot", n->bot_id, subject);
    snprintf(once, sizeof once, "journal:%lld", (long long)n->id);
    st = notice_add(db, &(struct notice_row){.tenant_id = n->tenant_id, .event = n->event, .subject = subject, .data = n->data, .once = once, .created_ns = n->created_ns}, NULL, err);
  }
  return st;
}
static void added(void *arg, enum status st, const struct err *err) {
  struct fetch *f = arg;
  struct courier *c = f->courier;
  if (st == OK) {
    store_write_later(c->core->store, STORE_JOURNAL, drop, dropped, f);
    return;
  }
  c->writes--;
  api_log(c->core, "error", "notices_not_fetched", json_pack("{s:s}", "error", err->msg));
  fetch_free(f);
}

static bool is_any(void *arg, const struct journal_notice *n) {
  (void)n;
  *(bool *)arg = true;
  return false;
}

void courier_fetch(struct courier *c) {
  struct db *db = store_reader(c->core->store, STORE_JOURNAL);
  struct err err;
  bool any = false;
  if (c->fetching || journal_notice_list(db, 1, is_any, &any, &err) != OK || !any) return;
  struct fetch *f = calloc(1, sizeof *f);
  if (!f) return;
  f->courier = c;
  c->fetching = true;
  if (journal_notice_list(db, BATCH, take, f, &err) != OK || f->failed || f->count == 0) {
    fetch_free(f);
    return;
  }
  c->writes++;
  store_write(c->core->store, STORE_CONTROL, add, added, f);
}
