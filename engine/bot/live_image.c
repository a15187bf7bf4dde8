// bot/live_image.c – images of bots' books (bot/clerk_image.h): when one is taken, how it comes to the disk, and where a bot's past begins.
//
//     a script has had its turn ─ live_image_take ─► batch ─ its commit ─► written behind all else ─► the past begins there: commands before it are let go of
//     a start ─ live_base_pick: the newest whose rows are written, and what else it must know of the run ─► live_base_load ─► records and bars since then
//     a host that opens the bot ─ live_base_body: its books ─► commands since then
//
// How much has to be done again is bounded by IMAGE_EVERY, however long a run is. Bots that began together do not take theirs together. Whatever
// is wrong with one, the journal has it all: then the whole run is read.
#include "bot/live_impl.h"

#include "bot/clerk_image.h"
#include "store/image_rows.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#define IMAGE_EVERY 512            // records and instants since the one before
#define JOB_BYTES (256u * 1024)    // of one write

static size_t every(const struct live *l) { return l->config.image_every ? l->config.image_every : IMAGE_EVERY; }

static size_t work_since(const struct live_bot *b) { return b->image_age + b->shelf_count + b->past_count; }

void live_image_later(struct live_bot *b) {
  const size_t n = every(b->live);
  b->image_age = 0;
  b->image_due = (uint32_t)(work_since(b) + n / 2 + live_bucket(b->id) % (n / 2 + 1));
}

// ---- taking one

// Its script has heard of everything, its market's bars have all ended now, and it goes on.
static bool fit(const struct live_bot *b) {
  if (!b->opened || b->skipped || b->unheard || b->restoring || b->imaging || b->telling || !b->told_run || b->ending || b->words != WORDS_NONE || b->behind) return false;
  if (b->instant_ns <= b->run_from_ns) return false;
  for (int k = 0; !b->setup->venue[0] && k < b->plan->symbol_count; k++)
    if (b->funded_ns[k] != b->instant_ns) return false;
  return true;
}

static size_t own_records(const struct live_batch *batch, int64_t bot) {
  size_t n = 0;
  for (size_t i = 0; i < batch->rows.record_count; i++) n += batch->rows.records[i].bot_id == bot;
  return n;
}

void live_image_take(struct live_bot *b) {
  b->image_age++;
  if (work_since(b) < b->image_due || !fit(b)) return;
  struct live_batch *batch = live_batch(b->live, b->place);
  struct live_image *more = batch ? realloc(batch->images, (batch->image_count + 1) * sizeof *more) : NULL;
  if (!more) return;
  batch->images = more;
  struct live_image *i = &more[batch->image_count];
  *i = (struct live_image){.bot = b->id, .run = b->run, .serial = b->image_serial, .time_ns = b->instant_ns, .records = b->shelf_count + b->past_count, .commands = b->past_commands,
    .own = own_records(batch, b->id)};
  buf_init(&i->body, CLERK_IMAGE_MAX);
  if (!clerk_image_make(b->clerk, &i->body)) {
    buf_finish(&i->body);
    b->image_due = (uint32_t)(work_since(b) + every(b->live) / 16 + 1);
    return;
  }
  batch->image_count++;
  b->imaging = true;
  b->content = true;  // until when its script saw everything is kept with it
  live_batch_bot(batch, b->id);
}

void live_image_drop(struct live_batch *batch, int64_t bot) {
  size_t kept = 0;
  for (size_t i = 0; i < batch->image_count; i++)
    if (batch->images[i].bot != bot) batch->images[kept++] = batch->images[i];
    else buf_finish(&batch->images[i].body);
  batch->image_count = kept;
}

// ---- to the disk

struct job {
  struct live *live;
  size_t count;
  struct {
    struct live_image image;
    int64_t tenant_id, last_id;
    int slot;
  } rows[];
};

static struct live_bot *whose(struct live *l, const struct live_image *i) {
  struct live_bot *b = live_find(l, i->bot);
  return b && b->image_serial == i->serial && b->run == i->run ? b : NULL;
}

static enum status write_rows(struct db *db, void *arg, struct err *err) {
  const struct job *j = arg;
  enum status st = OK;
  for (size_t n = 0; st == OK && n < j->count; n++) {
    const struct live_image *i = &j->rows[n].image;
    st = bot_image_put(db, &(struct bot_image){.bot_id = i->bot, .tenant_id = j->rows[n].tenant_id, .run = i->run, .slot = j->rows[n].slot, .last_id = j->rows[n].last_id, .time_ns = i->time_ns,
      .body = i->body.data, .len = i->body.len}, err);
  }
  return st;
}

