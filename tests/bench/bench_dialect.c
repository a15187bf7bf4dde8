// tests/bench/bench_dialect.c – a dialect's calls, each alone: the shipped Bybit dialect, from our arguments to bytes and from bytes to
// events. CPU time, for the machine may be busy with other things. One line a figure; the state is kept, as a session keeps it. Goal: 50 us for what stands between an order and the wire.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "script/dialect.h"
#include "tenant/shipped.h"

enum { CALLS = 50000 };
static int64_t took[CALLS];

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void print(const char *name, int n) {
  qsort(took, (size_t)n, sizeof *took, by_value);
  printf("%-40s p50 %6.1f p99 %6.1f p99.9 %6.1f max %7.1f us\n", name, (double)took[n / 2] / 1e3, (double)took[(size_t)n * 99 / 100] / 1e3,
    (double)took[(size_t)n * 999 / 1000] / 1e3, (double)took[n - 1] / 1e3);
}

#define MEASURE(name, n, ...)          \
  do {                                 \
    for (int i = 0; i < (n); i++) {    \
      int64_t from = now_ns();         \
      __VA_ARGS__;                     \
      took[i] = now_ns() - from;       \
    }                                  \
    print(name, n);                    \
  } while (0)

static void must(enum status st, const struct err *err) {
  if (st == OK) return;
  fprintf(stderr, "%s\n", err->msg);
  exit(1);
}

#define ORDER                                                                                                                       \
  "{\"orderId\":\"5cf98598-39a7-459e-97bf-76ca765ee020\",\"orderLinkId\":\"t1x000042\",\"symbol\":\"BTCUSDT\",\"side\":\"Buy\",\"orderType\":\"Limit\","    \
  "\"price\":\"30000.50\",\"qty\":\"0.100\",\"timeInForce\":\"GTC\",\"orderStatus\":\"New\",\"cancelType\":\"UNKNOWN\",\"reduceOnly\":false,"              \
  "\"leavesQty\":\"0.1\",\"cumExecQty\":\"0\",\"cumExecValue\":\"0\",\"avgPrice\":\"\",\"positionIdx\":0,\"createdTime\":\"1672364262444\","               \
  "\"updatedTime\":\"1672364262457\",\"rejectReason\":\"EC_NoError\",\"triggerPrice\":\"\",\"takeProfit\":\"\",\"stopLoss\":\"\",\"category\":\"linear\"}"

