// bot/live_money.c – accounts as the running bots share them: their books in the journal (store/account_rows), and the clerks' account
// (bot/clerk_account) with limits, exposure and the orders that might meet.
//
// A run takes its part from what is free when its books are opened; that is held until the run's first record is committed, with the
// entry that allots it. Its end gives back what it has then, with the run's last record. So money and runs are never of two minds.
#include "bot/live_impl.h"

#include "loop/clock.h"
#include "market/instrument.h"
#include "order/account_book.h"
#include "store/account_rows.h"
#include "store/store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)ACCOUNT_MOVE_OPEN == ACCOUNT_ENTRY_OPENS, "");

static struct account_book of_sums(struct account_sums s) { return (struct account_book){s.paid_in_e8, s.result_e8, s.free_e8, s.allotted_e8}; }
static struct account_sums to_sums(struct account_book b) { return (struct account_sums){b.paid_in_e8, b.result_e8, b.free_e8, b.allotted_e8}; }

// ---- finding it, or reading it

static bool add_share(void *arg, int64_t bot_id, uint32_t run, int64_t amount_e8) {
  struct live_account *a = arg;
  if (a->share_count == a->share_cap) {
    const size_t cap = a->share_cap ? a->share_cap * 2 : 4;
    struct live_share *more = realloc(a->shares, cap * sizeof *more);
    if (!more) return a->lost = true, false;
    a->shares = more;
    a->share_cap = cap;
  }
  a->shares[a->share_count++] = (struct live_share){bot_id, run, amount_e8};
  return true;
}

static struct live_share *share_of(const struct live_account *a, int64_t bot_id, uint32_t run) {
  for (size_t i = 0; i < a->share_count; i++)
    if (a->shares[i].bot_id == bot_id && a->shares[i].run == run) return &a->shares[i];
  return NULL;
}

static void account_destroy(struct live_account *a) {
  live_rules_drop(a);
  clerk_account_destroy(a->account);
  free(a->shares);
  free(a);
}

static enum status read_books(struct live *l, struct live_account *a, struct err *err) {
  struct db *db = store_reader(l->config.store, STORE_JOURNAL);
  struct account_sums sums;
  enum status st = account_sums_get(db, a->id, &sums, err);
  if (st == OK) a->book = of_sums(sums);
  else if (st == ERR_NOTFOUND) a->book = (struct account_book){.paid_in_e8 = a->opening_e8, .free_e8 = a->opening_e8}, st = OK;
  if (st == OK) st = account_shares(db, a->id, add_share, a, err);
  return st == OK && a->lost ? err_set(err, ERR_NOMEM, "no memory for an account") : st;
}

struct live_account *live_account_find(const struct live *l, int64_t id) {
  struct live_account *a = l->accounts[live_bucket(id)];
  while (a && a->id != id) a = a->next;
  return a;
}

static enum status account_get_live(struct live *l, int64_t id, int64_t tenant_id, cash opening, struct live_account **ret, struct err *err) {
  struct live_account *a = live_account_find(l, id);
  if (a) return *ret = a, OK;
  a = calloc(1, sizeof *a);
  struct live_tenant *t = live_tenant_of(l, tenant_id);
  enum status st = a && t ? OK : err_set(err, ERR_NOMEM, "no memory for an account");
  if (st == OK) {
    a->id = id, a->tenant = t, a->opening_e8 = opening.e8;
    st = read_books(l, a, err);
  }
  if (st != OK) {
    if (a) account_destroy(a);
    return st;
  }
  struct live_account **bucket = &l->accounts[live_bucket(id)];
  a->next = *bucket;
  *ret = *bucket = a;
  return OK;
}

void live_money_finish(struct live *l) {
  for (int i = 0; i < LIVE_BUCKETS; i++)
    while (l->accounts[i]) {
      struct live_account *a = l->accounts[i];
      l->accounts[i] = a->next;
      account_destroy(a);
    }
}

// ---- a bot's part

static int64_t available_e8(const struct live_account *a) { return a->book.free_e8 - a->held_e8 - a->leaving_e8; }

