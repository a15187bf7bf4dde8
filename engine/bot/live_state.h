// bot/live_state.h – private to bot/live*.c: the state of the runtime. A bot, its account and tenant, what is gathered for the journal,
// the place of a host, and `struct live`, which has them all. From live_impl.h.
#pragma once
#include "base/intern.h"
#include "bot/clerk.h"
#include "bot/fleet.h"
#include "bot/halt_file.h"
#include "bot/hub.h"
#include "bot/life.h"
#include "bot/live.h"
#include "bot/live_series.h"
#include "bot/plan.h"
#include "bot/record.h"
#include "crypto/sha256.h"
#include "order/account_book.h"
#include "store/bot_rows.h"
#include "store/id.h"
#include "store/journal_behind.h"
#include "store/journal_rows.h"

#define LIVE_HOSTLESS FLEET_HOSTS_MAX  // place of bots whose script does not run but whose orders or positions are there

// ---- bots

struct live_share {    // what an open run was given
  int64_t bot_id;
  uint32_t run;
  int64_t amount_e8;
};
struct live_account {  // from its first use until the service ends
  struct live_account *next;
  int64_t id;
  struct live_tenant *tenant;
  int64_t opening_e8;             // of its settings: what it begins with
  struct account_book book;       // as committed
  int64_t held_e8, leaving_e8;    // of what is free: for runs that begin; withdrawn. Not committed yet
  struct live_share *shares;      // as committed
  size_t share_count, share_cap;
  bool lost;                      // no memory for a share
  struct clerk_account *account;  // NULL until a bot trades on it
  struct rule_set *rules;         // NULL: none
  char *rules_text;               // its JSON, as applied
  char rules_name[RULE_SET_NAME_SIZE];
  uint8_t rules_kept[RULE_STATE_BYTES];  // as the journal has it, or will
  bool rules_ended;               // a level was reached: its bots are halted
  int bots;                       // that have books
};
struct live_tenant {
  struct live_tenant *next;
  int64_t id;
  struct clerk_tenant tenant;
  struct live_grant grant;
  int64_t granted_ns;  // when, by the clock
  struct news_list *news;  // its calendar and the installation's
  bool news_known;
};

struct live_past {      // commands of one record
  int64_t time_ns;
  int64_t id;           // in the journal; 0: on its way
  uint32_t offset, len; // in live_bot.past_bytes
  bool imposed;         // the core's commands, not the script's
};
struct live_shelf_place {
  size_t n, at;         // so many ids were read, up to that byte; the last one
  int64_t id;
};
struct live_base {      // the image that its past begins with (live_image.c); time_ns INT64_MIN: there is none, it begins with its run
  int slot;
  int64_t last_id, time_ns;
};
struct live_image {     // one that is to be kept
  int64_t bot;
  uint32_t run, serial;
  int64_t time_ns;
  size_t records, commands;  // of the bot's past: those that are in it
  size_t own;                // of them, records of the batch: what the core imposes before that is handed over comes behind
  struct buf body;
};
struct live_names {     // whose orders are named by which version
  uint64_t order;       // from this one on
  uint32_t version;
};
struct live_tag {
  uint32_t tag;
  char text[JOURNAL_TAG_SIZE];
};

struct live_bot {
  struct live *live;
  struct live_bot *next;            // of its bucket
  int64_t id, tenant_id;
  char channel[ID_TEXT_SIZE + 4];   // "bot:bot_…"
  struct bot_row row;
  bool has_row;
  struct life life;
  struct loop_timer *retry;         // of the next try, or of writing its state, which was refused
  bool unsaved;
  bool bookless;                    // its books were closed as the journal refused what it did, and are to be opened again
  int bookless_ms;                  // after so long; 0: what it did last was journalled
  char *unsaved_why;

