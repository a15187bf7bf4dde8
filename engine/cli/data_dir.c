#include "cli/data_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool data_dir_default(char *ret, size_t size) {
  const char *base = getenv("PERIGEE_DATA_DIR"), *tail = "";
  if (!base || !*base) base = getenv("XDG_DATA_HOME"), tail = "/perigee";
  if (!base || !*base) base = getenv("HOME"), tail = "/.local/share/perigee";
  return base && *base && (size_t)snprintf(ret, size, "%s%s", base, tail) < size;
}

bool cli_data_dir(const struct cli_args *a, char ret[CLI_DATA_DIR_MAX]) {
  const char *given = cli_value(a, "--data-dir", NULL);
  if (given ? *given && strlen(given) < CLI_DATA_DIR_MAX : data_dir_default(ret, CLI_DATA_DIR_MAX)) {
    if (given) memcpy(ret, given, strlen(given) + 1);
    return true;
  }
  cli_error("no data directory, or its name is too long: give --data-dir DIR or set PERIGEE_DATA_DIR");
  return false;
}
