#include "venue/book.h"

#include "base/decimal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void book_init(struct book *b) {
  memset(b, 0, sizeof *b);
}

void book_finish(struct book *b) {
  for (int s = 0; s < 2; s++) free(b->rows[s]);
  book_init(b);
}

static void forget(struct book *b) {
  b->count[0] = b->count[1] = 0;
  b->known = false;
}

static int compare(const char *x, const char *y) {
  struct decimal a, b;
  if (!decimal_parse(x, strlen(x), &a) || !decimal_parse(y, strlen(y), &b)) return strcmp(x, y);
  int scale = a.scale > b.scale ? a.scale : b.scale;
  int64_t m, n;
  if (decimal_rescale(a, scale, &m) && decimal_rescale(b, scale, &n)) return m < n ? -1 : m > n;
  double p = decimal_double(a), q = decimal_double(b);
  return p < q ? -1 : p > q;
}

static bool is_zero(const char *qty) {
  return strspn(qty, "0.") == strlen(qty);
}

static bool drop_id(struct book *b, const char *id) {
  for (int s = 0; s < 2; s++)
    for (size_t i = 0; i < b->count[s]; i++)
      if (strcmp(b->rows[s][i].id, id) == 0) {
        memmove(&b->rows[s][i], &b->rows[s][i + 1], (--b->count[s] - i) * sizeof *b->rows[s]);
        return true;
      }
  return false;
}

static bool insert(struct book *b, int side, size_t at, const struct book_row *row) {
  if (b->count[0] + b->count[1] == BOOK_ROWS_MAX) return false;
  if (b->count[side] == b->room[side]) {
    size_t room = b->room[side] == 0 ? 64 : 2 * b->room[side];
    struct book_row *more = realloc(b->rows[side], room * sizeof *more);
    if (more == NULL) return false;
    b->rows[side] = more;
    b->room[side] = room;
  }
  memmove(&b->rows[side][at + 1], &b->rows[side][at], (b->count[side] - at) * sizeof *row);
  b->rows[side][at] = *row;
  b->count[side]++;
  return true;
}

// An order of the book is less by an amount: gone when nothing is left.
static bool lessen(struct book *b, const char *id, const char *by) {
  struct decimal had, less;
  int64_t m, n;
  for (int s = 0; s < 2; s++)
    for (size_t i = 0; i < b->count[s]; i++) {
      struct book_row *row = &b->rows[s][i];
      if (strcmp(row->id, id) != 0) continue;
      if (!decimal_parse(row->qty, strlen(row->qty), &had) || !decimal_parse(by, strlen(by), &less)) return false;
      int scale = had.scale > less.scale ? had.scale : less.scale;
      if (!decimal_rescale(had, scale, &m) || !decimal_rescale(less, scale, &n) || n < 0 || n > m) return false;
      if (m == n) return drop_id(b, id);
      decimal_format((struct decimal){m - n, scale}, row->qty);
      return true;
    }
  return true;  // not among those we know: a level that was cut off
}

static bool fits(const char *text) {
  return text != NULL && strlen(text) < BOOK_TEXT_MAX;
}

static bool change(struct book *b, int side, const json_t *level) {
  const char *price = json_string_value(json_object_get(level, "price")), *qty = json_string_value(json_object_get(level, "qty"));
  const char *id = json_string_value(json_object_get(level, "id")), *less = json_string_value(json_object_get(level, "less"));
  if (id != NULL && !fits(id)) return false;
  if (id != NULL && less != NULL) return lessen(b, id, less);
  if (!fits(price) || !fits(qty)) return false;
  struct book_row row = {"", "", ""};
  strcpy(row.price, price);
  strcpy(row.qty, qty);
  if (id != NULL) strcpy(row.id, id);
  if (id != NULL) drop_id(b, id);
  size_t low = 0, high = b->count[side];
  while (low < high) {  // the first row that is not before this price, or, of orders, behind all of this price
    size_t mid = (low + high) / 2;
    int c = compare(b->rows[side][mid].price, price);
    if (side == BOOK_BIDS) c = -c;
    if (c < 0 || (c == 0 && id != NULL)) low = mid + 1;
    else high = mid;
  }
  bool there = id == NULL && low < b->count[side] && compare(b->rows[side][low].price, price) == 0;
  if (is_zero(qty)) {
    if (there) memmove(&b->rows[side][low], &b->rows[side][low + 1], (--b->count[side] - low) * sizeof row);
    return true;
  }
  if (there) return b->rows[side][low] = row, true;
  return insert(b, side, low, &row);
}

enum book_result book_take(struct book *b, const json_t *event) {
  static const char *const sides[] = {"bids", "asks"};
  bool snapshot = json_is_true(json_object_get(event, "snapshot")), good = true;
  const json_t *prev = json_object_get(event, "prev"), *seq = json_object_get(event, "seq");
  if (snapshot) {
    forget(b);
    b->known = true;
  } else if (!b->known) {
    return BOOK_WAITING;
  } else if (prev != NULL && b->seq != json_integer_value(prev)) {
    forget(b);
    return BOOK_GAP;
  }
  size_t i;
  json_t *item;
  json_array_foreach(json_object_get(event, "remove"), i, item) {
    if (json_is_string(item)) drop_id(b, json_string_value(item));
  }
  for (int s = 0; s < 2; s++)
    json_array_foreach(json_object_get(event, sides[s]), i, item) good = good && change(b, s, item);
  if (!good) {
    forget(b);
    return BOOK_GAP;
  }
  if (seq != NULL) b->seq = json_integer_value(seq);
  return BOOK_TAKEN;
}

static json_t *side_json(const struct book *b, int side, size_t depth) {
  json_t *list = json_array();
  for (size_t i = 0; i < b->count[side] && (depth == 0 || json_array_size(list) < depth);) {
    char qty[DECIMAL_TEXT_MAX];
    const char *price = b->rows[side][i].price;
    struct decimal sum = {0, 0}, one;
    bool exact = true;
    size_t first = i;
    for (; i < b->count[side] && compare(b->rows[side][i].price, price) == 0; i++) {
      int64_t x = 0, y = 0;
      exact = exact && decimal_parse(b->rows[side][i].qty, strlen(b->rows[side][i].qty), &one);
      int scale = sum.scale > one.scale ? sum.scale : one.scale;
      exact = exact && decimal_rescale(sum, scale, &x) && decimal_rescale(one, scale, &y) && !__builtin_add_overflow(x, y, &x);
      sum = (struct decimal){x, scale};
    }
    if (exact) decimal_format(decimal_normal(sum), qty);
    json_array_append_new(list, json_pack("{s:s, s:s}", "price", price, "qty", exact ? qty : b->rows[side][first].qty));
  }
  return list;
}

json_t *book_json(const struct book *b, size_t depth) {
  return json_pack("{s:o, s:o, s:I}", "bids", side_json(b, BOOK_BIDS, depth), "asks", side_json(b, BOOK_ASKS, depth), "seq", (json_int_t)b->seq);
}