static void written(void *arg, enum status st, const struct err *err) {
  struct job *j = arg;
  struct live *l = j->live;
  l->writes--;
  if (st != OK) l->config.log(l->config.self, "warning", "images_unsaved", json_pack("{s:s}", "error", err->msg));
  for (size_t n = 0; n < j->count; n++) {
    const struct live_image *i = &j->rows[n].image;
    struct live_bot *b = whose(l, i);
    if (b) b->imaging = false;
    if (b && st == OK && b->clerk && !b->telling) {
      b->base = (struct live_base){j->rows[n].slot, j->rows[n].last_id, i->time_ns};
      b->base_refused = false;
      live_past_drop(b, i->records, i->commands);
    }
    if (b) live_image_later(b);
    buf_finish(&j->rows[n].image.body);
  }
  free(j);
}

int64_t live_image_last_id(const struct live_batch *batch, const struct live_image *i) {
  size_t own = 0;
  int64_t last_id = 0;
  for (size_t k = 0; k < batch->rows.record_count; k++) {
    const struct journal_record *r = &batch->rows.records[k];
    if (r->bot_id != i->bot) continue;
    if (own++ == i->own) return last_id ? last_id : r->id - 1;
    last_id = r->id;
  }
  return last_id ? last_id : batch->last_id;
}

void live_images_committed(struct live *l, struct live_batch *batch, enum status st) {
  for (size_t at = 0, n; at < batch->image_count; at += n) {
    size_t bytes = 0;
    for (n = 0; at + n < batch->image_count && (n == 0 || bytes < JOB_BYTES); n++) bytes += batch->images[at + n].body.len;
    struct job *j = st == OK && !l->closing ? calloc(1, sizeof *j + n * sizeof *j->rows) : NULL;
    for (size_t k = 0; k < n; k++) {
      struct live_image *i = &batch->images[at + k];
      struct live_bot *b = whose(l, i);
      if (!j && b) b->imaging = false;
      if (!j || !b) {
        buf_finish(&i->body);
        continue;
      }
      j->rows[j->count].image = *i;
      j->rows[j->count].tenant_id = b->tenant_id;
      j->rows[j->count].last_id = live_image_last_id(batch, i);
      j->rows[j->count++].slot = b->base.time_ns == INT64_MIN ? 0 : !b->base.slot;
    }
    if (!j) continue;
    j->live = l;
    l->writes++;
    store_write_later(l->config.store, STORE_JOURNAL, write_rows, written, j);
  }
  batch->image_count = 0;
}

// ---- where its past begins

static struct db *reader(const struct live_bot *b) { return store_reader(b->live->config.store, STORE_JOURNAL); }

enum status live_base_pick(struct live_bot *b, journal_record_fn rare, struct err *err) {
  struct bot_image i;
  if (b->base_refused) return OK;
  const enum status st = bot_image_pick(reader(b), b->id, b->run, &i, err);
  if (st != OK) return st == ERR_NOTFOUND ? OK : st;
  b->base = (struct live_base){i.slot, i.last_id, i.time_ns};
  return journal_scan_rare(reader(b), b->id, b->run, i.last_id, rare, b, err);
}

struct taking {
  const struct live_bot *bot;
  struct buf *to;
};

static void take_body(void *arg, const struct bot_image *i) {
  const struct taking *t = arg;
  if (i->run == t->bot->run && i->last_id == t->bot->base.last_id && i->time_ns == t->bot->base.time_ns) buf_add(t->to, i->body, i->len);
}

static bool usable(const struct live_bot *b, const struct buf *body) {
  return !body->failed && body->len && clerk_image_sound(body->data, body->len) && clerk_image_time(body->data, body->len) == b->base.time_ns && clerk_image_fits(b->clerk, body->data, body->len);
}

enum status live_base_body(struct live_bot *b, struct buf *ret, struct err *err) {
  if (b->past_torn) return live_past_whole(b, err);
  if (b->base.time_ns == INT64_MIN) return OK;
  const enum status st = bot_image_get(reader(b), b->id, b->base.slot, take_body, &(struct taking){b, ret}, err);
  if (st != OK && st != ERR_NOTFOUND) return st;  // a disk that cannot be read now
  if (st == OK && usable(b, ret)) return OK;
  b->live->config.log(b->live->config.self, "warning", "image_refused", json_pack("{s:s, s:s}", "bot", b->channel + 4, "error",
    st == OK ? "it is of other terms, of another program, or damaged: the whole run is read" : "it is not there: the whole run is read"));
  buf_clear(ret);
  return live_past_whole(b, err);
}

enum status live_base_load(struct live_bot *b, struct err *err) {
  struct buf body;
  buf_init(&body, CLERK_IMAGE_MAX);
  enum status st = live_base_body(b, &body, err);
  if (st != OK || body.len == 0) {
    buf_finish(&body);
    return st;
  }
  if ((st = clerk_image_load(b->clerk, body.data, body.len, err)) != OK) {
    b->base_refused = true;  // the next try reads the run
  } else {
    b->instant_ns = b->base.time_ns;
    for (int k = 0; k < b->plan->symbol_count; k++) b->funded_ns[k] = b->base.time_ns;
  }
  buf_finish(&body);
  return st;
}
