// report_demo OUT.html [DATA.csv] – writes a report to look at in a browser; also OUT.html.json, and the summary to stdout.
#include "backtest/result_out.h"
#include "demo_result.h"
#include "market/csv.h"

#include <stdio.h>
#include <stdlib.h>

static enum status run(const char *out, const char *data, struct err *err) {
  struct series s;
  struct csv_report *rep = calloc(1, sizeof *rep);
  struct csv_options o = {0};
  enum status st = OK;
  if (data) st = csv_load(data, &o, &s, rep, err);
  else if (!demo_series(&s, 3000, NS_PER_DAY)) st = err_set(err, ERR_NOMEM, "demo series");
  free(rep);
  if (st != OK) return st;
  struct result r;
  if (!demo_result(&r, &s, NULL)) st = err_set(err, ERR_NOMEM, "demo result");
  if (st == OK) st = report_html_write(&r, out, err);
  char json[1024];
  snprintf(json, sizeof json, "%s.json", out);
  if (st == OK) st = result_json_write(&r, json, err);
  if (st == OK) summary_print(&r, stdout, summary_wants_colour(stdout));
  result_finish(&r);
  series_finish(&s);
  return st;
}

int main(int argc, char **argv) {
  struct err err = {0};
  if (argc < 2 || run(argv[1], argc > 2 ? argv[2] : NULL, &err) != OK) {
    fprintf(stderr, "report_demo: %s\n", argc < 2 ? "usage: report_demo OUT.html [DATA.csv]" : err.msg);
    return 1;
  }
  return 0;
}
