// market/csv_bar.c – a row of decimals becomes a bar of integers, exactly. The scale of prices and that of volumes grow with what the
// file turns out to need; what is stored moves along.
#include "market/csv_impl.h"

#define PRICE_TICKS_MAX (INT64_MAX / 4)  // room for sums of prices

// ---------------------------------------------------------------- from decimals to ticks

#define NOISE_FROM INT64_C(1000000000000000)  // 16 digits: more than a double can promise
#define NOISE_SHORT_MAX INT64_C(1000000000000)

// Takes away what a program's doubles left behind: "1287.6500000000001" was 1287.65 before it was printed with 17 digits. Only
// where rounding to 15 digits, which every double keeps, leaves 12 or fewer; a real price has no row of zeros or nines there.
static __attribute__((noinline)) struct decimal without_noise(struct decimal d) {
  struct decimal r = d;
  int64_t divisor = 1;
  while (r.digits / divisor >= NOISE_FROM) divisor *= 10, r.scale--;
  r.digits = (int64_t)div_round(r.digits, divisor);
  if (r.scale < 0) return d;
  r = decimal_normal(r);
  return r.digits < NOISE_SHORT_MAX ? r : d;
}

static inline struct decimal clean_number(struct csv_loader *l, struct decimal d) {
  if (d.digits < NOISE_FROM) return d;
  struct decimal given = decimal_normal(d), r = without_noise(given);
  if ((r.digits != given.digits || r.scale != given.scale) && l->noisy++ == 0) {
    l->first_noisy = l->reader.line;
    l->noise_given = given;
    l->noise_read = r;
  }
  return r;
}

// More decimals than any price before: all stored prices move to the new scale.
static bool grow_scale(struct csv_loader *l, int scale) {
  int64_t factor = pow10_i64(scale - l->scale);
  if (l->price_max > PRICE_TICKS_MAX / factor) return false;
  for (size_t i = 0; i < l->out.count; i++) {
    struct bar *b = &l->out.bars[i];
    b->open.ticks *= factor, b->high.ticks *= factor, b->low.ticks *= factor, b->close.ticks *= factor;
  }
  l->price_max *= factor;
  l->scale = scale;
  return true;
}

// Learns how many decimals a price needs. All four prices of a row come here before any is converted: growing the scale moves
// the stored bars, not the row at hand.
// A price's decimals count as they are written ("100.00" says 0.01), but beyond PADDED_SCALE trailing zeros are padding.
static inline const char *see_price(struct csv_loader *l, struct decimal *d) {
  if (d->scale > PADDED_SCALE)
    while (d->scale > l->seen_scale && d->digits % 10 == 0) d->digits /= 10, d->scale--;
  if (d->scale <= l->seen_scale) return NULL;
  if (l->options->tick.digits == 0 && !grow_scale(l, d->scale)) return "has too many digits beside the other prices";
  l->seen_scale = d->scale;
  return NULL;
}

static inline const char *to_ticks(struct csv_loader *l, struct decimal d, int64_t *ret) {
  while (d.scale > l->scale && d.digits % 10 == 0) d.digits /= 10, d.scale--;
  if (d.scale > l->scale) return "is not a multiple of the tick";
  int64_t value;
  if (__builtin_mul_overflow(d.digits, pow10_i64(l->scale - d.scale), &value) || value > PRICE_TICKS_MAX)
    return "has too many digits";
  const int64_t tick = l->options->tick.digits;
  if (tick > 1) {
    if (value % tick != 0) return "is not a multiple of the tick";
    value /= tick;
  }
  if (value > l->price_max) l->price_max = value;
  *ret = value;
  return NULL;
}

// ---------------------------------------------------------------- volume

// All stored volumes and their sum at another scale; false when the sum would not fit.
static bool rescale_volume(struct csv_loader *l, int scale) {
  if (scale > l->volume_scale) {
    int64_t factor = pow10_i64(scale - l->volume_scale), sum;
    if (__builtin_mul_overflow(l->volume_sum, factor, &sum)) return false;
    for (size_t i = 0; i < l->out.count; i++) l->out.bars[i].volume *= factor;
    l->volume_sum = sum;
  } else {
    int64_t divisor = pow10_i64(l->volume_scale - scale);
    l->volume_sum = 0;
    for (size_t i = 0; i < l->out.count; i++) {
      l->out.bars[i].volume = (int64_t)div_round(l->out.bars[i].volume, divisor);
      l->volume_sum += l->out.bars[i].volume;
    }
    l->volume_cap = scale;
    l->volume_rounded = true;
  }
  l->volume_scale = scale;
  return true;
}

