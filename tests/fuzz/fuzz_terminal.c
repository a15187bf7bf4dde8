// Hello and report of a terminal of MetaTrader, from whoever has its keys: no input crashes, and what is read keeps what message.h promises.
#include "ea/message.h"
#include "ea/protocol.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void printable(const char *text, size_t size, bool name) {
  const size_t len = strnlen(text, size);
  assert(len < size);
  for (size_t i = 0; i < len; i++) assert((unsigned char)text[i] >= 0x20 && (!name || text[i] != ' '));
}
static void positive(struct decimal d) { assert(d.scale >= 0 && d.scale <= DECIMAL_SCALE_MAX && d.digits > 0); }

static void hello(const char *text, size_t size) {
  struct ea_hello h;
  struct err err;
  if (ea_hello_read(text, size, &h, &err) != OK) {
    assert(err.msg[0] != '\0' && !h.symbols);
    return;
  }
  assert(h.symbol_count <= EA_SYMBOLS_MAX && (strcmp(h.platform, "mt4") == 0 || strcmp(h.platform, "mt5") == 0));
  printable(h.server, sizeof h.server, false);
  for (size_t i = 0; i < h.symbol_count; i++) {
    printable(h.symbols[i].symbol, sizeof h.symbols[i].symbol, true);
    positive(h.symbols[i].tick);
    positive(h.symbols[i].volume_step);
    positive(h.symbols[i].contract);
  }
  ea_hello_finish(&h);
}

static void report(const char *text, size_t size) {
  struct ea_report r;
  struct err err;
  if (ea_report_read(text, size, &r, &err) != OK) {
    assert(err.msg[0] != '\0' && !r.orders && !r.told);
    return;
  }
  assert(r.order_count <= EA_ORDERS_MAX && r.position_count <= EA_ORDERS_MAX && r.deal_count <= EA_DEALS_MAX && r.result_count <= EA_RESULTS_MAX && r.told_count <= EA_ASK_MAX && r.tick_count <= EA_TICKS_MAX);
  for (size_t i = 0; i < r.order_count; i++) {
    positive(r.orders[i].volume);
    assert(r.orders[i].state <= EA_ORDER_REJECTED && (r.orders[i].side == SIDE_BUY || r.orders[i].side == SIDE_SELL));
  }
  for (size_t i = 0; i < r.deal_count; i++) {
    positive(r.deals[i].price);
    positive(r.deals[i].volume);
    printable(r.deals[i].ticket, sizeof r.deals[i].ticket, true);
  }
  for (size_t i = 0; i < r.told_count; i++) assert(r.told[i].state == EA_ORDER_ABSENT || r.told[i].state == EA_ORDER_UNSURE || decimal_given(r.told[i].volume));
  for (size_t i = 0; i < r.result_count; i++) printable(r.results[i].text, sizeof r.results[i].text, false);
  ea_report_finish(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char number[32] = "", back[32];
  uint64_t n;
  if (size > EA_BODY_MAX) return 0;
  hello((const char *)data, size);
  report((const char *)data, size);
  if (size < sizeof number) memcpy(number, data, size);
  if (ea_number_parse(number, &n)) {
    snprintf(back, sizeof back, "%llu", (unsigned long long)n);
    assert(n > 0 && n <= EA_NUMBER_MAX && strcmp(back, number) == 0);
  }
  return 0;
}