// A bot that owes more than was left has its account's house at nothing rather than below it: the gate's sums know no debts.
static enum status clerks_account(struct live_account *a, const struct gate_limits *limits, struct err *err) {
  if (a->account) {
    clerk_account_limits(a->account, limits);
    return OK;
  }
  const int64_t whole = a->book.free_e8 > 0 ? a->book.free_e8 + a->book.allotted_e8 : a->book.allotted_e8;
  char text[DECIMAL_TEXT_MAX];
  if (whole <= 0) return err_set(err, ERR_INVALID, "the account has no money: its balance is %s", cash_text(account_book_balance(&a->book), text));
  const struct clerk_account_config config = {.id = (uint64_t)a->id, .tenant = &a->tenant->tenant, .balance = {whole}, .limits = *limits};
  return clerk_account_create(&config, &a->account, err);
}

enum status live_money_join(struct live_bot *b, struct err *err) {
  struct live_account *a;
  enum status st = account_get_live(b->live, b->row.account_id, b->tenant_id, b->setup->balance, &a, err);
  if (st == OK) st = clerks_account(a, &b->setup->account_limits, err);
  if (st != OK) return st;
  a->bots++;
  b->account = a;
  return live_rules_join(b, err);
}

void live_money_leave(struct live_bot *b) {
  struct live_account *a = b->account;
  if (!a) return;
  a->held_e8 -= b->held.e8;
  b->held.e8 = 0;
  a->bots--;
  b->account = NULL;
}

// By which the others' names are those of bots of one tenant.
static int who_has(const struct live_account *a, const struct live *l, char *text, size_t size) {
  size_t n = 0;
  int shown = 0;
  for (size_t i = 0; i < a->share_count && shown < 3; i++) {
    const struct live_bot *b = live_find(l, a->shares[i].bot_id);
    char amount[DECIMAL_TEXT_MAX];
    if (!b || !b->has_row) continue;
    const int wrote = snprintf(text + n, size - n, "%s%.40s has %s", shown ? ", " : "; ", b->row.name, cash_text((cash){a->shares[i].amount_e8}, amount));
    if (wrote < 0 || (size_t)wrote >= size - n) break;
    n += (size_t)wrote;
    shown++;
  }
  text[n] = '\0';
  return shown;
}

static enum status refuse_money(const struct live *l, const struct live_account *a, cash wanted, struct err *err) {
  char want[DECIMAL_TEXT_MAX], free[DECIMAL_TEXT_MAX], balance[DECIMAL_TEXT_MAX], others[200];
  cash_text((cash){available_e8(a)}, free);
  cash_text(account_book_balance(&a->book), balance);
  (void)who_has(a, l, others, sizeof others);
  if (wanted.e8 > 0) return err_set(err, ERR_LIMIT, "it is to have %s, and of the account's %s only %s are free%s", cash_text(wanted, want), balance, free, others);
  return err_set(err, ERR_LIMIT, "of the account's %s nothing is free (%s)%s: give each bot a sum of its own (settings: cash)", balance, free, others);
}

enum status live_money_take(struct live_bot *b, struct err *err) {
  struct live_account *a = b->account;
  cash deposit = b->setup->match.deposit;
  if (b->told_run) {
    // A run that a program without books began.
    if (!share_of(a, b->id, b->run)) live_money_entry(b, ACCOUNT_MOVE_ALLOT, deposit);
    return OK;
  }
  if (deposit.e8 > available_e8(a) || available_e8(a) <= 0) return refuse_money(b->live, a, deposit, err);
  // Without a sum of its own it gets all that is free.
  if (deposit.e8 == 0) deposit.e8 = available_e8(a);
  if (!live_deposit_set(b, deposit)) return err_set(err, ERR_NOMEM, "no memory for a bot");
  b->held = deposit;
  a->held_e8 += deposit.e8;
  return OK;
}

static void put_entry(struct live_bot *b, const struct live_account *a, enum account_move move, cash amount, cash given) {
  struct live_batch *batch = live_batch(b->live, b->place);
  struct account_entry *rows = batch ? live_room(batch, batch->rows.entries, batch->rows.entry_count, &batch->entry_cap, sizeof *rows) : NULL;
  struct account_book change;
  if (!rows) return;
  batch->rows.entries = rows;
  if (!account_book_move(&a->book, move, amount, given, &change)) {
    batch->bytes.failed = true;
    return;
  }
  rows[batch->rows.entry_count++] = (struct account_entry){.account_id = a->id, .tenant_id = b->tenant_id, .kind = (int)move, .bot_id = b->id, .run = b->run,
    .change = to_sums(change), .clock_ns = clock_wall_ns(), .opening_e8 = a->opening_e8};
  live_batch_bot(batch, b->id);
}

