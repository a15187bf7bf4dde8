// cli/cmd_serve.c – `perigee serve`: the service.
#include "cli/commands.h"

#include "base/json.h"
#include "base/memory.h"
#include "cli/demo.h"
#include "cli/operator.h"
#include "cli/service.h"
#include "cli/settings.h"
#include "crypto/secret.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATOR_EMAIL "operator@perigee.local"
#define DEMO_EMAIL "demo@perigee.local"

// Makes an account and prints its password, unless the address has one. *ret_made (may be NULL) is whether it was made now: then
// ret_password is its password, ret_id its user's id.
static enum status account(struct service *service, const char *email, const char *role, bool *ret_made, char ret_password[OPERATOR_PASSWORD_SIZE], char ret_id[32], struct err *err) {
  char password[OPERATOR_PASSWORD_SIZE], body[256], *answer = NULL;
  int status = 0;
  operator_password(password);
  snprintf(body, sizeof body, "{\"email\":\"%s\",\"password\":\"%s\",\"role\":\"%s\"}", email, password, role);
  enum status st = service_call(service, "POST", "/api/v1/admin/users", body, &status, &answer, err);
  if (st == OK && status == 201) fprintf(stderr, "perigee: %s: %s, password %s (shown this once)\n", role, email, password);
  if (st == OK && status != 201 && status != 409) st = err_set(err, ERR_IO, "the account %s could not be made: %s", email, answer);
  if (st == OK && ret_made) {
    json_t *made = status == 201 ? json_loads(answer, 0, NULL) : NULL;
    const char *id = json_string_value(json_object_get(made, "id"));
    *ret_made = id != NULL;
    snprintf(ret_id, 32, "%s", id ? id : "");
    memcpy(ret_password, password, sizeof password);
    json_decref(made);
  }
  secret_wipe(password, sizeof password);
  secret_wipe(body, sizeof body);
  free(answer);
  return st;
}

// Somebody must be able to come in: the first start makes an operator.
static enum status first_accounts(struct service *service, bool demo, struct err *err) {
  char *answer = NULL, password[OPERATOR_PASSWORD_SIZE], id[32];
  int status = 0;
  bool made = false;
  enum status st = service_call(service, "GET", "/api/v1/admin/users?limit=1", NULL, &status, &answer, err);
  if (st == OK && status == 200 && strstr(answer, "\"items\":[]")) st = account(service, OPERATOR_EMAIL, "super_admin", NULL, NULL, NULL, err);
  free(answer);
  if (st == OK && demo) st = account(service, DEMO_EMAIL, "user", &made, password, id, err);
  if (st == OK && made) st = demo_make(service, DEMO_EMAIL, password, id, err);
  if (made) secret_wipe(password, sizeof password);
  return st;
}

// A command line is for everybody to read.
static void warn_of_password(const struct cli_args *a) {
  const char *mail = cli_value(a, "--mail", ""), *scheme = strstr(mail, "://"), *at = strrchr(mail, '@');
  if (scheme && at && memchr(scheme + 3, ':', (size_t)(at - scheme - 3)))
    fprintf(stderr, "perigee: other users of this machine can see the password in --mail; --mail-password-file FILE hides it\n");
}

static enum status read_again(void *arg, struct settings *ret, struct err *err) { return settings_read(arg, ret, err); }

static int run_serve(const struct cli_args *a) {
  if (a->positional_count) return cli_usage(a, "serve takes options only");
  struct settings *settings = malloc(sizeof *settings);
  struct service *service = NULL;
  struct err err;
  if (!settings) {
    cli_error("out of memory");
    return 1;
  }
  memory_large_apart();
  enum status st = settings_read(a, settings, &err);
  if (st == ERR_USAGE) {
    free(settings);
    return cli_usage(a, "%s", err.msg);
  }
  if (st == OK) settings_warn_of_environment();
  if (st == OK) warn_of_password(a);
  if (st == OK) st = service_open(settings, &service, &err);
  if (st == OK) st = service_live(service, &err);
  if (st == OK) st = first_accounts(service, settings->demo, &err);
  if (st == OK) service_reread(service, (struct service_settings){read_again, (void *)(uintptr_t)a});
  if (st == OK) st = service_run(service, &err);
  service_close(service);
  free(settings);
  if (st != OK) cli_error("%s", err.msg);
  return st == OK ? 0 : 1;
}

const struct cli_command cmd_serve = {
    "serve", "[options]", "run the service: customers, strategies, backtests over HTTP",
    "Needs no configuration: data, keys and the first operator's password (printed once) are made at the first start. Stops on SIGTERM after\n"
    "finishing what is under way. SIGHUP reads the file of settings, keys and certificate again; the log tells what needs a restart.\n"
    "Logs are JSON lines on standard error.\n"
    "Each option may also stand in the configuration file (name = value) or the environment (PERIGEE_NAME).",
    settings_options, run_serve,
    "curl -s localhost:8080/api/v1/openapi.json    every route; examples/quickstart uses them with curl\n"
    "perigee user list                             operators' commands talk to the running service\n"
    "perigee edition load examples/dca             prices, strategies and presets of a product\n"
    "perigee backup DIR                            while it runs"};