  // From opening to its end:
  struct clerk *clerk;              // NULL: it has no books now
  struct live_account *account;
  cash held;                        // of the account, until its run's first record is committed
  const struct live_setup *setup;   // of live.common, as are plan, source, params and of_account; never NULL, nor is plan
  struct live_grant grant;
  const struct bot_plan *plan;
  struct live_series **series;      // of the plan's streams; series_count of them are there
  int series_count;
  int venue;
  // What its script is: of a run that is in the journal as that has it, until another takes over; not what its row wishes.
  uint32_t version;
  const char *source, *params;
  const char *of_account;           // its account's settings, as its books were opened with
  uint64_t told_settings;           // hash of its settings, as the journal has them
  size_t source_len;
  char sha256[SHA256_HEX_SIZE];
  int64_t version_ns;               // it took over in that instant of the run; 0: the run began with it, or a start of the script did
  uint32_t version_history;         // bars of each stream that warmed it up then
  uint32_t state_version;           // that ctx.state is of
  struct live_names *names;         // of versions in the run
  size_t name_count;
  bool mend;                        // when it is opened next: as its row wishes, at once
  uint32_t version_before;          // it is being opened as its row wishes, after a run with that version or its parameters; 0: it is not
  struct live_shadow *shadow;       // a version beside it; NULL: none
  struct live_reload *reload;       // others on their way, and what was refused last; NULL: nothing
  uint32_t run, resumes;
  int64_t warm_from_ns, run_from_ns, live_from_ns;
  int64_t seen_ns;                  // of the last instant that its script saw, as the journal has it
  int64_t kept_ns;                  // of the last instant of which something is in the journal: all before it is
  int place;                        // host, or LIVE_HOSTLESS
  bool limits_due;                  // its host is still to be told its limits
  bool told_denial;                 // plan_denies is what its clerk has
  int plan_denies;                  // enum refusal_rule: why the plan keeps it from entering
  bool opened;                      // its script sees instants
  bool half_told;                   // its host has a part of its history
  bool told_run;                    // its run is in the journal
  bool read_run;                    // and was read, when the service started
  bool over;                        // its end is in the journal
  const struct live_batch *ending;  // its end is in this one, on the way to the journal; NULL: it does not end
  enum live_words { WORDS_NONE, WORDS_ASKED, WORDS_ANSWERED, WORDS_SAID, WORDS_LOST } words;  // of its script, when the run ends (live_stop.c)
  int64_t words_until_ns;           // ASKED: by the monotonic clock
  int64_t unfit_ns, unfit_instant_ns;  // its account's position mode ends it (live_mode.c): since then, by the monotonic clock, and from that instant on; 0: no
  bool broke;                       // its host hung over them: it is kept apart when its run has ended
  unsigned unwritten;               // batches with something of it, gathered or handed over: until they are committed the journal does
  unsigned handed;                  // not know its past; those handed over
  const struct live_batch *listed;  // the last one that lists it; may be gone
  struct live_past *past;           // its commands: those whose records are on their way, or were just read (live_shelf.c)
  size_t past_count, past_cap;
  size_t past_known;                // the first so many are in the journal
  struct buf past_bytes;
  struct buf shelf;                 // ids of the records before those: commands are read from there when somebody asks
  size_t shelf_count;
  int64_t shelf_before, shelf_last; // the id before the first, which that counts from; the last
  struct live_shelf_place shelf_read;
  size_t past_commands;             // of the run, in all records
  struct live_base base;
  int64_t scan_after;               // of a run that is read as the service starts: the record that it begins behind
  bool base_refused;                // by what was read of it: not another time
  uint32_t image_age, image_due;    // instants since the last image; the next is taken when they and the records since then are so many
  uint32_t image_serial;            // of its past: images of another count for nothing
  bool past_torn;                   // its past was let go of, and the disk did not give it again: to be read before anybody is told
  bool imaging;                     // one is on its way
  bool telling;                     // a host has a part of its past: where that begins stays as it is
  struct buf state, memory;
  bool content;                     // something of this instant goes to the journal
  struct live_tag *tags;
  size_t tag_count;
  size_t trades_told;

