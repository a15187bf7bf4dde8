// signal/message.h – what a sender posted to a hook, read as a signal: JSON of any shape by a mapping, or a line of text. Pure.
//
// A signal is an object with the fields that a strategy's on_signal sees: texts id source key symbol action raw, numbers size price sl
// tp, and ts, ms since 1970. Absent fields are absent. raw is the whole message, so that a script can read what no field has.
#pragma once
#include "base/json.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_MAX 16000        // bytes of a message; longer ones are refused
#define MESSAGE_MAPPING_MAX 16   // fields of a mapping
#define MESSAGE_DEDUPE_SIZE 65

// Whether a mapping can be used: {"symbol": "data.ticker", "action": "orders.0.side", "source": "=desk 3", …}; the path of a value in the message, or a constant
// behind '='. ERR_INVALID names the field and what is wrong.
enum status message_mapping_check(const json_t *mapping, struct err *err) MUST_CHECK;

// Reads body (len bytes, UTF-8). mapping NULL: the usual names of each field are tried (message_usual). now_ms: when it came.
// A text is "buy BTCUSDT 0.5 @ 43000 sl=42000", or TradingView's own of a strategy's order ("…: order buy @ 0.5 filled on BTCUSDT. …"); its other words are prose.
// ERR_INVALID: no UTF-8, JSON that is broken or a list without mapping, or a field that is there and is not what it must be ("size: 'lots' is no number"):
// told to the sender.
// ERR_LIMIT: too long. *ret is a new reference; numbers are JSON reals.
enum status message_read(const char *body, size_t len, const json_t *mapping, json_t **ret, struct err *err) MUST_CHECK;

// The names under which a field is looked for without a mapping, separated by blanks ("symbol ticker pair …"); NULL: no such field.
const char *message_usual(const char *field);

// Whether text can be the path of a value ("data.pair"): 1 to 200 bytes, no empty step.
bool message_is_path(const char *text);

// Takes a JSON object's text at path out of a message that is one, by names only. *ret_value: what stood there, a new reference, NULL: no text, no such path or no JSON.
// *ret_body (heap, NUL-terminated): the message without it, otherwise as it was, to the last digit; NULL as *ret_value. ERR_NOMEM.
enum status message_cut(const char *body, size_t len, const char *path, json_t **ret_value, char **ret_body, struct err *err) MUST_CHECK;

// What two deliveries of one signal have in common, as hex digits: the sender's id, or else key, symbol, action and bar time together.
// "" when the message has neither: then every delivery is a signal of its own.
void message_dedupe(const json_t *signal, char ret[MESSAGE_DEDUPE_SIZE]);
