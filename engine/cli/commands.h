// cli/commands.h – private to cli/: one object per command, each in its own file.
#pragma once
#include "cli/cli.h"

extern const struct cli_command cmd_backtest, cmd_indicators, cmd_check, cmd_version, cmd_help, cmd_completion;