void live_money_entry(struct live_bot *b, enum account_move move, cash amount) {
  put_entry(b, b->account, move, amount, move == ACCOUNT_MOVE_RETURN ? b->setup->match.deposit : (cash){0});
}

static void last_worth(void *arg, const struct journal_point *p) { *(cash *)arg = p->equity; }

void live_money_abandon(struct live_bot *b, uint32_t run) {
  struct live_account *a;
  struct err err;
  if (account_get_live(b->live, b->row.account_id, b->tenant_id, (cash){0}, &a, &err) != OK) return;
  const struct live_share *share = share_of(a, b->id, run);
  if (!share) return;
  const cash given = {share->amount_e8};
  cash worth = given;
  struct db *db = store_reader(b->live->config.store, STORE_JOURNAL);
  (void)!journal_equity(db, b->tenant_id, b->id, run, 0, INT64_MAX, 1, last_worth, &worth, &err);
  struct record r;
  record_init(&r, RECORD_STOP, 0);
  r.stop = RECORD_STOP_FAILED;
  b->run = run;
  live_record(b, &r, true, false, true);
  put_entry(b, a, ACCOUNT_MOVE_RETURN, worth, given);
  live_hand_over(b->live, b->place);
}

// ---- what was committed

static void take_back(struct live_account *a, const struct account_entry *e) {
  struct live_share *s = share_of(a, e->bot_id, e->run);
  if (s) *s = a->shares[--a->share_count];
  // The clerk leaves with what it won; it stays in the account.
  if (a->account) clerk_account_settle(a->account, (cash){e->change.result_e8});
}

static void apply(struct live *l, struct live_account *a, const struct account_entry *e) {
  const struct account_book change = of_sums(e->change);
  const bool fits = account_book_apply(&a->book, &change);
  assert(fits);  // as the journal's own sums, which would have been refused
  if (e->kind == ACCOUNT_MOVE_ALLOT) {
    struct live_bot *b = live_find(l, e->bot_id);
    if (b && b->account == a && b->run == e->run) {
      a->held_e8 -= b->held.e8;
      b->held.e8 = 0;
    }
    add_share(a, e->bot_id, e->run, e->change.allotted_e8);
  } else if (e->kind == ACCOUNT_MOVE_RETURN) {
    take_back(a, e);
  }
}

void live_money_committed(struct live *l, const struct live_batch *batch) {
  for (size_t i = 0; i < batch->rows.entry_count; i++) {
    const struct account_entry *e = &batch->rows.entries[i];
    struct live_account *a = live_account_find(l, e->account_id);
    if (a) apply(l, a, e);
  }
}

// ---- for who looks

enum status live_account_status(struct live *l, const struct live_account_key *key, struct live_account_status *ret, live_share_fn fn, void *arg, struct err *err) {
  struct live_account *a;
  enum status st = account_get_live(l, key->id, key->tenant_id, key->opening, &a, err);
  if (st != OK) return st;
  *ret = (struct live_account_status){.paid_in = {a->book.paid_in_e8}, .result = {a->book.result_e8}, .free = {a->book.free_e8 - a->held_e8}, .allocated = {a->book.allotted_e8 + a->held_e8}};
  int64_t balance = ret->free.e8, equity = balance;
  for (int i = 0; i < LIVE_BUCKETS && a->held_e8; i++)  // on their way: rare, and gone with the next commit
    for (const struct live_bot *b = l->bots[i]; b; b = b->next)
      if (b->account == a && b->held.e8) {
        const struct live_share_status s = {.bot_id = b->id, .run = b->run, .cash = b->held, .balance = b->held, .equity = b->held};
        balance += b->held.e8, equity += b->held.e8;
        if (fn) fn(arg, &s);
      }
  for (size_t i = 0; i < a->share_count; i++) {
    const struct live_share *have = &a->shares[i];
    const struct live_bot *b = live_find(l, have->bot_id);
    struct live_share_status s = {.bot_id = have->bot_id, .run = have->run, .cash = {have->amount_e8}, .balance = {have->amount_e8}, .equity = {have->amount_e8}};
    if (b && b->clerk && b->run == have->run) {
      const struct account *own = matcher_account(clerk_matcher(b->clerk));
      s.known = true, s.balance = account_balance(own), s.equity = account_equity(own);
    }
    balance += s.balance.e8, equity += s.equity.e8;
    if (fn) fn(arg, &s);
  }
  ret->balance.e8 = balance;
  ret->equity.e8 = equity;
  return OK;
}

