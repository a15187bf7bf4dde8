// cli/cmd_serve.c – `perigee serve`: the service.
#include "cli/commands.h"

#include "cli/service.h"
#include "cli/settings.h"

#include <stdlib.h>

static int run_serve(const struct cli_args *a) {
  if (a->positional_count) return cli_usage(a, "serve takes options only");
  struct settings *settings = malloc(sizeof *settings);
  struct service *service = NULL;
  struct err err;
  if (!settings) {
    cli_error("out of memory");
    return 1;
  }
  enum status st = settings_read(a, settings, &err);
  if (st == ERR_USAGE) {
    free(settings);
    return cli_usage(a, "%s", err.msg);
  }
  if (st == OK) st = service_open(settings, &service, &err);
  if (st == OK) st = service_run(service, &err);
  service_close(service);
  free(settings);
  if (st != OK) cli_error("%s", err.msg);
  return st == OK ? 0 : 1;
}

const struct cli_command cmd_serve = {
    "serve", "[options]", "run the service: customers, strategies, backtests over HTTP",
    "Needs no configuration: data, keys and the first operator's password (printed once) are made at the first start. Stops on SIGTERM after\n"
    "finishing what is under way; SIGHUP reads the certificate again. Logs are JSON lines on standard error.\n"
    "Each option may also stand in the configuration file (name = value) or the environment (PERIGEE_NAME).",
    settings_options, run_serve};
