// bot/clerk_image.c – see clerk_image.h. Sums over the bots of an account are not in it: a bot that is read joins them, as by its history.
#include "bot/clerk_image.h"

#include "base/pack.h"
#include "bot/clerk_remote_impl.h"

#include <assert.h>
#include <string.h>

#define FORMAT 1  // another when other members are packed, or the same bars and commands come to something else: then runs are read whole once
#define HEAD (1 + SHA256_BYTES)
#define ORDERS_MAX (1 << 20)
#define LENGTH(table) (sizeof(table) / sizeof *(table))

// ---- what is in it

#define ORDER(member) PACK_ANY(struct clerk_order, member)
#define FLAG(member) PACK_FIELD(struct clerk_order, member, 0, 0, 1)
static const struct pack_field order_fields[] = {
    ORDER(id), ORDER(change_lots), PACK_FIELD(struct clerk_order, largest_lots, 0, 0, INT64_MAX), PACK_FIELD(struct clerk_order, px, NO_PRICE_TICKS, INT64_MIN, INT64_MAX),
    PACK_FIELD(struct clerk_order, ticket.lots, 0, 0, INT64_MAX), PACK_FIELD(struct clerk_order, ticket.all_lots, 0, 0, INT64_MAX), FLAG(ticket.open), FLAG(ticket.reduce), FLAG(grows), FLAG(rests)};

static void order_pack(struct clerk *c, struct clerk_order *w, struct pack *p) {
  struct clerk_order read = w ? *w : (struct clerk_order){0};
  pack_fields(p, &read, order_fields, LENGTH(order_fields));
  if (!pack_reads(p)) return;
  const struct order *o = matcher_order(c->blotter.matcher, read.id);
  if (!o || !order_alive(o) || clerk_order_find(c, read.id) || (read.ticket.open && (read.ticket.all_lots == 0 || !price_given(read.px)))) pack_fail(p);
  if (!p->failed) clerk_orders_bring(c, o, &read);
}

static void orders_pack(struct clerk *c, struct pack *p) {
  const size_t n = pack_count(p, c->order_count, ORDERS_MAX);
  for (size_t i = 0; i < n && !p->failed; i++) order_pack(c, pack_reads(p) ? NULL : &c->orders[i], p);
}

// A position of the bot's, for all sums that it is part of.
static void symbol_pack(struct clerk *c, struct clerk_symbol *s, struct pack *p) {
  struct sub_books *books = &c->account->books;
  struct sub_line l = pack_reads(p) ? (struct sub_line){0} : *sub_books_line(books, c->slot, s->shared->book);
  l.lots = pack_any(p, l.lots);
  l.flow = pack_wide(p, l.flow);
  l.fees_e8 = pack_any(p, l.fees_e8);
  if (!pack_reads(p) || p->failed) return;
  const int64_t lots = matcher_account(c->blotter.matcher)->symbols[s->symbol].pos[s->leg].lots;
  if (l.lots != lots || lots == INT64_MIN || !sub_books_bring(books, c->slot, s->shared->book, &l)) return pack_fail(p);
  if (lots != 0) gate_fill(&s->path, lots > 0 ? SIDE_BUY : SIDE_SELL, lots > 0 ? lots : -lots);
}

static void core_pack(struct clerk *c, struct pack *p) {
  c->day = pack_any(p, c->day);
  c->scope.day_start_e8 = pack_any(p, c->scope.day_start_e8);
  c->scope.peak_e8 = pack_any(p, c->scope.peak_e8);
  c->trades_seen = (size_t)pack_number(p, (int64_t)c->trades_seen, 0, (int64_t)matcher_account(c->blotter.matcher)->trades.count);
  for (int i = 0; i < c->symbol_count && !p->failed; i++) symbol_pack(c, &c->symbols[i], p);
  orders_pack(c, p);
  if (c->protect && !p->failed) protect_pack(c->protect, p);
  if (c->remote && !p->failed) fill_set_pack(&c->remote->booked, p);
}

struct head {
  int64_t terms, time_ns;
  size_t books_len;
};

static void head_pack(struct head *h, struct pack *p) {
  h->terms = pack_any(p, h->terms);
  h->time_ns = pack_any(p, h->time_ns);
  h->books_len = pack_count(p, h->books_len, CLERK_IMAGE_MAX);
}

static int64_t terms_of(const struct clerk *c) { return (int64_t)(blotter_terms(&c->blotter) ^ (c->protect ? 1 : 0) ^ (c->remote ? 2 : 0)); }

// ---- making one

static void digest_of(const char *bytes, size_t len, uint8_t ret[SHA256_BYTES]) {
  struct sha256_ctx ctx;
  sha256_init(&ctx);
  sha256_update(&ctx, bytes + HEAD, len - HEAD);
  sha256_finish(&ctx, ret);
}

bool clerk_image_make(struct clerk *c, struct buf *out) {
  const size_t from = out->len;
  struct buf books;
  if (c->restoring || !blotter_packable(&c->blotter)) return false;
  buf_init(&books, CLERK_IMAGE_MAX);
  struct pack p = pack_writer(&books), rest = pack_writer(out);
  books_pack(&c->blotter, &c->script_day, &c->script, &p);
  const uint8_t head[HEAD] = {FORMAT};
  buf_add(out, head, sizeof head);
  head_pack(&(struct head){terms_of(c), c->now_ns, books.len}, &rest);
  buf_add(out, books.data ? books.data : "", books.len);
  core_pack(c, &rest);
  const bool made = !books.failed && !out->failed && out->len - from <= CLERK_IMAGE_MAX;
  buf_finish(&books);
  if (made) digest_of(out->data + from, out->len - from, (uint8_t *)out->data + from + 1);
  else out->len = from;
  return made;
}

// ---- reading one

bool clerk_image_sound(const void *bytes, size_t len) {
  const char *at = bytes;
  uint8_t digest[SHA256_BYTES];
  if (len <= HEAD || at[0] != FORMAT) return false;
  digest_of(at, len, digest);
  return memcmp(digest, at + 1, sizeof digest) == 0;
}

static struct pack head_read(const void *bytes, size_t len, struct head *ret) {
  struct pack p = pack_reader((const char *)bytes + HEAD, len - HEAD);
  head_pack(ret, &p);
  return p;
}

int64_t clerk_image_time(const void *bytes, size_t len) {
  struct head h = {0};
  (void)head_read(bytes, len, &h);
  return h.time_ns;
}

const void *clerk_image_books(const void *bytes, size_t len, size_t *ret_len) {
  struct head h = {0};
  const struct pack p = head_read(bytes, len, &h);
  *ret_len = h.books_len;
  return p.from;
}

bool clerk_image_fits(const struct clerk *c, const void *bytes, size_t len) {
  struct head h = {0};
  return !head_read(bytes, len, &h).failed && h.terms == terms_of(c);
}

enum status clerk_image_load(struct clerk *c, const void *bytes, size_t len, struct err *err) {
  struct head h = {0};
  struct pack p = head_read(bytes, len, &h);
  assert(c->restoring && matcher_order_last(c->blotter.matcher) == 0);
  books_pack(&c->blotter, &c->script_day, &c->script, &p);
  if (!p.failed) core_pack(c, &p);
  if (p.failed || p.left) return err_set(err, ERR_INVALID, "an image of the bot's books cannot be read");
  c->now_ns = h.time_ns;
  return clerk_brought(c, err);
}
