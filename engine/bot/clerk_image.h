// bot/clerk_image.h – a clerk after its script's turn as bytes: what a restart begins with instead of walking through all of a run.
//
// The journal stays the truth: an image is what a clerk has come to by its records up to one of them, and a clerk that is read and shown
// the records since then is the one that was shown all (bot/live_image.c keeps them). It is of this program: another
// format, other terms of the account, a byte that is not what it was, and it is not used at all.
//
//     format · SHA-256 of the rest · terms · time · length of the books · books: orders, account, event hash, and what the checks beside the
//     script remember (a host gets this part: pilot_past_books) · what the core alone knows
#pragma once
#include "bot/clerk.h"
#include "bot/wire.h"

#define CLERK_IMAGE_MAX WIRE_BOOKS_BYTES  // a bot that has more has none

// Of a live clerk, when the commands so far are in the journal, or go there with the image. Best before clerk_end(): what that imposes, and what is
// imposed later, comes behind the image, so the script hears of it after a restart too. False: not now, something is under way; or it is too
// large. Nothing was added then.
bool clerk_image_make(struct clerk *c, struct buf *out) MUST_CHECK;
// Whole, and of this program's format?
bool clerk_image_sound(const void *bytes, size_t len) MUST_CHECK;
int64_t clerk_image_time(const void *bytes, size_t len);  // the instant; of a sound one
// The books in it, for pilot_past_books(); borrowed.
const void *clerk_image_books(const void *bytes, size_t len, size_t *ret_len);
// A sound one: of a clerk with the same terms?
bool clerk_image_fits(const struct clerk *c, const void *bytes, size_t len) MUST_CHECK;
// One that is sound and fits into a clerk for which clerk_restore_begin() was called: then the instants and commands after it. ERR_INVALID,
// ERR_RANGE: it cannot be; the clerk is only good for clerk_destroy() then.
enum status clerk_image_load(struct clerk *c, const void *bytes, size_t len, struct err *err) MUST_CHECK;