int main(void) {
  const struct shipped *s = shipped_dialects;
  while (strcmp(s->name, "bybit") != 0) s++;
  struct dialect *d;
  struct err err;
  must(dialect_create(s->file, s->source, s->len, NULL, &d, &err), &err);
  const struct dialect_env env = {.now_ms = 1700000000000};
  const struct dialect_secret secret = {.key = "TESTKEY0123456789abcd", .secret = "TESTSECRETabcdefghijklmnopqrstuv0123"};
  json_t *args = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "client_id", "t1x000042", "symbol", "BTCUSDT", "side", "buy", "kind", "limit", "tif",
    "gtc", "qty", "0.1", "limit", "30000.5");
  struct dialect_request r;
  MEASURE("request create_order", CALLS, {
    must(dialect_request(d, DIALECT_CREATE_ORDER, args, &env, &r, &err), &err);
    dialect_request_finish(&r);
  });
  MEASURE("request + sign create_order", CALLS, {
    must(dialect_request(d, DIALECT_CREATE_ORDER, args, &env, &r, &err), &err);
    must(dialect_sign(d, &r, &secret, &env, &err), &err);
    dialect_request_finish(&r);
  });
  struct dialect_answer a;
  const char *ack = "{\"retCode\":0,\"retMsg\":\"OK\",\"result\":{\"orderId\":\"5cf98598-39a7-459e-97bf-76ca765ee020\",\"orderLinkId\":\"t1x000042\"},\"time\":1672364262444}";
  MEASURE("response create_order", CALLS, {
    must(dialect_response(d, DIALECT_CREATE_ORDER, 200, ack, strlen(ack), args, &a, &err), &err);
    dialect_answer_finish(&a);
  });
  struct buf page;
  buf_init(&page, 1 << 20);
  buf_str(&page, "{\"retCode\":0,\"result\":{\"category\":\"linear\",\"list\":[");
  for (int i = 0; i < 50; i++) buf_printf(&page, "%s%s", i == 0 ? "" : ",", ORDER);
  buf_str(&page, "]}}");
  MEASURE("response open_orders, 50 orders", 5000, {
    must(dialect_response(d, DIALECT_OPEN_ORDERS, 200, page.data, page.len, args, &a, &err), &err);
    dialect_answer_finish(&a);
  });
  buf_clear(&page);
  buf_str(&page, "{\"retCode\":0,\"result\":{\"category\":\"linear\",\"list\":[");
  for (int i = 0; i < 1000; i++)
    buf_printf(&page, "%s{\"symbol\":\"S%dUSDT\",\"contractType\":\"LinearPerpetual\",\"status\":\"Trading\",\"baseCoin\":\"BTC\",\"quoteCoin\":\"USDT\","
      "\"launchTime\":\"1585526400000\",\"deliveryTime\":\"0\",\"priceScale\":\"2\",\"leverageFilter\":{\"minLeverage\":\"1\",\"maxLeverage\":\"100.00\",\"leverageStep\":\"0.01\"},"
      "\"priceFilter\":{\"minPrice\":\"0.10\",\"maxPrice\":\"1999999.80\",\"tickSize\":\"0.10\"},\"lotSizeFilter\":{\"maxOrderQty\":\"1190.000\",\"minOrderQty\":\"0.001\","
      "\"qtyStep\":\"0.001\",\"postOnlyMaxOrderQty\":\"1190.000\",\"maxMktOrderQty\":\"500.000\",\"minNotionalValue\":\"5\"},\"unifiedMarginTrade\":true,"
      "\"fundingInterval\":480,\"settleCoin\":\"USDT\",\"copyTrading\":\"both\",\"upperFundingRate\":\"0.00375\",\"lowerFundingRate\":\"-0.00375\",\"isPreListing\":false,"
      "\"preListingInfo\":null,\"riskParameters\":{\"priceLimitRatioX\":\"0.01\",\"priceLimitRatioY\":\"0.02\"},\"symbolType\":\"\"}", i == 0 ? "" : ",", i);
  buf_str(&page, "]}}");
  MEASURE("response instruments, 1,000", 50, {
    must(dialect_response(d, DIALECT_INSTRUMENTS, 200, page.data, page.len, NULL, &a, &err), &err);
    dialect_answer_finish(&a);
  });
  json_t *events;
  const char *order = "{\"topic\":\"order\",\"creationTime\":1672364262474,\"data\":[" ORDER "]}";
  MEASURE("frame order", CALLS, {
    must(dialect_frame(d, "private", order, strlen(order), &events, &err), &err);
    json_decref(events);
  });
  const char *fill = "{\"topic\":\"execution\",\"data\":[{\"category\":\"linear\",\"symbol\":\"BTCUSDT\",\"execFee\":\"26.37\",\"execId\":\"0ab1bdf7-4219-438b-b30a-32ec863018f7\","
    "\"execPrice\":\"95900.1\",\"execQty\":\"0.5\",\"execType\":\"Trade\",\"orderId\":\"9aac161b-8ed6-450d-9cab-c5cc67c21784\",\"orderLinkId\":\"t1x42\",\"side\":\"Sell\","
    "\"execTime\":\"1746270400353\",\"isMaker\":false}]}";
  MEASURE("frame execution", CALLS, {
    must(dialect_frame(d, "private", fill, strlen(fill), &events, &err), &err);
    json_decref(events);
  });
  const char *kline = "{\"topic\":\"kline.1.BTCUSDT\",\"data\":[{\"start\":1672324800000,\"interval\":\"1\",\"open\":\"16649.5\",\"close\":\"16677\",\"high\":\"16677\",\"low\":\"16608\","
    "\"volume\":\"2.081\",\"confirm\":true}],\"ts\":1672324988882,\"type\":\"snapshot\"}";
  MEASURE("frame kline", CALLS, {
    must(dialect_frame(d, "public", kline, strlen(kline), &events, &err), &err);
    json_decref(events);
  });
  buf_finish(&page);
  json_decref(args);
  dialect_destroy(d);
  return 0;
}
