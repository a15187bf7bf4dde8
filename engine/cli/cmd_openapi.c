// cli/cmd_openapi.c – `perigee openapi`: the API's description without a running service, for who generates a client at build time.
#include "cli/commands.h"

#include "api/table.h"
#include "cli/operator.h"

static int run_openapi(const struct cli_args *a) {
  struct api_table *table = NULL;
  struct err err;
  if (api_table_create(&table, &err) != OK) {
    cli_error("%s", err.msg);
    return 1;
  }
  json_t *document = api_openapi(table, PERIGEE_VERSION);
  api_table_destroy(table);
  if (!document) {
    cli_error("out of memory");
    return 1;
  }
  if (cli_has(a, "--json")) return operator_result(a, document);
  const int failed = json_dumpf(document, stdout, JSON_COMPACT) != 0 || fputc('\n', stdout) == EOF;
  json_decref(document);
  if (failed) cli_error("the description could not be written");
  return failed;
}

static const struct cli_option openapi_options[] = {{"--json", "FILE", "into that file, indented; - is standard output"}, {NULL, NULL, NULL}};
const struct cli_command cmd_openapi = {"openapi", "[--json FILE]", "the HTTP API as an OpenAPI 3.1 document", "What the service tells at /api/v1/openapi.json, out of the table that routes and validates.",
                                        openapi_options, run_openapi, "perigee openapi | python3 -m json.tool | less\nperigee serve --demo"};
