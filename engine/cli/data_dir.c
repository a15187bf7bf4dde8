#include "cli/data_dir.h"

#include <stdio.h>
#include <stdlib.h>

bool cli_data_dir(const struct cli_args *a, char ret[CLI_DATA_DIR_MAX]) {
  const char *given = cli_value(a, "--data-dir", NULL), *base = getenv("XDG_DATA_HOME"), *tail = "/perigee";
  if (!given) given = getenv("PERIGEE_DATA_DIR");
  if (given && *given) {
    base = given;
    tail = "";
  } else if (!base || !*base) {
    base = getenv("HOME");
    tail = "/.local/share/perigee";
  }
  if (!base || !*base) return cli_error("no data directory: give --data-dir DIR or set PERIGEE_DATA_DIR"), false;
  if (snprintf(ret, CLI_DATA_DIR_MAX, "%s%s", base, tail) >= CLI_DATA_DIR_MAX) return cli_error("the data directory's name is too long"), false;
  return true;
}