enum status live_account_room(struct live *l, const struct live_account_key *key, int64_t bot_id, cash wanted, struct err *err) {
  struct live_account *a;
  const enum status st = account_get_live(l, key->id, key->tenant_id, key->opening, &a, err);
  if (st != OK) return st;
  for (size_t i = 0; i < a->share_count; i++)
    if (a->shares[i].bot_id == bot_id) return OK;  // goes on with what it has, or gives it back before it begins anew
  return wanted.e8 > available_e8(a) || available_e8(a) <= 0 ? refuse_money(l, a, wanted, err) : OK;
}

// ---- its owner's money

struct moving {
  struct live *live;
  struct live_account *account;  // lives as long as the service
  struct account_entry entry;
  int64_t leaving_e8;
  live_moved_fn done;
  void *arg;
};

static enum status write_move(struct db *db, void *arg, struct err *err) {
  const struct account_entry *e = &((struct moving *)arg)->entry;
  const enum status st = account_entry_put(db, &((struct moving *)arg)->entry, err);
  return st == OK && e->kind == ACCOUNT_MOVE_RESET ? account_rules_forget(db, e->account_id, err) : st;  // it begins anew
}

static void moved(void *arg, enum status st, const struct err *err) {
  struct moving *m = arg;
  struct live_account *a = m->account;
  m->live->writes--;
  a->leaving_e8 -= m->leaving_e8;
  if (st == OK) {
    apply(m->live, a, &m->entry);
    if (a->account && m->entry.kind == ACCOUNT_MOVE_RESET && a->bots == 0) {
      live_rules_drop(a);
      clerk_account_destroy(a->account);  // its losses and peaks too
      a->account = NULL;
    } else if (a->account) {
      clerk_account_settle(a->account, (cash){m->entry.change.free_e8});
      clerk_account_paid(a->account, (cash){m->entry.change.free_e8});
    }
  }
  m->done(m->arg, st, err);
  free(m);
}

static enum status may_move(struct live *l, const struct live_account *a, const struct live_move *m, struct err *err) {
  char text[DECIMAL_TEXT_MAX], balance[DECIMAL_TEXT_MAX];
  cash_text((cash){available_e8(a)}, text);
  cash_text(account_book_balance(&a->book), balance);
  if (m->move == ACCOUNT_MOVE_WITHDRAW && m->amount.e8 > available_e8(a)) return refuse_money(l, a, m->amount, err);
  if (m->move == ACCOUNT_MOVE_RESET && (a->share_count || a->held_e8 || a->leaving_e8 || a->bots))
    return err_set(err, ERR_LIMIT, "bots have money of it still: stop them first");
  return OK;
}

enum status live_account_move(struct live *l, const struct live_move *how, live_moved_fn done, void *arg, struct err *err) {
  struct live_account *a;
  struct account_book change, after;
  enum status st = account_get_live(l, how->key.id, how->key.tenant_id, how->key.opening, &a, err);
  if (st == OK) st = may_move(l, a, how, err);
  if (st != OK) return st;
  after = a->book;
  if (!account_book_move(&a->book, how->move, how->amount, (cash){0}, &change) || !account_book_apply(&after, &change))
    return err_set(err, ERR_LIMIT, "an account holds no more than 92 thousand million");
  struct moving *m = calloc(1, sizeof *m);
  if (!m) return err_set(err, ERR_NOMEM, "out of memory");
  *m = (struct moving){.live = l, .account = a, .done = done, .arg = arg,
    .entry = {.account_id = a->id, .tenant_id = how->key.tenant_id, .kind = (int)how->move, .change = to_sums(change), .clock_ns = clock_wall_ns(), .opening_e8 = a->opening_e8, .covered = true}};
  snprintf(m->entry.request, sizeof m->entry.request, "%s", how->request ? how->request : "");
  // What leaves is nobody's from now on; while all of it is set anew, nothing of it is.
  m->leaving_e8 = how->move == ACCOUNT_MOVE_WITHDRAW ? how->amount.e8 : how->move == ACCOUNT_MOVE_RESET ? available_e8(a) : 0;
  a->leaving_e8 += m->leaving_e8;
  l->writes++;
  store_write(l->config.store, STORE_JOURNAL, write_move, moved, m);
  return OK;
}
