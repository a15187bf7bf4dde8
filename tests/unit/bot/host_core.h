// tests/unit/bot/host_core.h – a core small enough for tests and benches of hosts: one series, some bots, each with a blotter and a journal
// of the commands that its host sent.
#pragma once
#include "base/buf.h"
#include "bot/blotter.h"
#include "bot/wire.h"

struct core_bot {
  uint64_t id, tenant;
  const char *chunkname, *params;  // params: JSON or NULL
  struct buf source;
  struct blotter *blotter;
  struct bot_command *journal;
  size_t journal_count, journal_cap;
  struct buf state, memory;
  uint32_t resumes;
  struct vm_limits limits;
  uint64_t tenant_memory_bytes;
  int64_t tenant_cpu_ns;
  uint32_t tenant_quick;
  // what it has said
  bool opened, gone, spoke;
  struct wire_opened as_opened;
  enum status fault;      // the last
  int faults, skipped, fault_line, logs, plots, denials, tags, states, answers, commands;
  int answers_at_order;   // as many had come when it last sent an order
  char fault_text[WIRE_TEXT_MAX + 1], log_text[WIRE_TEXT_MAX + 1];
  enum status answer;
  enum wire_type answer_to;
  char hash[SHA256_HEX_SIZE];
};

struct core {
  struct series data;     // all bars; the core has shown `shown` of them
  size_t shown;
  int64_t run_from_ns;    // of all bots
  struct core_bot *bots;
  int bot_count;
  int64_t done_ns, timer_next_ns;  // of the bot that told last
  uint32_t run, failed;
  uint64_t pong;
  struct instant_match match;  // of the instant under way
  bool books;             // keep blotters; a bench of the wire alone need not
};

#define CORE_SERIES 7

void core_must(enum status st, const struct err *err);
// Bars of a random walk, a minute each, from a fixed seed.
void core_init(struct core *c, size_t bars);
void core_finish(struct core *c);
// source: a path below the project's root that ends in ".lua", or the text itself.
struct core_bot *core_bot_add(struct core *c, uint64_t id, const char *source);
// HELLO, the series and what has been shown of it.
void core_put_hello(struct core *c, struct buf *out);
// BOT_OPEN and its past. The first time a new run, later a resumption.
void core_put_open(struct core *c, struct core_bot *b, struct buf *out);
// The next bar: the market's part in all books, and the INSTANT frame.
// Between two instants, as a clerk does: to its books, its journal and its host.
void core_impose(struct core_bot *b, const struct bot_command *cmd, struct buf *out);
void core_put_instant(struct core *c, struct buf *out);
// Frames of the host; returns how many bytes were whole frames. Fails the test when one cannot be.
size_t core_take(struct core *c, const char *bytes, size_t n);
// The marks that hosts leave to the core (bot/wire.h); after DONE.
void core_end(struct core *c);
void core_hash(const struct core_bot *b, char ret_hex[SHA256_HEX_SIZE]);
