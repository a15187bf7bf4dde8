// api/hook_intake.c – a message that somebody posts to a hook: who may, what it says, whether it is new; answered when it is stored, and the
// rules are asked meanwhile: if they are quick, what they say is in the same commit; nobody is kept waiting if they are not, since senders give up after three
// seconds.
#include "api/hooks.h"

#include "api/core.h"
#include "api/handlers.h"
#include "api/signal_desk.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/secret.h"
#include "crypto/sha256.h"
#include "loop/clock.h"
#include "net/address.h"
#include "signal/message.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define SIGNED_OFF_S 300
#define AHEAD_S 300            // of a signal's own time, where its age counts: it would be young for as long
#define REFUSED_BODY_MAX 2000  // bytes kept of a message that is refused

static struct db *reader(struct api_call *call) { return store_reader(api_store(call), STORE_CONTROL); }

struct intake {
  struct hook_row hook;
  json_t *settings, *signal;
  char *body, *signal_text, *id;  // body: as it is kept; id: of a signed message
  char dedupe[MESSAGE_DEDUPE_SIZE], reason[300];
  struct delivery_row row;
  struct desk_coming coming;
  bool taken;                     // by the desk, before it was committed
  enum status (*after)(struct api_call *call, void *arg);  // of hook_take
  void *after_arg;
};

static void finish(struct api_call *call) {
  struct intake *in = call->state;
  signal_desk_came(&in->coming);
  hook_row_finish(&in->hook);
  json_decref(in->settings);
  json_decref(in->signal);
  free(in->body);
  free(in->signal_text);
}

// ---- who may post

static bool from_allowed(const struct intake *in, const char *from) {
  const json_t *list = json_object_get(in->settings, "addresses");
  struct address_range range;
  struct address a;
  struct err err;
  if (json_array_size(list) == 0) return true;
  if (!address_parse(from, &a)) return false;
  for (size_t i = 0; i < json_array_size(list); i++)
    if (address_range_parse(json_string_value(json_array_get(list, i)), &range, &err) == OK && address_range_has(&range, &a)) return true;
  return false;
}

// Standard Webhooks: any of the signatures, separated by blanks, may be ours.
static bool signature_fits(const char *list, const uint8_t mac[HMAC_SHA256_BYTES]) {
  char want[64];
  size_t n = base64url_encode(mac, HMAC_SHA256_BYTES, want);
  bool fits = false;
  for (const char *p = list; *p; p += strspn(p, " ")) {
    const size_t len = strcspn(p, " ");
    char got[64] = "";
    size_t m = 0;
    if (len > 3 && len < 60 && memcmp(p, "v1,", 3) == 0)
      for (const char *c = p + 3; c < p + len && *c != '='; c++) got[m++] = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    if (m == n && secret_equal(got, want, n)) fits = true;
    p += len;
  }
  return fits;
}

// NULL: it is signed as it must be; else why not.
static const char *unsigned_why(struct api_call *call, struct intake *in) {
  const struct api_request *req = call->req;
  const char *id = req->field(req, "webhook-id"), *at = req->field(req, "webhook-timestamp"), *list = req->field(req, "webhook-signature");
  uint8_t key[200], mac[HMAC_SHA256_BYTES];
  size_t len;
  char *end;
  if (!id || !at || !list || strlen(id) > 200) return "it is not signed: webhook-id, webhook-timestamp and webhook-signature are needed";
  const long long s = strtoll(at, &end, 10), now_s = call->now_ns / NS_PER_S;
  if (end == at || *end) return "webhook-timestamp is no Unix time in seconds";
  if (s < now_s - SIGNED_OFF_S || s > now_s + SIGNED_OFF_S) return "webhook-timestamp is more than 300 seconds off";
  if (hook_sign_key(call, reader(call), &in->hook, key, &len) != OK) return "the key of its signature cannot be opened";
  struct buf text;
  buf_init(&text, 1 << 20);
  buf_printf(&text, "%s.%s.", id, at);
  buf_add(&text, req->body, req->body_len);
  hmac_sha256(key, len, text.data, text.len, mac);
  const bool failed = text.failed;
  buf_finish(&text);
  secret_wipe(key, sizeof key);
  if (failed || !signature_fits(list, mac)) return "no signature in webhook-signature is that of this message";
  in->id = (char *)id;
  return NULL;
}

static const char *secret_path(const struct intake *in) {
  const char *path = json_string_value(json_object_get(in->settings, "secret_path"));
  return path ? path : "secret";
}

