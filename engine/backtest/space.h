// backtest/space.h – the parameters that a search may vary, each with the values it may take: exact decimals, never sums of doubles.
//
// An axis is written as on the command line: "fast=5..50:5" (from, to, step), "fast=5,10,20", "side=long,short". Without a step it is
// the header's, else 1 for whole numbers, else a hundredth of the range. Every value is checked against the header's limits.
#pragma once
#include "script/spec.h"

#include <stdint.h>

#define SPACE_AXES_MAX 8
#define SPACE_VALUES_MAX 1000  // of one axis
#define SPACE_LIST_MAX 64      // values written out

struct space_axis {
  int param;              // index in the header's
  size_t count;
  int64_t first, step;    // of a range: digits of 10^-scale
  int scale;
  bool listed;            // else a range
  char list[SPACE_LIST_MAX][SPEC_NAME_MAX];
};
struct space {
  const struct script_spec *spec;  // borrowed
  int axis_count;
  struct space_axis axes[SPACE_AXES_MAX];
  uint64_t size;          // combinations; fits, since more than SPACE_SIZE_MAX are refused
};
#define SPACE_SIZE_MAX UINT64_C(1000000000000000)

// One combination: which value of each axis.
struct point {
  uint16_t at[SPACE_AXES_MAX];
};

void space_init(struct space *s, const struct script_spec *spec);
// Is the text behind "=" of an assignment a range or a list, so that space_add is meant rather than params_set_text?
bool space_is_axis(const struct script_spec *spec, const char *assignment);
// ERR_INVALID, ERR_RANGE: the message names the parameter and what would be right.
enum status space_add(struct space *s, const char *assignment, struct err *err) MUST_CHECK;
// The parameters whose header says opt, from min to max (enums and bools: all values). ERR_INVALID when there are none, or one has no limits.
enum status space_add_declared(struct space *s, struct err *err) MUST_CHECK;

// The value with that number as text, as params_set_text takes it; buf holds SPEC_TEXT_MAX bytes.
char *space_text(const struct space *s, int axis, size_t index, char *buf);
// The point's values over those that are there.
void space_apply(const struct space *s, const struct point *p, struct param_value *values);

// Points have numbers from 0 to size - 1; the last axis turns fastest.
struct point space_point(const struct space *s, uint64_t number);
uint64_t space_number(const struct space *s, const struct point *p);
// Do its values have an order, so that a point has neighbours along it? (Ranges, and lists of numbers.)
bool space_ordered(const struct space *s, int axis);
