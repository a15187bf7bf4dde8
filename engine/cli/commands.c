// cli/commands.c – the list of commands.
#include "cli/commands.h"

const struct cli_command *const cli_commands[] = {&cmd_backtest, &cmd_optimize, &cmd_montecarlo, &cmd_indicators, &cmd_check,   &cmd_dialect, &cmd_cards, &cmd_serve, &cmd_halt, &cmd_resume, &cmd_replay, &cmd_script, &cmd_edition, &cmd_user, &cmd_account, &cmd_rules, &cmd_news, &cmd_hook, &cmd_notices, &cmd_keys, &cmd_import, &cmd_fetch, &cmd_record, &cmd_export,
                                                  &cmd_exchange, &cmd_host,     &cmd_backup, &cmd_restore, &cmd_doctor, &cmd_openapi, &cmd_version,    &cmd_help,    &cmd_completion, NULL};
