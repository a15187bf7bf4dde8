// bot/replay_made.h – private to bot/replay_load.c and replay_made.c: what a run's script was made of, from one change to the next.
#pragma once
#include "bot/live_impl.h"
#include "bot/replay_load.h"

#define REPLAY_VERSIONS_MAX 65

struct replay_code {       // a version of the script
  uint32_t version;
  json_t *header;
  char *source;
  size_t source_len;
  char chunkname[16];
  struct script_spec *spec;  // when it was opened
};

struct replay_made {
  struct replay_code *code;
  char *params, *settings, *account;  // JSON
  struct live_setup setup;
  struct bot_plan plan;
  // of the opened
  struct param_value *values;
  struct match_symbol_config symbols[SPEC_STREAMS_MAX];
  int symbol_of[SPEC_STREAMS_MAX];
  struct pilot_config pilot;
};

struct replay_market {     // what is the same for all of a run
  uint64_t seed;
  char symbol[SYMBOL_MAX];
  int64_t timeframe_ns;
  struct series series[SPEC_STREAMS_MAX];
  const struct series *streams[SPEC_STREAMS_MAX];
  int stream_count;
};

// Copies the texts. ERR_NOMEM.
enum status replay_made_create(struct replay_code *code, const char *params, const char *settings, const char *account, struct replay_made **ret, struct err *err) MUST_CHECK;
void replay_made_destroy(struct replay_made *m);
bool replay_made_is(const struct replay_made *m, const struct replay_code *code, const char *params, const char *settings, const char *account);
// Settings, streams and symbols. first: the run's, with whose data it must do; NULL: it is the first.
enum status replay_made_plan(struct replay_made *m, const struct replay_market *market, const struct replay_made *first, struct err *err) MUST_CHECK;
// In the jail: the header, the parameters, the pilot's configuration.
enum status replay_made_open(struct replay_made *m, const struct replay_market *market, struct watchdog *watchdog, struct err *err) MUST_CHECK;
