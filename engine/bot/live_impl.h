// bot/live_impl.h – private to bot/live*.c (and replay_load.c, for live_setup_read): what the runtime of all running bots is made of: its state
// (live_state.h), settings and series (live_series.h), and here what each file does for the others.
//
//     live.c         making and ending it, and its figures         live_bot.c     a bot's life: rows, states, timers
//     live_books.c   its clerk, series and account                 live_past.c    its run, from the journal
//     live_shelf.c   the commands of its run
//     live_open.c    how its script comes to a host                live_turn.c    instants: market, commands, DONE
//     live_canary.c  versions on trial, and their limits
//     live_script.c  which version and parameters it runs         live_reload.c  others take over while it runs
//     live_behind.c  rows that follow from the journal, and when they are written
//     live_batch.c   what is journalled together, and its commit   live_event.c   orders, fills, logs as rows and on streams
//     live_series.c  series in the hub and in the journal          live_setup.c   settings of bots, accounts and tenants
//     live_limits.c  limits that change while bots run             live_protect.c protections in settings
//     live_common.c  what many bots have in common, kept once     live_image.c   images of their books, where their pasts begin
//     live_money.c   accounts: what is free, and what runs have    live_rules.c   rule sets of accounts, and what scripts are told of risk
//     live_clock.c   who is called between bars                    live_signal.c  signals from outside
//     live_venue.c   accounts at venues elsewhere (live_venue.h)
//     live_market.c  what goes wrong with market data             live_stop.c    how a run ends
//     live_fund.c    funding of perpetuals                         live_tick.c    trades and quotes, for on_tick
//     live_news.c    calendars of news over accounts' rules        live_shadow_keep.c  what shadows did, over a restart
#pragma once
#include "bot/live_state.h"

struct live_bot *live_find(const struct live *l, int64_t id);
int64_t live_wall_ns(void);

