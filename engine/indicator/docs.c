// indicator/docs.c – writes lua/indicators.md and lua/meta/indicators.lua from the table, or checks that they are up to
// date. A program of the build, not part of the engine.
#include "indicator/indicator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *param_text(const struct indicator_param *p, char *buf, size_t size) {
  snprintf(
    buf, size, "%s, %.10g … %.10g, default %.10g", p->integer ? "whole" : "number", p->min, p->max, p->default_value);
  return buf;
}

static void print_signature(FILE *out, const struct indicator_desc *d) {
  fprintf(out, "%s", d->name);
  for (int i = 0; i < d->n_params; i++) fprintf(out, "%s%.10g", i ? "," : ":", d->params[i].default_value);
}

// --- the reference for quants

static void print_inputs(FILE *out, const struct indicator_desc *d) {
  static const struct {
    unsigned need;
    const char *name;
  } inputs[] = {{NEED_OPEN, "open"}, {NEED_HIGH, "high"}, {NEED_LOW, "low"}, {NEED_CLOSE, "close"},
    {NEED_VOLUME, "volume"}, {NEED_TIME, "time"}};
  const char *sep = "";
  if (d->needs & NEED_SOURCE) {
    fprintf(out, "`source` (%s)", indicator_source_text(d->default_source));
    sep = ", ";
  }
  for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
    if (d->needs & inputs[i].need) {
      fprintf(out, "%s%s", sep, inputs[i].name);
      sep = ", ";
    }
}

static void print_reference(FILE *out) {
  fputs(
    "# Indicators\n\n"
    "Generated from engine/indicator/table.h; do not edit.\n\n"
    "In a strategy: `ind = { fast = {\"ema\", 10}, m = {\"macd\", 12, 26, 9, source = \"hl2\", on = \"h1\"} }`, then\n"
    "`ctx.ind.fast[0]` and `ctx.ind.m.signal[0]`. On the command line: `ema:10`, `macd:12,26,9`. Parameters left\n"
    "out at the end take their defaults. `source` may be given where it is listed under inputs: ",
    out);
  for (int i = 0; i < SOURCE_COUNT; i++)
    fprintf(out, "%s%s", i ? ", " : "", indicator_source_text((enum indicator_source)i));
  fputs(".\n\nx is the source's value at this bar, x[n] the one n bars ago; bars count from 0. An indicator has no\n"
        "value before its first bar, as listed for the defaults; after it, always a finite one (the pivots only where one\n"
        "is confirmed).\n\n"
        "| indicator | outputs | inputs | first bar |\n|---|---|---|---:|\n",
    out);
  for (size_t i = 0; i < indicator_count(); i++) {
    const struct indicator_desc *d = indicator_at(i);
    double params[INDICATOR_PARAMS_MAX];
    indicator_defaults(d, params);
    fprintf(out, "| [`");
    print_signature(out, d);
    fprintf(out, "`](#%s) | ", d->name);
    for (int k = 0; k < d->n_outputs; k++) fprintf(out, "%s%s", k ? ", " : "", d->outputs[k]);
    fprintf(out, " | ");
    print_inputs(out, d);
    fprintf(out, " | %d |\n", indicator_warmup(d, params));
  }
  for (size_t i = 0; i < indicator_count(); i++) {
    const struct indicator_desc *d = indicator_at(i);
    fprintf(out, "\n## %s\n\n%s\n\n%s\n", d->name, d->about, d->definition);
    char buf[128];
    for (int k = 0; k < d->n_params; k++)
      fprintf(out, "%s- `%s`: %s\n", k ? "" : "\n", d->params[k].name, param_text(&d->params[k], buf, sizeof buf));
  }
}

// --- stubs for the Lua language server

static void print_stubs(FILE *out) {
  fputs(
    "---@meta\n"
    "-- Editor stubs of the indicators. Generated from engine/indicator/table.h; do not edit.\n\n"
    "---Values of an indicator's output: [0] at the bar just closed, [1] at the one before; nil where there is none.\n"
    "---@class perigee.series\n---@field [integer] number?\n\n"
    "---@alias perigee.source ",
    out);
  for (int i = 0; i < SOURCE_COUNT; i++)
    fprintf(out, "%s\"%s\"", i ? "|" : "", indicator_source_text((enum indicator_source)i));
  fputs("\n\n---@class perigee.indicator.options\n---@field on? string the stream, \"main\" if absent\n", out);
  for (size_t i = 0; i < indicator_count(); i++) {
    const struct indicator_desc *d = indicator_at(i);
    char buf[128];
    fprintf(out, "\n---%s %s\n---@class perigee.indicator.%s: perigee.indicator.options\n---@field [1] \"%s\"\n",
      d->about, d->definition, d->name, d->name);
    for (int k = 0; k < d->n_params; k++)
      fprintf(out, "---@field [%d]? %s|string %s: %s\n", k + 2, d->params[k].integer ? "integer" : "number",
        d->params[k].name, param_text(&d->params[k], buf, sizeof buf));
    if (d->needs & NEED_SOURCE)
      fprintf(out, "---@field source? perigee.source %s if absent\n", indicator_source_text(d->default_source));
    if (d->n_outputs == 1) continue;
    fprintf(out, "\n---@class perigee.series.%s\n", d->name);
    for (int k = 0; k < d->n_outputs; k++) fprintf(out, "---@field %s perigee.series\n", d->outputs[k]);
  }
  fputs("\n---What may stand in a strategy's `ind`.\n---@alias perigee.indicator\n", out);
  for (size_t i = 0; i < indicator_count(); i++) fprintf(out, "---| perigee.indicator.%s\n", indicator_at(i)->name);
}

static bool same(FILE *file, const char *text, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (getc(file) != (unsigned char)text[i]) return false;
  return getc(file) == EOF;
}

int main(int argc, char **argv) {
  bool stubs = argc >= 2 && strcmp(argv[1], "stubs") == 0;
  if (argc < 2 || argc > 3 || (!stubs && strcmp(argv[1], "reference") != 0)) {
    fprintf(stderr, "usage: %s reference|stubs [FILE-TO-COMPARE]\n", argv[0]);
    return 2;
  }
  char *text = NULL;
  size_t len = 0;
  FILE *out = open_memstream(&text, &len);
  if (!out) return perror("open_memstream"), 1;
  (stubs ? print_stubs : print_reference)(out);
  if (fclose(out) != 0) return perror("write"), 1;
  int ret = 0;
  if (argc == 2) {
    ret = fwrite(text, 1, len, stdout) == len ? 0 : 1;
  } else {
    FILE *file = fopen(argv[2], "r");
    if (!file || !same(file, text, len)) {
      fprintf(stderr, "%s is not what engine/indicator/table.h says; make it anew: %s %s > %s\n", argv[2], argv[0],
        argv[1], argv[2]);
      ret = 1;
    }
    if (file) fclose(file);
  }
  free(text);
  return ret;
}