  // Of the instant under way:
  bool joined;                      // its account at a venue, since its bots were last frozen or not (live_reconcile.c)
  bool counted;                     // what it holds is not taken for the house's (live_reconcile.c)
  bool touched, main_closed, spoke; // has bars; its main bar is among them; sent a command
  bool turned;                      // its script has had its turn, and something came of it: a host that dies now takes nothing of it away
  bool skipped;                     // its script had no part in it: its tenant's CPU time was used up
  uint64_t risk_told;               // bit per reason: since the last instant's end
  bool imposed;                     // the core added commands since the last instant's end
  bool unheard;                     // it did so since the script's last turn, or that was skipped, or the script starts again: that it hears of all is kept
  uint32_t turns;                   // instants since it was opened
  char digest[SHA256_HEX_SIZE];     // asked of the host, and what it must say; "": not asked
  bool restoring;                   // its past is walked through
  bool behind;                      // without a host, and the disk did not give all bars until now: it has to catch up first
  bool content_before;              // as it was before
  bool retelling;                   // for rows that a crash may have left unwritten: subscribers have heard of it
  struct journal_followed followed; // as it was read: rows of instants since then may be missing
  bool busy;                        // between clerk_market() and clerk_end()
  int64_t main_open_ns, instant_ns;
  const char *venue_says;           // while a refusal is heard: the venue's words
  int64_t asked_ns;                 // by the monotonic clock: the first order of the instant under way, or of the last; 0: none, or it was sent
  int64_t fundings_before_e8;       // in its ledger, before those of this instant; INT64_MIN: there are none
  int64_t *funded_ns;               // by symbol, with series: fundings up to here were looked at
  struct buf turn;                  // commands for the record being gathered
  int turn_kind;
  int64_t turn_ns;
  uint64_t turn_order;
  bool turn_decides;                // one of them is a decision, not only a mark or a reservation
  int halt_mode;                    // enum halt_mode as the journal has it
  bool failed;                      // FAULT of a callback; its life is asked after the commit
  bool unfit;                       // of a FAULT: it cannot be opened so, and would not the next time
  char *fault;                      // what was said; NULL: nothing, or no memory for it

  int64_t intents, fills, denials, errors;
  cash last_mark;

  // Between bars, by its venue's time; INT64_MAX: nothing.
  int64_t timer_ns;                 // its script's next timer
  int64_t soon_ns;                  // an instant is wanted as soon as may be
  int64_t news_ns;                  // a calendar's entry begins to hold for one of its symbols
  int64_t clock_ns;                 // the earlier of both, by which it stands in its venue's heap
  size_t clock_at;                  // its place there, from 1; 0: it does not
  uint32_t callbacks;               // that its script has, as its host says
  bool awaits_history;              // live_ahead.c
  bool awaits_venue;                // with it: the venue has not told it yet
  bool called;                      // takes part in the instant under way without a bar of its own

  struct live_ticks *ticks;         // what came of its symbols; NULL: it hears none (live_tick.c)
  struct live_signal *signals;      // that wait for an instant, in their order (live_signal.c)
  size_t signal_count;
  int64_t signal_last;              // the newest that was read, or stands in the journal as delivered
  bool signals_known;               // what the journal has of them, their rows have too
  bool signals_left;                // more of them wait as rows than have room here
  struct live_signal_done *signals_done;  // delivered, which their rows do not say yet
  size_t signals_done_count, signals_done_cap;
};
struct live_signal_done {
  int64_t id, instant_ns;
};

struct live_clock {                 // a heap: whoever is due first is bots[0]
  struct live_bot **bots;
  size_t count, cap;
  bool asked;              // the hub asks who is first: it need not be told
};

// ---- batches: what is journalled together

struct live_news {
  char channel[40];
  char type[24];
  json_t *data;
};
struct live_batch {
  struct live *live;
  struct live_batch *next;          // parked behind it
  int place;
  struct journal_batch rows;
  size_t record_cap, order_cap, fill_cap, trade_cap, mark_cap, log_cap, state_cap, bar_cap, series_cap, entry_cap, rules_cap;
  struct buf bytes;                 // bodies; pointers into it are offsets until it is handed over
  struct live_news *news;
  size_t news_count, news_cap;
  int64_t *bots;                    // whose clerks wait for the commit
  size_t bot_count, bot_cap;
  int64_t handed_ns;
  bool behind;                      // its rows are written when its records are
  struct journal_batch taken;       // counts alone: its first rows are others', which waited
  size_t followed_cap, notice_cap;
  struct live_image *images;
  size_t image_count;
  int64_t last_id;                  // with images: the highest record of the journal when it was committed
  bool asked;                       // to be handed over as soon as it may
};

