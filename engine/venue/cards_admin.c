// venue/cards_admin.c – the hands of cards on a simulated exchange: faults, prices, and what truly happened.
#include "venue/cards_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX (32 << 20)  // the whole ledger
#define ADMIN_MS 10000

static void on_admin(void *arg, const struct http_client_answer *a, bool written, const char *why) {
  struct cards *c = arg;
  (void)written, (void)why;
  c->admin_answered = true;
  c->admin_status = a ? a->status : 0;
  c->admin_body = a ? json_loadb(a->body, a->body_len, 0, NULL) : NULL;
}

bool cards_admin(struct cards *c, const char *path, json_t *body) {
  char url[HTTP_CLIENT_URL_MAX], bearer[256];
  char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
  struct err err = {0};
  json_decref(body);
  json_decref(c->admin_body);
  c->admin_body = NULL;
  c->admin_answered = false;
  snprintf(url, sizeof url, "%s/admin/%s", c->o->url ? c->o->url : "", path);
  snprintf(bearer, sizeof bearer, "Bearer %s", c->o->admin_token ? c->o->admin_token : "");
  const struct http_client_field fields[] = {{"Content-Type", "application/json"}, {"Authorization", bearer}};
  const struct http_client_request q = {.method = text ? "POST" : "GET", .url = url, .fields = fields, .field_count = c->o->admin_token ? 2 : 1, .body = text,
    .body_len = text ? strlen(text) : 0, .plain_allowed = true, .answer_max = ANSWER_MAX, .timeout_ms = ADMIN_MS};
  struct http_pool_call *call = NULL;
  enum status st = http_pool_send(c->o->pool, &q, on_admin, c, &call, &err);
  free(text);
  if (st != OK) return cards_no(c, "/admin/%s: %s", path, err.msg);
  if (!cards_wait(c, &c->admin_answered, 2 * ADMIN_MS)) {
    http_pool_cancel(call);
    return cards_no(c, "/admin/%s: no answer", path);
  }
  const char *why = json_string_value(json_object_get(c->admin_body, "error"));
  return c->admin_status == 200 ? true : cards_no(c, "/admin/%s: HTTP %d %s", path, c->admin_status, why ? why : "");
}

bool cards_fault(struct cards *c, const char *spec) {
  json_t *list = json_array();
  if (spec[0] != '\0') json_array_append_new(list, json_string(spec));
  return cards_admin(c, "faults", json_pack("{s:b, s:o}", "replace", 1, "faults", list));
}

bool cards_price(struct cards *c, struct decimal px) {
  char text[DECIMAL_TEXT_MAX];
  decimal_format(px, text);
  return cards_admin(c, "price", json_pack("{s:s, s:s}", "symbol", c->o->symbol, "price", text));
}

static int named(const json_t *list, const char *client_id, const char *path) {
  size_t i;
  int count = 0;
  const json_t *o;
  json_array_foreach(list, i, o) {
    const char *link = json_string_value(json_object_get(o, "orderLinkId")), *at = json_string_value(json_object_get(o, "path"));
    count += link && strcmp(link, client_id) == 0 && (!path || (at && strstr(at, path)));
  }
  return count;
}

int cards_ledger_orders(struct cards *c, const char *client_id) {
  return cards_admin(c, "ledger", NULL) ? named(json_object_get(c->admin_body, "orders"), client_id, NULL) : -1;
}

int cards_ledger_sent(struct cards *c, const char *client_id) {
  return cards_admin(c, "ledger", NULL) ? named(json_object_get(c->admin_body, "requests"), client_id, "order/create") : -1;
}
