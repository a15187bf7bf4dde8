// order/client_id.h – the name an order has at its venue, derived from the decision that asked for it.
//
// (bot, script version, intent number) ↔ text, one to one: the same decision gives the same name after a crash, a restart or
// on another machine, so the venue itself refuses it the second time; two decisions never share one. Letters and digits
// only, at most 31 characters: what every venue accepts (TradeLocker takes 31 characters, OKX 32 letters and digits, Bybit
// and Binance 36, Phemex 40, Luno 255).
//
//     P BBBBBBBBBBBBB VVVVV IIIIIIIII C      29 characters, Crockford base32 (0-9 A-Z without I L O U)
//     │ bot, 64 bits  │     │         check: sum of the digits weighted with their places, modulo 31
//     │               │     intent, 45 bits: 35 million million per bot
//     │               version, 25 bits: 33 million
//     engine's own
//
// The short form, for a venue that takes only 18 characters, is the letter S and the first 85 bits of a SHA-256 over the
// long form: as good a name, but the journal has to say whose it is.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_ID_LEN 29
#define CLIENT_ID_SHORT_LEN 18
#define CLIENT_ID_SIZE 32  // of a buffer for either, NUL included
#define CLIENT_ID_VERSION_MAX ((UINT32_C(1) << 25) - 1)
#define CLIENT_ID_INTENT_MAX ((UINT64_C(1) << 45) - 1)

struct client_id {
  uint64_t bot;      // id of the bot's row
  uint32_t version;  // of its script, 0 … CLIENT_ID_VERSION_MAX
  uint64_t intent;   // counted per bot over all versions, 0 … CLIENT_ID_INTENT_MAX
};

// Asserts that version and intent are in range.
void client_id_format(const struct client_id *id, char ret_text[CLIENT_ID_SIZE]);
void client_id_format_short(const struct client_id *id, char ret_text[CLIENT_ID_SIZE]);
// False unless text is exactly what client_id_format writes: an order of somebody else, or typed by hand.
bool client_id_parse(const char *text, size_t len, struct client_id *ret);
