// cli/data_dir.h – where the data directory is, the same for every command: --data-dir, else $PERIGEE_DATA_DIR, else
// $XDG_DATA_HOME/perigee, else ~/.local/share/perigee.
#pragma once
#include "cli/cli.h"

#define CLI_DATA_DIR_OPTION {"--data-dir", "DIR", "else $PERIGEE_DATA_DIR, $XDG_DATA_HOME/perigee, ~/.local/share/perigee"}
#define CLI_DATA_DIR_MAX 4096
// False after printing an error (no home directory, too long a name). The directory need not exist.
bool cli_data_dir(const struct cli_args *a, char ret[CLI_DATA_DIR_MAX]);
// The same without the option and without a word; false: there is none, or its name is longer than size.
bool data_dir_default(char *ret, size_t size);
