// script/script_error.h – makes a script's error readable: escaped, cut, with the source line, a mark and a suggestion.
#pragma once
#include "base/buf.h"

#include <stddef.h>

#define SCRIPT_TEXT_MAX 1024  // bytes of an error or log text after escaping, with its NUL

// Copies text made by a script with control characters, bad UTF-8 and bidirectional overrides escaped ("\x1b", "\u{202e}"),
// newlines and tabs as "\n" and "\t" when one_line; at most cap - 1 bytes, ending in "…" when cut. Returns the length.
size_t script_text_escape(char *dst, size_t cap, const char *text, size_t len, bool one_line);

// Appends to out the message with, when its "file:line:" names chunkname, the source line and a mark under the name the
// message speaks of, and – when it says that a field, method or global is nil – the nearest of names[0..n) and of the
// standard library:
//
//     sma.lua:14: attempt to call a nil value (method 'buyy')
//       14 |   ctx:buyy{ qty = 1 }
//          |       ^^^^ did you mean 'buy'?
void script_error_explain(struct buf *out, const char *message, const char *chunkname, const char *source, size_t len,
                          const char *const *names, size_t n);
// The same for a finished message of any kind: one that names no line of chunkname, or already shows it, is appended as it is.
void script_error_show(struct buf *out, const char *message, const char *chunkname, const char *source, size_t len);

// What an editor underlines: the place that a finished message names, and its words without place, mark and suggestion.
struct script_place {
  int line, column;      // from 1; column in characters. line 0: the message names no line of the source
  int length;            // characters to underline, at least 1
  char message[SCRIPT_TEXT_MAX];
  char hint[200];        // "did you mean 'buy'?"; "" when there is none
};
// Never fails: a message of any kind ends up as words without a place at least.
void script_error_place(const char *message, const char *chunkname, const char *source, size_t len, struct script_place *ret);