// Takes the body secret out of a JSON message: it is neither kept nor shown. ERR_CANCELLED: it is not what it must be.
static enum status take_secret(struct api_call *call, struct intake *in) {
  const char *hash = json_string_value(json_object_get(in->settings, "secret_sha256"));
  json_t *value;
  char *left, hex[SHA256_HEX_SIZE] = "";
  if (!hash) return OK;
  const enum status st = message_cut(call->req->body, call->req->body_len, secret_path(in), &value, &left, &call->err);
  if (st != OK) return st;
  if (value) sha256_hex(json_string_value(value), json_string_length(value), hex);
  json_decref(value);
  const bool right = strlen(hash) == SHA256_HEX_SIZE - 1 && secret_equal(hex, hash, SHA256_HEX_SIZE - 1);
  if (!right) return free(left), ERR_CANCELLED;
  free(in->body);
  in->body = left;
  return OK;
}

// ---- what becomes of it

static enum status write_delivery(struct api_call *call, struct db *db) {
  struct intake *in = call->state;
  enum status st = delivery_insert(db, &in->row, &call->err);
  if (st == ERR_EXISTS && in->row.dedupe) {
    in->row.state = "duplicate", in->row.dedupe = NULL, in->row.reason = "it was delivered before", in->row.done_ns = call->now_ns;
    st = delivery_insert_over(db, &in->row, &call->err);
  }
  if (st != OK) return st;
  return api_json(call, 200, json_pack("{s:o, s:b}", "id", api_id("dlv", in->row.id), "duplicate", strcmp(in->row.state, "duplicate") == 0));
}

// What never comes to the rules is over with its row.
static void tell(struct api_core *core, int64_t tenant_id, const struct delivery_row *row) {
  json_t *data = json_pack("{s:o, s:o, s:s, s:s, s:i}", "id", api_id("dlv", row->id), "hook_id", api_id("hok", row->hook_id), "state", row->state, "reason", row->reason, "bots", 0);
  if (data) stream_publish_of(core->hub, tenant_id, "signals", "delivery", data, clock_wall_ns() / NS_PER_MS);
  json_decref(data);
}

static enum status written(struct api_call *call) {
  struct intake *in = call->state;
  if (strcmp(in->row.state, "duplicate") == 0) tell(call->core, in->hook.tenant_id, &in->row);
  if (!in->taken && strcmp(in->row.state, "accepted") == 0) {
    signal_desk_take(call->core->desk, in->hook.id, in->row.id, in->row.received_ns, in->row.expires_ns, in->signal);
    in->signal = NULL;
  }
  return in->after ? in->after(call, in->after_arg) : OK;
}

// A message that is not taken is kept for its owner to see, in a write of its own after the sender was told.
struct refusal {
  struct api_core *core;
  int64_t tenant_id;
  struct delivery_row row;
  char body[REFUSED_BODY_MAX + 1], reason[300], address[64];
};
static enum status write_refusal(struct db *db, void *arg, struct err *err) { return delivery_insert_over(db, &((struct refusal *)arg)->row, err); }
static void refusal_written(void *arg, enum status st, const struct err *err) {
  struct refusal *r = arg;
  (void)err;  // a full disk says so elsewhere
  if (st == OK) tell(r->core, r->tenant_id, &r->row);
  free(r);
}

static enum status refuse(struct api_call *call, enum problem p, const char *reason) {
  struct intake *in = call->state;
  struct refusal *r = calloc(1, sizeof *r);
  if (r) {
    // Cut at a character's border; bytes that are no UTF-8 are not kept.
    size_t len = call->req->body_len < REFUSED_BODY_MAX ? call->req->body_len : REFUSED_BODY_MAX;
    while (len && len < call->req->body_len && ((unsigned char)call->req->body[len] & 0xc0) == 0x80) len--;
    json_t *text = json_object_get(in->settings, "secret_sha256") ? NULL : json_stringn(call->req->body, len);  // it may hold a secret that is nearly right
    snprintf(r->body, sizeof r->body, "%s", text ? json_string_value(text) : "");
    json_decref(text);
    r->core = call->core, r->tenant_id = in->hook.tenant_id;
    snprintf(r->reason, sizeof r->reason, "%s", reason);
    snprintf(r->address, sizeof r->address, "%s", call->req->address);
    r->row = (struct delivery_row){.id = id_next(call->now_ns), .hook_id = in->hook.id, .received_ns = call->now_ns, .expires_ns = call->now_ns, .done_ns = call->now_ns, .state = "refused", .reason = r->reason,
      .address = r->address, .body = r->body, .signal = "{}"};
    store_write(call->core->store, STORE_CONTROL, write_refusal, refusal_written, r);
  }
  return api_problem(call, p, reason);
}

static int64_t setting(const struct intake *in, const char *key, int64_t absent) {
  const json_t *v = json_object_get(in->settings, key);
  return v ? json_integer_value(v) : absent;
}

