// bot/replay_made.h – private to bot/replay_load.c, replay_records.c and replay_made.c: a run as it is read, and what its script was made of, from
// one change to the next.
#pragma once
#include "bot/live_impl.h"
#include "bot/replay_load.h"
#include "bot/replay_pack.h"

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

// ---- a run as it is read

struct replay_stand {         // from then on the run was made so
  int64_t time_ns;
  struct replay_made *made;
};

struct replay_loaded {
  json_t *head;
  struct replay_code codes[REPLAY_VERSIONS_MAX + 1];  // one more: of a what-if
  int code_count;
  struct replay_market market;
  struct replay_made **made;       // all that there are
  size_t made_count, made_cap;
  struct replay_stand *stands;
  size_t stand_count, stand_cap;
  // as far as the records are read
  struct replay_code *code;
  char *params, *settings, *account;
  uint32_t left_version;           // another than the next start's, whose state that takes over; 0: none
  bool anew;                       // the next start is of a version that nobody ran before
  int64_t run_from_ns, seen_ns, stop_seen_ns, to_ns, end_ns, last_ns;
  struct replay_event *events;     // the last is the end: a start of the script that is not told of any more instants
  struct replay_made **event_made; // of PARAMS: whose values they are; of RESUME: what the script is made of
  size_t event_count, event_cap;
  struct buf bytes;                // states, memories, texts; the events' pointers are offsets until all are read
  struct watchdog *watchdog;
  const struct series *finest[SPEC_STREAMS_MAX];
  char from_text[16];
  char end_hash[SHA256_HEX_SIZE];
};

// replay_records.c
enum status replay_no_memory(struct err *err);
struct replay_code *replay_code_of(struct replay_loaded *r, uint32_t version);  // NULL: it was not gathered
// What is made of these texts, which may be known already.
enum status replay_made_of(struct replay_loaded *r, struct replay_code *code, const char *params, const char *settings, const char *account, struct replay_made **ret,
                           struct err *err) MUST_CHECK;
enum status replay_event_add(struct replay_loaded *r, enum replay_kind kind, int64_t time_ns, struct replay_event **ret, struct err *err) MUST_CHECK;
const void *replay_bytes_found(const struct replay_loaded *r, const void *offset);
enum status replay_record_take(struct replay_loaded *r, const struct replay_section *s, const char *body, struct err *err) MUST_CHECK;
