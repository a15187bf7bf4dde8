// cli/cli.h – commands as data: one table of commands and their options parses, checks, documents and completes.
//
// A handler gets what was parsed and returns the exit code: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted.
#pragma once
#include "base/decimal.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define CLI_OPTIONS_MAX 256
#define CLI_POSITIONALS_MAX 256

struct cli_option {
  const char *name;   // "--cash"
  const char *arg;    // what its value is called; NULL: it takes none
  const char *about;
};

struct cli_given {
  const struct cli_option *option;
  const char *value;
};

struct cli_args {
  const struct cli_command *command;
  const char *positional[CLI_POSITIONALS_MAX];
  int positional_count;
  struct cli_given given[CLI_OPTIONS_MAX];
  int given_count;
};

struct cli_command {
  const char *name;
  const char *synopsis;              // after "perigee NAME "
  const char *about;                 // one line
  const char *text;                  // paragraphs for --help; may be NULL
  const struct cli_option *options;  // ends with name NULL
  int (*run)(const struct cli_args *args);
  const char *next;  // what one does after it, a command a line; a test wants one of each
};

// Ends with name NULL.
extern const struct cli_command *const cli_commands[];

int cli_main(int argc, char **argv);

// ---- for handlers
// The last value given for an option, or absent; asserts that the command has that option.
const char *cli_value(const struct cli_args *a, const char *name, const char *absent);
bool cli_has(const struct cli_args *a, const char *name);
// Parses an option's value when given. False after printing an error: return 2.
bool cli_scaled(const struct cli_args *a, const char *name, int scale, int64_t min, int64_t max, int64_t *ret);  // exact decimal × 10^scale
bool cli_integer(const struct cli_args *a, const char *name, int64_t min, int64_t max, int64_t *ret);
bool cli_decimal(const struct cli_args *a, const char *name, struct decimal *ret);  // above 0
bool cli_time(const struct cli_args *a, const char *name, int64_t *ret_ns);         // ISO 8601 or Unix time
// "perigee: message" with the message's line breaks kept.
void cli_error(const char *fmt, ...) PRINTF(1, 2);
void cli_warn(const char *fmt, ...) PRINTF(1, 2);
// Wrong usage: message plus where to read on; returns 2.
int cli_usage(const struct cli_args *a, const char *fmt, ...) PRINTF(2, 3);

// A script's error with the source line and a mark below the name it speaks of, where the message has none yet.
void cli_script_error(const char *message, const char *path, const char *source, size_t len);

// A progress bar on a terminal, nothing elsewhere.
struct cli_progress {
  const char *what;
  bool on;
  int shown;
};
void cli_progress_init(struct cli_progress *p, const char *what);
void cli_progress_show(struct cli_progress *p, size_t done, size_t total);
void cli_progress_clear(struct cli_progress *p);

// The whole script; false after printing an error.
struct buf;
bool cli_script_read(const char *path, struct buf *ret);