// False: answered, and *ret is what the handler returns.
static bool within_rate(struct api_call *call, const struct intake *in, enum status *ret) {
  struct api_core *core = call->core;
  const int64_t count = setting(in, "per_minute", HOOK_PER_MINUTE);
  const struct rate_limit limit = {60 * NS_PER_S, count, (count + 5) / 6};
  const struct rate_result r = rate_take(core->rates, rate_key(core->rates, "a hook", &in->hook.id, sizeof in->hook.id), &limit, 1, clock_monotonic_ns());
  if (r.allowed) return true;
  api_field(call, "Retry-After", "%lld", (long long)r.retry_after_s);
  *ret = api_problemf(call, PROBLEM_rate_limited, "The hook takes %lld messages in a minute, %lld of them at once (settings.per_minute).", (long long)count, (long long)limit.burst);
  return false;
}

// The acceptance goes to the writer before its verdict can, and a verdict counts only behind an acceptance: so the rules are asked at once. Not of
// what was delivered before, or is being written: of that they would know, as of something that they let pass.
static enum status hand_in(struct api_call *call, struct intake *in) {
  struct signal_desk *desk = call->core->desk;
  bool known = false;
  enum status st = in->row.dedupe ? delivery_known(reader(call), in->hook.id, in->row.dedupe, &known, &call->err) : OK;
  if (st != OK) return st;
  if (known || !signal_desk_comes(desk, &in->coming, in->hook.id, in->row.dedupe)) return api_write_then(call, write_delivery, written);
  const struct delivery_row row = {.id = in->row.id, .hook_id = in->hook.id, .received_ns = in->row.received_ns, .expires_ns = in->row.expires_ns};
  json_t *signal = in->signal;
  in->signal = NULL;
  in->taken = true;
  st = (signal_desk_is_prompt(desk, row.hook_id) ? api_write_along : api_write_then)(call, write_delivery, written);
  if (st == OK) signal_desk_take(desk, row.hook_id, row.id, row.received_ns, row.expires_ns, signal);
  else json_decref(signal);
  return st;
}

static enum status accept(struct api_call *call, struct intake *in) {
  const int64_t max_age_s = setting(in, "max_age_s", 0);
  const json_t *ts = json_object_get(in->signal, "ts");
  if (max_age_s && ts && call->now_ns / NS_PER_MS - json_integer_value(ts) > max_age_s * 1000) {
    snprintf(in->reason, sizeof in->reason, "its own time is more than %lld seconds ago (settings.max_age_s of the hook)", (long long)max_age_s);
    return refuse(call, PROBLEM_validation_failed, in->reason);
  }
  if (max_age_s && ts && json_integer_value(ts) - call->now_ns / NS_PER_MS > AHEAD_S * 1000) return refuse(call, PROBLEM_validation_failed, "its own time is more than 300 seconds ahead");
  if (in->id) {
    char id[SHA256_HEX_SIZE];
    sha256_hex(in->id, strlen(in->id), id);
    memcpy(in->dedupe, id, sizeof in->dedupe);
  } else {
    message_dedupe(in->signal, in->dedupe);
  }
  in->signal_text = json_dumps(in->signal, JSON_COMPACT);
  if (!in->signal_text) return err_set(&call->err, ERR_NOMEM, "out of memory");
  in->row = (struct delivery_row){.id = id_next(call->now_ns), .hook_id = in->hook.id, .received_ns = call->now_ns, .expires_ns = call->now_ns + setting(in, "ttl_s", HOOK_TTL_S) * NS_PER_S, .state = "accepted",
    .reason = "", .dedupe = in->dedupe[0] ? in->dedupe : NULL, .address = call->req->address, .body = in->body, .signal = in->signal_text};
  return hand_in(call, in);
}

// By its token; from a chat of its owner's (api/telegram.h) by its id. ERR_CANCELLED: answered.
static enum status find_hook(struct api_call *call, struct intake *in) {
  const char *token = api_param(call, "hook");
  uint8_t hash[SHA256_BYTES];
  if (call->req->behalf) return hook_get(reader(call), call->who.tenant_id, api_param_id(call, "hook"), &in->hook, &call->err);
  if (!api_guess_allowed(call->core, call->req->address)) return (void)api_problem(call, PROBLEM_rate_limited, "There were too many addresses from here that are none."), ERR_CANCELLED;
  hook_token_hash(token, strlen(token), hash);
  const enum status st = hook_by_token(reader(call), hash, &in->hook, &call->err);
  if (st == ERR_NOTFOUND) api_guess_failed(call->core, call->req->address);
  return st;
}