// live_bot.c
void live_again(struct live_bot *b, int64_t in_ms);        // looks at it once more then
void live_bookless(struct live_bot *b);                   // its books were closed, and nobody opens them by what its state asks for: when the journal can be written, they are
void live_act(struct live_bot *b);                        // does what its state asks for
void live_written(struct live_bot *b);                    // nothing of it is on the way to the journal any more
void live_event(struct live_bot *b, enum life_event e, const char *detail);
int live_needs(const struct live_bot *b, struct fleet_need ret[SPEC_STREAMS_MAX]);  // what its host must have; how many
void live_bot_destroy(struct live_bot *b);
void live_tenant_slow(void *self, int host, int64_t tenant);  // of the fleet
void live_said(struct live_bot *b, const char *detail);   // its state is what it was; with it, its owner is told this ("": nothing)
enum status live_start(struct live *l, struct err *err) MUST_CHECK;
// live_common.c: false: no memory, and nothing has changed
bool live_setup_set(struct live_bot *b, const struct live_setup *s) MUST_CHECK;
bool live_deposit_set(struct live_bot *b, cash deposit) MUST_CHECK;
bool live_plan_set(struct live_bot *b, const struct bot_plan *p) MUST_CHECK;
bool live_text_set(struct live_bot *b, const char **text, const char *bytes, size_t len) MUST_CHECK;  // bytes may be *text itself
void live_text_clear(struct live_bot *b, const char **text);
void live_fault_set(struct live_bot *b, const char *text, size_t len);
static inline const char *live_fault(const struct live_bot *b) { return b->fault ? b->fault : ""; }
void live_leave_host(struct live_bot *b, const char *why);
bool live_waits(const struct live_bot *b);                // its books, or a host, for what is on its way to the journal: live_written() goes on
#define LIVE_AGAIN_MS 1000                                // a write that was refused is tried again
// live_stop.c
void live_stop(struct live_bot *b);                       // as its state asks
void live_stop_look(struct live_bot *b);                  // at the end of an instant: goes on with it
void live_end_run(struct live_bot *b);
void live_stopped(struct live_bot *b, enum status st);    // the batch with its end was committed, or not
void live_words_answered(struct live_bot *b, const struct wire_frame *f);  // ANSWER to BOT_STOP
void live_words_end(struct live_bot *b);                  // of an instant, before its records are gathered
// live_books.c: clerk and series; ERR_NOTFOUND: no data
enum status live_books_open(struct live_bot *b, struct err *err) MUST_CHECK;
enum status live_plan_read(struct live_bot *b, struct err *err) MUST_CHECK;  // setup and plan, as rows and header say
// What an operator calls the venue that it trades at: of an account with a market of its own, the account's.
const char *live_venue_name(const struct live_bot *b);
enum status live_venue_find(const struct live_bot *b, char ret_venue[BOT_VENUE_SIZE], struct err *err) MUST_CHECK;  // its own, or the first that has its symbol
void live_books_close(struct live_bot *b);
void live_left_host(struct live_bot *b);  // the fleet has let go of it: ends its instant, and goes on without a script
// A bot that leaves a host which was behind: what the hub has told since happens to its orders now. When the disk does not give the bars it stays behind, and
// meets no others: it is tried again with its next instant, and before it comes to a host.
enum status live_catch_up(struct live_bot *b, struct err *err) MUST_CHECK;
// live_money.c
struct live_account *live_account_find(const struct live *l, int64_t id);     // NULL: not used yet
enum status live_money_join(struct live_bot *b, struct err *err) MUST_CHECK;  // its account, with the limits of b->setup
void live_money_leave(struct live_bot *b);
// After live_past_read: a new run's deposit out of what is free, held until it is committed. ERR_LIMIT: not so much is free.
enum status live_money_take(struct live_bot *b, struct err *err) MUST_CHECK;
// ALLOT: the run's deposit; RETURN: what has become of it. Into the batch of the run's first or last record.
void live_money_entry(struct live_bot *b, enum account_move move, cash amount);
// A run whose books cannot be opened ends with what it was last worth.
void live_money_abandon(struct live_bot *b, uint32_t run);
void live_money_committed(struct live *l, const struct live_batch *batch);
void live_money_finish(struct live *l);
// live_rules.c
enum status live_rules_join(struct live_bot *b, struct err *err) MUST_CHECK;  // the rules of its account, when that is first used
void live_rules_changed(struct live *l, struct live_account *a, const char *name);  // its setting is another, or the set behind it
void live_rules_keep(struct live_bot *b);                 // at the end of its instant: into its batch, if they have changed
void live_rules_act(struct live *l);                      // at the end of a turn: what they ask of bots that are between instants
void live_rules_release(struct live *l);                  // all bots are there that were at work before the service started
void live_rules_drop(struct live_account *a);
bool live_rules_halted(const struct live_bot *b);
void live_rules_explain(const struct live_bot *b, char text[REFUSAL_TEXT_SIZE]);  // of one that is
// For on_risk of the bot's script in the next instant, and for the journal: once a reason and instant.
void live_risk_tell(struct live_bot *b, enum reason code, double limit, double value, int64_t until_ns, const char *text, bool decision);
// live_news.c
void live_news_join(struct live *l, struct live_account *a);  // its rules are others: they see the calendar
void live_news_due(struct live_bot *b);                       // when the next entry holds may be another
void live_news_finish(struct live_tenant *t);
// live_limits.c
struct live_tenant *live_tenant_of(struct live *l, int64_t id);  // NULL: no memory
void live_plan_follow(struct live_bot *b);                // its books are open, or its tenant's plan may be another: may it enter?
void live_limits_changed(struct live_bot *b);             // its row has other settings
void live_limits_tell(struct live_bot *b);                // to its host, at once or when it is opened there
void live_grants_poll(struct live *l);                    // now and then: plans that may be others now
// live_script.c
// The row of its script's version (0: the active one), the tenant's own or the installation's. header: to be freed. ERR_INVALID: it
// cannot run.
enum status live_script_read(const struct live_bot *b, int64_t version, struct live_script *ret, json_t **ret_header, struct err *err) MUST_CHECK;
int64_t live_version_wished(const struct live_bot *b);    // its own, or the active one; 0: there is none
void live_script_finish(struct live_script *s);
bool live_script_set(struct live_bot *b, struct live_script *s) MUST_CHECK;  // takes it over; its row's parameters are its own then; false: no memory
void live_script_record(struct live_bot *b, const struct record *r);  // RUN, VERSION, PARAMS of its past
void live_script_said(struct live_bot *b, int64_t time_ns, uint32_t before, uint32_t history, const char *why);  // VERSION to the journal
void live_script_forget(struct live_bot *b);              // its books are closed
// live_canary.c
enum status live_canary_begin(struct live *l, struct err *err) MUST_CHECK;  // at start, before any bot
void live_canary_finish(struct live *l);
int64_t live_canary_version(const struct live_bot *b);    // that it is to try; 0: none
void live_canary_joined(struct live_bot *b);              // it has taken a version
void live_canary_error(struct live_bot *b, uint32_t version, const char *text);  // something went wrong with that one
// live_reload.c
void live_reload_look(struct live_bot *b);                // does its row wish another version or other parameters than it has?
enum status live_script_fits(const struct live_bot *b, const json_t *header, uint32_t *ret_history, struct err *err) MUST_CHECK;  // it could take the place of the present one
void live_reload_answer(struct live_bot *b, const struct wire_frame *f);  // RELOADED, and ANSWER to PARAMS
void live_reload_left(struct live_bot *b);                // it is not open any more: what was under way is not
bool live_reload_suspect(struct live_bot *b, const char *why);  // its host hung: over what it was sent? Then that is refused
void live_reload_free(struct live_bot *b);
void live_reload_status(const struct live_bot *b, struct live_status *ret);
// live_shadow.c
#define LIVE_SHADOW (INT64_C(1) << 62)                    // in the number of a bot's shadow, and of its tenant, as hosts know them
struct live_bot *live_shadow_find(const struct live *l, int64_t id);  // whose shadow has that number; NULL: it is none
void live_shadow_look(struct live_bot *b);                // does its row wish one, or another?
void live_shadow_left(struct live_bot *b);                // its live bot's script does not run any more
void live_shadow_free(struct live_bot *b);
enum fleet_step live_shadow_open(struct live *l, struct fleet_open *f, struct buf *out);
void live_shadow_opened(struct live_bot *b);
void live_shadow_refused(struct live_bot *b, const char *why);
void live_shadow_live(struct live_bot *b, const struct bot_command *c);  // what the live version asked for
void live_shadow_frame(struct live_bot *b, const struct wire_frame *f);
void live_shadow_compare(struct live_bot *b);             // at the end of an instant
// live_shadow_keep.c
enum status live_shadow_begin(struct live *l, struct err *err) MUST_CHECK;
void live_shadow_keep(struct live *l);                    // writes what is not kept yet
void live_shadow_finish(struct live *l);
// live_open.c
enum fleet_step live_open_put(struct live_bot *b, const struct live_script *as, struct fleet_open *f, struct buf *out);
// live_past.c
enum status live_past_read(struct live_bot *b, struct err *err) MUST_CHECK;   // its latest run, if that is open; else its next
enum status live_past_again(struct live_bot *b, struct err *err) MUST_CHECK;  // through its clerk, up to now
void live_mark(struct live_bot *b, int symbol);
// live_shelf.c
void live_past_add(struct live_bot *b, int64_t id, const struct record *r);     // its next commands; past_bytes.failed: no memory
void live_past_read_one(struct live_bot *b, int64_t id, const struct record *r);  // as the journal is read, oldest first
void live_past_forget(struct live_bot *b);
// Records of its commands, from the first on, while nothing else touches its past but live_past_add(), whose are not among them.
struct live_reading {
  struct live_bot *bot;
  struct live_shelf_place place;
  size_t past_at, past_end;
  struct live_past *items;   // read ahead: those from `at` on
  size_t count, cap, at;
  struct buf bytes;
  bool got, failed;          // failed: no memory, or a record that cannot be read
};
void live_reading_begin(struct live_reading *r, struct live_bot *b);
void live_reading_end(struct live_reading *r);
bool live_reading_peek(struct live_reading *r, size_t n, struct record *ret);  // the n-th of those that are left; false: there is none. Valid until the next call
void live_reading_pop(struct live_reading *r);   // the first, which was looked at
void live_past_committed(struct live *l, const struct journal_batch *rows);     // those have their ids
void live_past_shelve(struct live_bot *b);                                      // what the journal has is not kept any more
void live_past_drop(struct live_bot *b, size_t records, size_t commands);
void live_past_record(const struct live_bot *b, size_t i, struct record *ret);  // of past; for record_command_next()
// Appends its commands as RESTORE frames, from record *cursor on (0 at first), about half of FLEET_OPEN_BYTES; *ret_all: that was the last.
enum status live_past_put(struct live_bot *b, uint64_t id, size_t *cursor, struct buf *out, bool *ret_all, struct err *err) MUST_CHECK;
// live_image.c
void live_image_later(struct live_bot *b);                // the next is due when so much has happened again
void live_image_take(struct live_bot *b);                 // its script's turn is in the batch, and nothing was imposed since; if one is due
void live_image_drop(struct live_batch *batch, int64_t bot);
void live_images_committed(struct live *l, struct live_batch *batch, enum status st);
int64_t live_image_last_id(const struct live_batch *batch, const struct live_image *i);  // of one that is committed: the last record that is in it
// Where the past of its run begins, which is open: with an image, if there is one. rare: the records up to then that are not in it (image_rows.h).
enum status live_base_pick(struct live_bot *b, journal_record_fn rare, struct err *err) MUST_CHECK;
// Appends it. Where there is none that can be used, nothing: the past begins with its run then (live_past_whole).
enum status live_base_body(struct live_bot *b, struct buf *ret, struct err *err) MUST_CHECK;
enum status live_base_load(struct live_bot *b, struct err *err) MUST_CHECK;   // into its clerk, between restore_begin and the first instant; without one: nothing
// live_past.c
enum status live_past_whole(struct live_bot *b, struct err *err) MUST_CHECK;  // its past begins with its run from here on: nothing of it is on the way to the journal
enum status live_runs_read(struct live *l, struct err *err) MUST_CHECK;  // of all bots at once, when the service starts
// live_turn.c: a tag of the bot's orders; what it is called stays
void live_tag(void *bot, uint32_t tag, const char *text, size_t len);
// live_open.c
uint64_t live_settings_hash(const struct record *r);  // of a RUN's or RESUME's settings
extern const struct fleet_callbacks live_fleet_opening;   // bot_needs, series, history, bot_open, bot_opened
// live_turn.c
void live_instant(void *self, struct hub_instant *in);    // of the hub
void live_about_to_send(void *self, int host, const struct hub_instant *in);
void live_missed(void *self, int host, const struct hub_instant *in);
void live_frame(void *self, int host, const struct wire_frame *f);
void live_done(void *self, int host, const struct hub_instant *in);
void live_host_lost(void *self, int host, const char *why, int64_t suspect, const struct hub_instant *in);
void live_bot_end(struct live_bot *b);                    // of one: mark, clerk_end, records
void live_turn_end(struct live *l, int place, bool owes);            // of all touched bots: clerk_end, records, batch handed over
// live_fund.c
void live_fund(struct live_bot *b, const struct instant *in);  // what is due by its bars, before clerk_market()
void live_funded(struct live_bot *b);                     // after it: its owner is told
// live_market.c, of the hub
void live_market_note(void *self, const struct hub_note *n);
void live_symbol_note(void *self, const struct hub_note *n);
// live_ahead.c: true: a history of it is being made, and live_act() comes when it is there
bool live_ahead(struct live_bot *b);
void live_ahead_ready(void *live, int venue);  // hub_sink.ready
void live_ahead_end(struct live *l);                      // nobody waits any more
// live_clock.c
void live_clock_update(struct live_bot *b);               // timer_ns, soon_ns, or whether it has a host has changed
void live_clock_soon(struct live_bot *b);                 // it wants an instant as soon as may be
void live_clock_served(struct live_bot *b, int64_t now_ns);  // it takes part in this one
void live_clock_drop(struct live_bot *b);                 // its books are closed
int64_t live_clock_next(void *self, int venue);           // hub_sink.clock
bool live_calls(void *self, int host, const struct hub_instant *in);  // fleet_callbacks.calls
// Those of a place that are due by the instant. *ret is valid until the next call.
size_t live_clock_due(struct live *l, int place, const struct hub_instant *in, struct live_bot *const **ret);
// live_venue.c
void live_took(struct live_sends *s, int64_t from_ns, int64_t to_ns);  // one more, of clocks of the same kind
// live_signal.c
void live_signals_read(struct live_bot *b);                  // what waits for it, if its script runs
void live_signals_send(struct live_bot *b, int64_t now_ns);  // with the instant that its host is about to be shown
void live_signals_end(struct live_bot *b, bool heard);       // of that instant
void live_signals_committed(struct live_bot *b);
void live_signal_delivered(struct live_bot *b, int64_t row, int64_t instant_ns);  // as its journal says
void live_signals_forget(struct live_bot *b);                // its books are closed
// live_tick.c
void live_tick(void *self, const struct hub_tick *t);        // of the hub
int64_t live_tick_due(const struct live_bot *b);             // the instant that it wants; INT64_MAX: none
void live_ticks_send(struct live_bot *b, int64_t now_ns);    // with the instant that its host is about to be shown
void live_ticks_end(struct live_bot *b, bool heard);         // of that instant
void live_ticks_opened(struct live_bot *b);
void live_ticks_forget(struct live_bot *b);                  // its script is closed
// live_halt.c
enum status live_halt_open(struct live *l, struct err *err) MUST_CHECK;  // before any bot has books
void live_halt_close(struct live *l);
void live_follow(struct live_bot *b);                     // is it halted, by the kill switch or by rules, or no more?
void live_tripped(void *self, const struct last_report *r);
// live_keep.c
enum status live_keep_begin(struct live *l, struct err *err) MUST_CHECK;
void live_keep_end(struct live *l);
// live_pace.c: what the fleet remembers of tenants
enum status live_pace_begin(struct live *l, struct err *err) MUST_CHECK;  // the fleet is there, no bot is placed
void live_tenant_pace(void *self, int64_t tenant, struct fleet_pace pace);  // of the fleet
void live_pace_keep(struct live *l);    // writes what waits
void live_pace_finish(struct live *l);
// live_behind.c
enum status live_behind_begin(struct live *l, struct err *err) MUST_CHECK;
void live_behind_end(struct live *l);   // writes what waits, or leaves it to the next start
// Adds how far each bot of the batch has come with it: once, when it is handed over, since one that is parked is written later.
void live_behind_follow(struct live *l, struct live_batch *b);
// Decides when the rows of a batch are written. False: not before batches that are under way are committed.
bool live_behind_choose(struct live *l, struct live_batch *b);
void live_behind_committed(struct live *l, struct live_batch *b, enum status st);
// live_batch.c
struct live_batch *live_batch(struct live *l, int place); // the one being gathered
void live_batch_bot(struct live_batch *b, int64_t bot);
void *live_room(struct live_batch *b, void *items, size_t count, size_t *cap, size_t size);
const void *live_batch_bytes(struct live_batch *b, const void *bytes, size_t len);
void live_record(struct live_bot *b, struct record *r, bool decision, bool opens, bool closes);
void live_hand_over(struct live *l, int place);           // if there is something; then fleet_go_on when nothing is under way
void live_position_read(const struct account *a, int symbol, enum leg leg, struct live_position *ret);  // as it is this moment
bool live_heard(const struct live_bot *b);                // does anybody listen? before costly news
void live_news(struct live_bot *b, const char *type, json_t *data);
// Its owner is told, on the channels of their choice; journalled with the instant. data: taken, its bot's name is added. Nobody wants it: nothing is made.
bool live_noticed(const struct live_bot *b, enum notice_event event);
void live_notice(struct live_bot *b, enum notice_event event, json_t *data);
// live_event.c
struct clerk_observer live_observer(struct live_bot *b);
void live_commands_flush(struct live_bot *b);             // the gathered commands become a record
void live_command_seen(struct live_bot *b, int kind, const struct bot_command *c);
// Text of a script as others can read it: what is not UTF-8, or a control character, becomes '?'.
void live_plain(char *text, size_t len);
void live_log(struct live_bot *b, int64_t time_ns, int level, const char *text, size_t len);