// The volume at the file's volume scale, moving that scale where needed so that the sum stays within 64 bits.
static bool to_volume(struct csv_loader *l, struct decimal d, int64_t *ret) {
  while (d.scale > l->volume_scale && d.digits % 10 == 0) d.digits /= 10, d.scale--;
  if (d.scale > VOLUME_SCALE_MAX) {
    d.digits = (int64_t)div_round(d.digits, pow10_i64(d.scale - VOLUME_SCALE_MAX));
    d.scale = VOLUME_SCALE_MAX;
  }
  if (d.scale > l->volume_seen) l->volume_seen = d.scale;
  int want = d.scale < l->volume_cap ? d.scale : l->volume_cap;
  while (want > l->volume_scale && !rescale_volume(l, want)) {
    l->volume_cap = --want;
    l->volume_rounded = true;
  }
  for (;;) {
    int128 value = d.scale > l->volume_scale ? div_round(d.digits, pow10_i64(d.scale - l->volume_scale))
                                             : (int128)d.digits * pow10_i64(l->volume_scale - d.scale);
    if (d.scale > l->volume_scale) l->volume_rounded = true;
    if (value <= INT64_MAX - l->volume_sum) {
      *ret = (int64_t)value;
      return true;
    }
    if (l->volume_scale == 0) return false;
    rescale_volume(l, l->volume_scale - 1);
  }
}

// ---------------------------------------------------------------- the bar

static __attribute__((noinline)) bool refuse_price(struct csv_loader *l, struct slice line, enum csv_role role, struct decimal d,
                                                   const char *reason) {
  char text[DECIMAL_TEXT_MAX];
  decimal_format(d, text);
  return csv_refuse(l, csv_column_of(l, line, role), "the %s %s %s", csv_role_name[role], text, reason);
}

bool csv_make_bar(struct csv_loader *l, struct slice line, const struct csv_row *row, struct bar *bar) {
  *bar = (struct bar){.open_ns = row->time_ns, .volume = -1};
  int64_t *ticks[] = {[ROLE_OPEN] = &bar->open.ticks, [ROLE_HIGH] = &bar->high.ticks, [ROLE_LOW] = &bar->low.ticks,
                      [ROLE_CLOSE] = &bar->close.ticks};
  struct decimal prices[ROLE_VOLUME];
  for (enum csv_role k = ROLE_OPEN; k <= ROLE_CLOSE; k++) {
    struct decimal *d = &prices[k];
    *d = clean_number(l, row->number[k]);
    const char *reason = d->digits < 0 ? "is negative" : d->digits == 0 ? "must be above 0" : see_price(l, d);
    if (reason) return refuse_price(l, line, k, row->number[k], reason);
  }
  for (enum csv_role k = ROLE_OPEN; k <= ROLE_CLOSE; k++) {
    const char *reason = to_ticks(l, prices[k], ticks[k]);
    if (reason) return refuse_price(l, line, k, row->number[k], reason);
  }
  int64_t high = bar->high.ticks, low = bar->low.ticks;
  if (high < low) return csv_refuse(l, csv_column_of(l, line, ROLE_HIGH), "the high is below the low");
  if (bar->open.ticks > high || bar->open.ticks < low)
    return csv_refuse(l, csv_column_of(l, line, ROLE_OPEN), "the open is outside high and low");
  if (bar->close.ticks > high || bar->close.ticks < low)
    return csv_refuse(l, csv_column_of(l, line, ROLE_CLOSE), "the close is outside high and low");
  if (l->no_volume) return true;
  if (row->number[ROLE_VOLUME].digits < 0) return csv_refuse(l, csv_column_of(l, line, ROLE_VOLUME), "the volume is negative");
  if (!to_volume(l, clean_number(l, row->number[ROLE_VOLUME]), &bar->volume))
    return csv_refuse(l, csv_column_of(l, line, ROLE_VOLUME), "the volume is too large");
  return true;
}