// NULL: it is from who may post; else why not. A chat was proven when it was linked, and Telegram tells the message's id.
static const char *not_allowed_why(struct api_call *call, struct intake *in) {
  if (call->req->behalf) {
    in->id = (char *)call->req->field(call->req, "webhook-id");
    return NULL;
  }
  if (!from_allowed(in, call->req->address)) {
    snprintf(in->reason, sizeof in->reason, "%s is not among the addresses that may post (settings.addresses of the hook)", call->req->address);
    return in->reason;
  }
  return in->hook.sign_key_len ? unsigned_why(call, in) : NULL;
}

enum status api_hook_post(struct api_call *call) {
  struct intake *in = api_alloc(call, sizeof *in);
  if (!in) return err_set(&call->err, ERR_NOMEM, "out of memory");
  enum status st = find_hook(call, in);
  if (st != OK) return st == ERR_CANCELLED ? OK : st;
  call->state = in;
  call->cleanup = finish;
  in->settings = json_loads(in->hook.settings, 0, NULL);
  if (!call->core->desk) return api_problem(call, PROBLEM_unavailable, "No service is running that could act upon signals.");
  if (!in->hook.enabled) return api_problem(call, PROBLEM_conflict, "The hook is switched off.");
  if (!within_rate(call, in, &st)) return st;
  const char *why = not_allowed_why(call, in);
  if (why) return refuse(call, PROBLEM_forbidden, why);
  if (!signal_desk_has_room(call->core->desk, in->hook.id)) return api_problem(call, PROBLEM_rate_limited, "Too many messages wait to be worked off.");
  if (call->req->body_len > MESSAGE_MAX) return refuse(call, PROBLEM_body_too_large, "the message has more than 16000 bytes");
  in->body = malloc(call->req->body_len + 1);
  if (!in->body) return err_set(&call->err, ERR_NOMEM, "out of memory");
  memcpy(in->body, call->req->body, call->req->body_len);
  in->body[call->req->body_len] = '\0';
  st = call->req->behalf ? OK : take_secret(call, in);
  if (st == ERR_CANCELLED) {
    snprintf(in->reason, sizeof in->reason, "the hook's secret is not in the message: JSON must have it at %s, text cannot", secret_path(in));
    return refuse(call, PROBLEM_forbidden, in->reason);
  }
  if (st != OK) return st;
  const json_t *cut = json_object_get(in->settings, "secret_sha256");
  st = message_read(in->body, cut ? strlen(in->body) : call->req->body_len, json_object_get(in->settings, "mapping"), &in->signal, &call->err);
  if (st == ERR_INVALID || st == ERR_LIMIT) {
    utf8_copy(in->reason, sizeof in->reason, call->err.msg);
    return refuse(call, PROBLEM_validation_failed, in->reason);
  }
  return st == OK ? accept(call, in) : st;
}

// ---- from somebody who has shown who he is

enum status hook_take(struct api_call *call, int64_t tenant_id, int64_t hook_id, const char *body, size_t len, enum status (*after)(struct api_call *call, void *arg), void *arg) {
  struct intake *in = api_alloc(call, sizeof *in);
  if (!in) return err_set(&call->err, ERR_NOMEM, "out of memory");
  enum status st = hook_get(reader(call), tenant_id, hook_id, &in->hook, &call->err);
  if (st == ERR_NOTFOUND) return api_problem(call, PROBLEM_conflict, "The hook is gone.");
  if (st != OK) return st;
  call->state = in;
  call->cleanup = finish;
  in->after = after, in->after_arg = arg;
  in->settings = json_loads(in->hook.settings, 0, NULL);
  if (!call->core->desk) return api_problem(call, PROBLEM_unavailable, "No service is running that could act upon signals.");
  if (!in->hook.enabled) return api_problem(call, PROBLEM_conflict, "The hook is switched off.");
  if (!within_rate(call, in, &st)) return st;
  if (!signal_desk_has_room(call->core->desk, in->hook.id)) return api_problem(call, PROBLEM_rate_limited, "Too many messages wait to be worked off.");
  if (len > MESSAGE_MAX) return refuse(call, PROBLEM_body_too_large, "the message has more than 16000 bytes");
  in->body = malloc(len + 1);
  if (!in->body) return err_set(&call->err, ERR_NOMEM, "out of memory");
  memcpy(in->body, body, len);
  in->body[len] = '\0';
  st = message_read(in->body, len, json_object_get(in->settings, "mapping"), &in->signal, &call->err);
  if (st == ERR_INVALID || st == ERR_LIMIT) {
    utf8_copy(in->reason, sizeof in->reason, call->err.msg);
    return refuse(call, PROBLEM_validation_failed, in->reason);
  }
  return st == OK ? accept(call, in) : st;
}
