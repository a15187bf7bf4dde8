// venue/unified.h – what dialects say, as the structs of venue.h: bounded texts, exact decimals, closed lists of words. A dialect's
// answers were checked for their shape before (script/dialect_check.c); here they meet our bounds. What does not fit is an error with
// the field's name, never cut, rounded or guessed: a cut id is somebody else's order.
#pragma once
#include "base/json.h"
#include "venue/venue.h"

// ERR_INVALID, ERR_RANGE with the field. What is absent: "", NO_DECIMAL, 0, false. Times: ms there, ns here.
enum status unified_order(const json_t *v, struct venue_order *ret, struct err *err) MUST_CHECK;
enum status unified_fill(const json_t *v, struct venue_fill *ret, struct err *err) MUST_CHECK;
enum status unified_position(const json_t *v, struct venue_position *ret, struct err *err) MUST_CHECK;
enum status unified_balance(const json_t *v, struct venue_balance *ret, struct err *err) MUST_CHECK;
enum status unified_instrument(const json_t *v, struct venue_instrument *ret, struct err *err) MUST_CHECK;
enum status unified_kline(const json_t *v, struct venue_kline *ret, struct err *err) MUST_CHECK;
enum status unified_trade(const json_t *v, struct venue_trade *ret, struct err *err) MUST_CHECK;
enum status unified_key(const json_t *v, struct venue_key *ret, struct err *err) MUST_CHECK;

// Copies the text at key; absent: "". ERR_RANGE: longer than the field.
enum status unified_text(const json_t *v, const char *key, char *ret, size_t size, struct err *err) MUST_CHECK;

// The arguments of an operation (script/dialect.h). New references; NULL: no memory.
json_t *unified_args_place(const struct venue_place *p);
json_t *unified_args_ref(const struct venue_ref *ref);
json_t *unified_args_change(const struct venue_ref *ref, const struct venue_change *c);
// Sets args[key] to the decimal's text; NO_DECIMAL sets nothing. False: no memory.
bool unified_set_decimal(json_t *args, const char *key, struct decimal d);
