// risk/news.c – entries by their beginning, and for each the latest end so far: what holds now is found without looking at what is over.
#include "risk/news.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const impacts[NEWS_IMPACT_COUNT] = {[NEWS_LOW] = "low", [NEWS_MEDIUM] = "medium", [NEWS_HIGH] = "high"};

const char *news_impact_text(enum news_impact i) {
  assert((unsigned)i < NEWS_IMPACT_COUNT);
  return impacts[i];
}

bool news_impact_of(const char *text, enum news_impact *ret) {
  for (int i = 0; i < NEWS_IMPACT_COUNT; i++)
    if (strcasecmp(text, impacts[i]) == 0) return *ret = (enum news_impact)i, true;
  return false;
}

bool news_event_valid(const struct news_event *e, const char **ret_why) {
  const char *why = e->to_ns < e->from_ns ? "it ends before it begins" : e->to_ns - e->from_ns > NEWS_LONGEST_NS ? "it lasts longer than 31 days"
                    : e->from_ns < 0 || e->to_ns > INT64_MAX / 2 ? "its time is out of range" : NULL;
  *ret_why = why;
  return !why;
}

// ---- whom it concerns

static bool part_of_name(char c) { return isalnum((unsigned char)c) || (unsigned char)c >= 0x80; }

// EUR/USD, BTC-USD and eurusd are written in many ways: only letters and digits count.
bool news_what_of(const char *text, size_t len, char ret[NEWS_WHAT_SIZE]) {
  size_t n = 0, word = 0;
  for (size_t i = 0; i <= len; i++) {
    const char c = i < len ? text[i] : ',';
    if (c == ',' || c == ';' || c == ' ' || c == '|') {
      if (word && n + 1 < NEWS_WHAT_SIZE) ret[n++] = ',';
      else if (word) return false;
      word = 0;
    } else if (part_of_name(c)) {
      if (n + 1 >= NEWS_WHAT_SIZE) return false;
      ret[n++] = (char)toupper((unsigned char)c), word++;
    } else if (!strchr("/-_.:", c)) {
      return false;
    }
  }
  ret[n ? n - 1 : 0] = '\0';
  return true;
}

static bool begins(const char *symbol, const char *name, size_t len, size_t *ret_skipped) {
  size_t at = 0, same = 0;
  for (; symbol[at] && same < len; at++)
    if (part_of_name(symbol[at])) {
      if (toupper((unsigned char)symbol[at]) != name[same]) return false;
      same++;
    }
  *ret_skipped = at;
  return same == len;
}

static bool ends(const char *symbol, const char *name, size_t len) {
  size_t at = strlen(symbol);
  while (at > 0 && len > 0) {
    const char c = symbol[--at];
    if (!part_of_name(c)) continue;
    if (toupper((unsigned char)c) != name[--len]) return false;
  }
  return len == 0;
}

bool news_concerns(const struct news_event *e, const char *symbol) {
  size_t skipped;
  if (!e->what[0]) return true;
  for (const char *name = e->what; *name;) {
    const size_t len = strcspn(name, ",");
    if (begins(symbol, name, len, &skipped) || ends(symbol, name, len)) return true;
    name += len + (name[len] == ',');
  }
  return false;
}

// ---- the calendar

struct news_list {
  size_t count;
  int64_t *latest_ns;  // end of whatever ends last of those up to here
  struct news_event items[];
};

static int earlier(const void *a, const void *b) {
  const struct news_event *x = a, *y = b;
  return x->from_ns != y->from_ns ? (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns) : (x->to_ns > y->to_ns) - (x->to_ns < y->to_ns);
}

enum status news_list_create(const struct news_event *events, size_t count, struct news_list **ret, struct err *err) {
  *ret = NULL;
  if (count > NEWS_MAX) return err_set(err, ERR_LIMIT, "a calendar has at most %d entries", NEWS_MAX);
  struct news_list *l = malloc(sizeof *l + count * sizeof *l->items);
  int64_t *latest_ns = malloc((count + 1) * sizeof *latest_ns);
  if (!l || !latest_ns) {
    free(l);
    free(latest_ns);
    return err_set(err, ERR_NOMEM, "a calendar");
  }
  l->count = count, l->latest_ns = latest_ns;
  if (count) {
    memcpy(l->items, events, count * sizeof *events);
    qsort(l->items, count, sizeof *l->items, earlier);
  }
  for (size_t i = 0; i < count; i++) latest_ns[i] = i && latest_ns[i - 1] > l->items[i].to_ns ? latest_ns[i - 1] : l->items[i].to_ns;
  *ret = l;
  return OK;
}

void news_list_destroy(struct news_list *l) {
  if (!l) return;
  free(l->latest_ns);
  free(l);
}

size_t news_list_count(const struct news_list *l) { return l ? l->count : 0; }

// How many begin at or before that time.
static size_t begun(const struct news_list *l, int64_t until_ns) {
  size_t low = 0, high = l->count;
  while (low < high) {
    const size_t mid = low + (high - low) / 2;
    if (l->items[mid].from_ns <= until_ns) low = mid + 1;
    else high = mid;
  }
  return low;
}

const struct news_event *news_now(const struct news_list *l, const struct news_around *a, const char *symbol, int64_t now_ns, int64_t *ret_over_ns) {
  const struct news_event *found = NULL;
  if (!l) return NULL;
  for (size_t i = begun(l, now_ns + a->before_ns); i-- > 0 && l->latest_ns[i] + a->after_ns > now_ns;) {
    const struct news_event *e = &l->items[i];
    if (e->impact < a->least || e->to_ns + a->after_ns <= now_ns || (found && e->to_ns <= found->to_ns) || !news_concerns(e, symbol)) continue;
    found = e;
    *ret_over_ns = e->to_ns + a->after_ns;
  }
  return found;
}

int64_t news_next(const struct news_list *l, const struct news_around *a, const char *symbol, int64_t now_ns) {
  if (!l) return INT64_MAX;
  for (size_t i = begun(l, now_ns + a->before_ns); i < l->count; i++)
    if (l->items[i].impact >= a->least && news_concerns(&l->items[i], symbol)) return l->items[i].from_ns - a->before_ns;
  return INT64_MAX;
}
