// exchange/exchange.h – `perigee exchange`: a simulated derivatives exchange in its own process, with the API of Bybit v5 (linear, and spot), for
// testing bots against what goes wrong, and as the oracle of our own crash tests.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define EXCHANGE_LIST_MAX 64

struct exchange_options {
  const char *listen;        // "127.0.0.1:9500"
  const char *feed;          // "sim", "none", "replay:FILE[,FILE…]"
  const char *data_dir;      // NULL: nothing is kept
  const char *tls_cert, *tls_key;  // PEM files; NULL: plain HTTP
  const char *admin_token;   // NULL: /admin only from this machine
  const char *keys[EXCHANGE_LIST_MAX];    // KEY:SECRET[:rights]
  int key_count;
  const char *faults[EXCHANGE_LIST_MAX];  // specs, see fault.h
  int fault_count;
  const char *symbols[EXCHANGE_LIST_MAX];
  int symbol_count;
  uint64_t seed;
  int64_t deposit_e8;        // of each account
  int64_t depth_e8;          // value of a level of the market maker's book
  int64_t speed_e3;          // of the price source
  int64_t start_ms;          // of a virtual clock
  int64_t history_days;      // candles before the start
  bool spot;                 // the spot markets of the symbols too
  bool virtual_clock;        // time stands still until POST /admin/clock
  bool running_clock;        // with it: time does not stand still between
  bool limits;               // rate limits
  // Called once it listens, before the first request; NULL if not needed.
  void (*ready)(void *arg, uint16_t port, const char *first_key, const char *first_secret);
  void *ready_arg;
};

// Serves until SIGTERM or SIGINT. ERR_INVALID: an option that cannot be; ERR_IO: address or data directory.
enum status exchange_run(const struct exchange_options *options, struct err *err) MUST_CHECK;
