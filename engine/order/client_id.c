// order/client_id.c – fixed fields in base32, so that the ids of a bot sort as they were made.
#include "order/client_id.h"

#include <assert.h>
#include <string.h>

#include "crypto/sha256.h"

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { BOT_AT = 1, BOT_DIGITS = 13, VERSION_AT = 14, VERSION_DIGITS = 5, INTENT_AT = 19, INTENT_DIGITS = 9, CHECK_AT = 28 };
_Static_assert(CHECK_AT + 1 == CLIENT_ID_LEN && CLIENT_ID_LEN < CLIENT_ID_SIZE, "fields fill the id");

static void put(char *at, int count, uint64_t value) {
  for (int i = count - 1; i >= 0; i--, value >>= 5) at[i] = digits[value & 31];
  assert(value == 0);
}

// False for a character that is no digit of ours, or more than 64 bits.
static bool take(const char *at, int count, uint64_t *ret) {
  uint64_t value = 0;
  for (int i = 0; i < count; i++) {
    const char *d = at[i] ? strchr(digits, at[i]) : NULL;
    if (!d || value >> 59) return false;
    value = value << 5 | (uint64_t)(d - digits);
  }
  *ret = value;
  return true;
}

// 31 is prime and above every weight, so a wrong character or two neighbours swapped change the sum (save 0 for Z, which are
// equal modulo 31): for ids typed or cut off by hand, not against forgers.
static char check_digit(const char *text) {
  unsigned sum = 0;
  for (int i = 1; i < CHECK_AT; i++) sum += (unsigned)i * (unsigned)(strchr(digits, text[i]) - digits);
  return digits[sum % 31];
}

void client_id_format(const struct client_id *id, char ret_text[CLIENT_ID_SIZE]) {
  assert(id->version <= CLIENT_ID_VERSION_MAX && id->intent <= CLIENT_ID_INTENT_MAX);
  ret_text[0] = 'P';
  put(ret_text + BOT_AT, BOT_DIGITS, id->bot);
  put(ret_text + VERSION_AT, VERSION_DIGITS, id->version);
  put(ret_text + INTENT_AT, INTENT_DIGITS, id->intent);
  ret_text[CHECK_AT] = check_digit(ret_text);
  ret_text[CLIENT_ID_LEN] = 0;
}

void client_id_format_short(const struct client_id *id, char ret_text[CLIENT_ID_SIZE]) {
  char full[CLIENT_ID_SIZE];
  uint8_t hash[SHA256_BYTES];
  struct sha256_ctx ctx;
  client_id_format(id, full);
  sha256_init(&ctx);
  sha256_update(&ctx, full, CLIENT_ID_LEN);
  sha256_finish(&ctx, hash);
  ret_text[0] = 'S';
  unsigned bits = 0, held = 0;
  size_t next = 0;
  for (int i = 1; i < CLIENT_ID_SHORT_LEN; i++) {
    if (held < 5) bits = bits << 8 | hash[next++], held += 8;
    held -= 5;
    ret_text[i] = digits[bits >> held & 31];
  }
  ret_text[CLIENT_ID_SHORT_LEN] = 0;
}

bool client_id_parse(const char *text, size_t len, struct client_id *ret) {
  struct client_id id;
  uint64_t version;
  char again[CLIENT_ID_SIZE];
  if (len != CLIENT_ID_LEN || text[0] != 'P') return false;
  if (!take(text + BOT_AT, BOT_DIGITS, &id.bot) || !take(text + VERSION_AT, VERSION_DIGITS, &version) ||
      !take(text + INTENT_AT, INTENT_DIGITS, &id.intent))
    return false;
  id.version = (uint32_t)version;
  client_id_format(&id, again);
  if (memcmp(text, again, CLIENT_ID_LEN) != 0) return false;
  *ret = id;
  return true;
}