// Another version or other parameters, from a wish to its end.
enum live_stage {
  STAGE_NONE,
  STAGE_QUEUED,   // others are being built
  STAGE_SENT,     // it is built in the host
  STAGE_BUILT,    // takes over in the next instant
  STAGE_PARAMS,   // parameters alone: on_params in the next instant
};
struct live_script {
  uint32_t version;
  char *source, *params, sha256[SHA256_HEX_SIZE];
  size_t source_len;
};
struct live_reload {
  enum live_stage stage;
  int place;                  // SENT: the host that builds it
  struct live_script script;
  uint32_t history;
  struct live_bot *next;      // in the queue
  uint32_t refused_version;   // 0: none was
  char *refused_params;
  char why[RECORD_TEXT_MAX];  // it was
};

struct live_ticks;
struct live_host {
  struct live_batch *batch;         // being gathered; NULL: nothing yet
  int writes;                       // handed over, not yet committed
  bool write_failed;
  int64_t *bots;                    // whose clerks wait until all of them are committed
  size_t bot_count, bot_cap;
  bool owes;                        // fleet_go_on is awaited
  bool in_turn;                     // an instant is under way: its batch is half of it
  int building;                     // versions that it was sent and has not built yet
  struct live_bot *reload_first, *reload_last;  // bots whose versions wait for that
  int64_t *called;                  // bots called to the instant under way
  size_t called_count, called_cap;
  struct live_batch *parked;        // handed over, but behind_choose() said not yet
};

#define LIVE_BUCKETS 4096
// Ids are times with a count that nearly always begins anew: their low bits say little.
static inline size_t live_bucket(int64_t id) { return (size_t)((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15) >> 32) % LIVE_BUCKETS; }

struct live {
  struct live_options config;
  struct hub *hub;
  struct fleet *fleet;
  struct last_check *last;
  struct halt_state halt;
  struct halt_file *halts;
  struct halt_desk desk;
  struct loop_timer *halt_timer;
  bool halts_looked;
  struct live_keep *keep;
  struct live_pace *pace;
  struct journal_behind *behind;    // rows that wait
  unsigned behind_coming;           // batches whose rows will, when their records are committed
  unsigned behind_taking;           // batches on their way with rows of others
  struct loop_timer *behind_timer;  // of the next try
  struct live_canary *canaries;     // those that run
  struct loop_timer *canary_timer;
  struct loop_timer *shadow_timer;  // of the next write of what shadows did
  bool shadows_dirty;
  struct clerk_shared shared;
  struct intern *common;            // what many bots have in common
  struct live_bot *bots[LIVE_BUCKETS];
  struct live_bot **touched;        // of the instant under way at one place
  size_t touched_count, touched_cap;
  struct live_series *series;
  struct live_series **by_hub;      // by hub id
  size_t by_hub_cap;
  bool bars_refused;          // of some series
  struct live_bot ***readers;       // by hub id: bots that read the series
  size_t *reader_count, *reader_cap;
  struct live_clock clocks[HUB_VENUES_MAX];
  struct live_ahead *ahead;         // histories that are being made
  struct loop_timer *ahead_timer;   // tells how far they are; NULL before the first
  struct live_bot **due;            // scratch of live_clock_due
  size_t due_cap;
  struct live_account *accounts[LIVE_BUCKETS];
  bool rules_due;                   // rules of some account may ask for something
  bool starting;                    // bots are being opened that were at work before
  bool ticks_heard;                 // by some bot, since the service began
  struct live_tenant *tenants;
  struct live_venue *venues;        // sessions of accounts at venues elsewhere
  struct live_sends sends, hears;
  struct live_signals_done *signals_done;  // what became of signals in this turn of the loop (live_signal.c); NULL: nothing yet
  uint32_t journal_series;          // highest id given
  struct live_host hosts[FLEET_HOSTS_MAX + 1];
  bool closing;
  unsigned writes;                  // handed to the store and not yet answered: each holds a pointer to this
  struct live_stats stats;
};
