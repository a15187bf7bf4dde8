// market/csv_name.c – what a file's name tells: "BTCUSDT_1m_2021.csv.gz" is BTCUSDT on one minute.
#include "market/csv_impl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void csv_name_parse(const char *path, char ret_symbol[SYMBOL_MAX], int64_t *ret_timeframe_ns) {
  ret_symbol[0] = '\0';
  *ret_timeframe_ns = 0;
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  size_t len = strlen(name);
  static const char *const endings[] = {".gz", ".csv", ".txt"};
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    size_t n = strlen(endings[i]);
    if (len > n && strncasecmp(name + len - n, endings[i], n) == 0) len -= n;
  }
  size_t symbol_len = len;
  for (size_t i = 1; i < len && *ret_timeframe_ns == 0; i++) {
    if (!strchr("_- .", name[i])) continue;
    char word[TIMEFRAME_TEXT_MAX];
    size_t n = 0;
    while (i + 1 + n < len && n + 1 < sizeof word && !strchr("_- .", name[i + 1 + n])) word[n] = name[i + 1 + n], n++;
    word[n] = '\0';
    if (timeframe_parse(word, ret_timeframe_ns)) symbol_len = i;
  }
  if (symbol_len >= SYMBOL_MAX) return;
  for (size_t i = 0; i < symbol_len; i++) {
    char c = name[i];
    bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("._-:=^", c);
    if (!good) return;
  }
  memcpy(ret_symbol, name, symbol_len);
  ret_symbol[symbol_len] = '\0';
}

enum status csv_name_series(struct csv_loader *l, const char *path) {
  char symbol[SYMBOL_MAX];
  int64_t timeframe_ns;
  csv_name_parse(path, symbol, &timeframe_ns);
  const struct csv_options *o = l->options;
  if (o->timeframe_ns) timeframe_ns = o->timeframe_ns;
  const char *name = o->symbol ? o->symbol : symbol;
  if (timeframe_ns <= 0)
    return err_set(l->err, ERR_INVALID,
                   "%s: the name does not tell the timeframe (as BTCUSDT_1m.csv does): give --timeframe, and --symbol", path);
  if (name[0] == '\0' || strlen(name) >= SYMBOL_MAX)
    return err_set(l->err, ERR_INVALID, "%s: give a --symbol of 1 to %d characters", path, SYMBOL_MAX - 1);
  if (o->tick.digits < 0 || o->lot.digits < 0 || o->multiplier.digits < 0 || o->min_notional.digits < 0)
    return err_set(l->err, ERR_INVALID, "%s: tick, lot, multiplier and smallest notional must not be negative", path);
  snprintf(l->out.inst.symbol, SYMBOL_MAX, "%s", name);
  l->out.timeframe_ns = timeframe_ns;
  return OK;
}
