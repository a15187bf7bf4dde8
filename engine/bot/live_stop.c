// bot/live_stop.c – how a run ends: the last words of its script, its orders cancelled or its positions closed, its end in the journal.
//
// A script that has on_stop hears it once, in an instant of its own, when its owner stops the bot: it may close and cancel, no more. Its
// market closes are executed in the next instant at the last price, whatever else works is cancelled. Whether it answers, fails, hangs or
// is not there: the stop goes on. Who is paused, halted or retired has no script that runs, and who is forced is not asked.
#include "bot/clerk_remote.h"
#include "bot/live_impl.h"

#include "loop/clock.h"
#include "loop/loop.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

#define WORDS_NS (10 * NS_PER_S)  // for all of that, by the clock

void live_stopped(struct live_bot *b, enum status st) {
  b->ending = NULL;
  if (st == OK) {
    b->over = true;
    live_books_close(b);
  } else if (b->life.state == LIFE_STOPPED && !b->live->closing) live_again(b, LIVE_AGAIN_MS);  // its end is to be journalled still
  if (st == OK && b->broke && b->life.state == LIFE_STOPPED) live_event(b, LIFE_BROKE_HOST, live_fault(b));
  b->broke = false;
  if (b->life.state == LIFE_STARTING) live_act(b);  // asked for meanwhile: a new run
}

// One that is over without having been ended – it could not be opened, or the service died in between – has its account's money. Its end
// needs its books; if they cannot be opened at all, it ends with what it was last worth.
static bool open_to_end(struct live_bot *b) {
  struct journal_run last;
  struct err err;
  if (journal_run_last(store_reader(b->live->config.store, STORE_JOURNAL), b->tenant_id, b->id, &last, &err) != OK || last.last_id) return false;
  if (live_books_open(b, &err) == OK) {
    clerk_cancel_all(b->clerk, REASON_OWNER, true);
    return true;
  }
  b->live->config.log(b->live->config.self, "error", "run_abandoned", json_pack("{s:s, s:s}", "bot", b->channel + 4, "error", err.msg));
  live_money_abandon(b, last.run);
  return false;
}

// Its run is over: said in the journal, then its books are closed.
void live_end_run(struct live_bot *b) {
  live_leave_host(b, "stopped");
  if (b->ending || (!b->clerk && live_waits(b)) || (!b->clerk && !open_to_end(b))) return;
  if (!b->told_run) {
    live_books_close(b);
    return;
  }
  struct record r;
  record_init(&r, RECORD_STOP, b->instant_ns > b->run_from_ns ? b->instant_ns : b->run_from_ns);
  r.stop = b->life.reason == LIFE_WHY_FORCED ? RECORD_STOP_OPERATOR : RECORD_STOP_ENDED;
  char hash[SHA256_HEX_SIZE];
  clerk_hash(b->clerk, hash);
  r.hash = record_text(hash, strlen(hash));
  r.seen_ns = b->seen_ns;
  live_commands_flush(b);
  live_record(b, &r, true, false, true);
  // What it holds still is worth what the market says now.
  live_money_entry(b, ACCOUNT_MOVE_RETURN, account_equity(matcher_account(clerk_matcher(b->clerk))));
  struct live_batch *batch = live_batch(b->live, b->place);
  if (!batch) return;
  b->ending = batch;
  live_hand_over(b->live, b->place);
}

// ---- last words

static const char *why_of(const struct live_bot *b) { return b->row.close ? "close" : "stop"; }

// True: it is asked, and live_stop() comes again.
static bool awaits_words(struct live_bot *b) {
  if (b->words == WORDS_NONE && b->opened && b->callbacks & UINT32_C(1) << ON_STOP && fleet_is_open(b->live->fleet, b->id)) {
    struct buf frame;
    buf_init(&frame, 256);
    wire_put_bot_stop(&frame, (uint64_t)b->id, b->instant_ns, why_of(b));
    if (fleet_send(b->live->fleet, b->id, &frame)) {
      b->words = WORDS_ASKED;
      b->words_until_ns = clock_monotonic_ns() + WORDS_NS;
      live_clock_soon(b);
    }
    buf_finish(&frame);
  }
  if (b->words != WORDS_ASKED) return false;
  const int64_t left_ns = b->words_until_ns - clock_monotonic_ns();
  if (b->opened && left_ns > 0 && b->life.reason != LIFE_WHY_FORCED) {
    live_again(b, left_ns / NS_PER_MS + 1);
    return true;
  }
  b->words = WORDS_LOST;
  if (b->life.reason != LIFE_WHY_FORCED) {
    static const char text[] = "stopped without its last words: on_stop was not heard in time";
    live_log(b, b->instant_ns, LOG_WARN, text, sizeof text - 1);
  }
  return false;
}

void live_words_answered(struct live_bot *b, const struct wire_frame *f) {
  if (b->words == WORDS_ASKED) b->words = WORDS_ANSWERED;
  live_news(b, "answer", json_pack("{s:s, s:b, s:s%}", "to", wire_type_text((int)f->to), "ok", f->status == OK, "detail", f->text, f->text_len));
}

// At the end of an instant. It was in this one: a replay must ask there, too.
void live_words_end(struct live_bot *b) {
  if (b->words == WORDS_ASKED) live_clock_soon(b);  // not in this one: its tenant's time was over
  if (b->words != WORDS_ANSWERED) return;
  struct record r;
  record_init(&r, RECORD_WORDS, b->instant_ns);
  r.why = record_text(why_of(b), strlen(why_of(b)));
  live_record(b, &r, true, false, false);
  b->words = WORDS_SAID;
}

// ---- stopping

static bool is_done(const struct live_bot *b) {
  // What a venue still has is not forgotten by ending the run.
  if (clerk_is_remote(b->clerk) && !clerk_remote_idle(b->clerk) && b->life.reason != LIFE_WHY_FORCED) return false;
  if (b->row.close) return clerk_flat(b->clerk);
  return b->words != WORDS_SAID || b->life.reason == LIFE_WHY_FORCED || clerk_parted(b->clerk);
}

void live_stop_look(struct live_bot *b) {
  // With a host it waits for its words to be in the journal: live_written().
  if (b->life.state == LIFE_STOPPING && b->place == LIVE_HOSTLESS && is_done(b)) live_event(b, LIFE_CLOSED, NULL);
}

void live_stop(struct live_bot *b) {
  if (b->clerk && awaits_words(b)) return;
  live_leave_host(b, "stopped");
  if (!b->clerk && live_waits(b)) return;
  if (!b->clerk) {
    // Books may be open in the journal though nothing runs here: an end needs them.
    struct err err;
    if (live_books_open(b, &err) != OK) {
      live_event(b, LIFE_CLOSED, NULL);
      return;
    }
  }
  if (b->row.close) clerk_flatten(b->clerk, REASON_OWNER, NULL);
  else if (b->words == WORDS_SAID && b->life.reason != LIFE_WHY_FORCED) clerk_part(b->clerk);
  else clerk_cancel_all(b->clerk, REASON_OWNER, true);
  live_commands_flush(b);
  live_hand_over(b->live, b->place);
  if (is_done(b)) live_event(b, LIFE_CLOSED, NULL);
}
