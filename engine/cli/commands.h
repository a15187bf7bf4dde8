// cli/commands.h – private to cli/: one object per command, each in its own file.
#pragma once
#include "cli/cli.h"

extern const struct cli_command cmd_backtest, cmd_optimize, cmd_montecarlo, cmd_indicators, cmd_check, cmd_dialect, cmd_cards, cmd_script, cmd_edition, cmd_user, cmd_account, cmd_rules, cmd_news, cmd_hook, cmd_notices, cmd_keys, cmd_serve, cmd_exchange, cmd_host, cmd_import, cmd_fetch, cmd_record, cmd_export, cmd_backup, cmd_restore, cmd_doctor, cmd_openapi, cmd_halt, cmd_resume, cmd_replay, cmd_version, cmd_help, cmd_completion;

// `perigee keys abandon`; the exit code.
int cmd_keys_abandon(const struct cli_args *args, const char *data_dir, const char *keys_dir);
// `perigee check --verdict`; the exit code.
struct buf;
int cmd_check_verdict(const struct cli_args *a, const char *path, const struct buf *source);
