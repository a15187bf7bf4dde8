// notice/retry.c – see retry.h.
#include "notice/retry.h"

#include "market/tz.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_S INT64_C(1000000000)
#define DAY_S 86400

const char *notice_outcome_text(enum notice_outcome o) {
  static const char *const texts[] = {"sent", "later", "never", "ours", "never"};
  return texts[o];
}

// What a status means to a kind; LATER where no row says anything.
static const struct { int kind, status; enum notice_outcome outcome; } verdicts[] = {
  {NOTICE_TELEGRAM, 400, NOTICE_NEVER},  // no such chat, mostly
  {NOTICE_TELEGRAM, 401, NOTICE_OURS},   // the bot's token
  {NOTICE_TELEGRAM, 403, NOTICE_GONE},   // the bot was blocked, or put out of the group
  {NOTICE_TELEGRAM, 404, NOTICE_OURS},
  {NOTICE_DISCORD, 400, NOTICE_NEVER},
  {NOTICE_DISCORD, 401, NOTICE_GONE},
  {NOTICE_DISCORD, 403, NOTICE_GONE},
  {NOTICE_DISCORD, 404, NOTICE_GONE},
  {NOTICE_SLACK, 400, NOTICE_NEVER},
  {NOTICE_SLACK, 403, NOTICE_GONE},
  {NOTICE_SLACK, 404, NOTICE_GONE},
  {NOTICE_SMS, 400, NOTICE_NEVER},
  {NOTICE_SMS, 422, NOTICE_NEVER},
  {NOTICE_SMS, 401, NOTICE_OURS},
  {NOTICE_SMS, 402, NOTICE_OURS},
  {NOTICE_SMS, 403, NOTICE_OURS},
  {NOTICE_SMS, 404, NOTICE_OURS},
};

enum notice_outcome notice_judge(enum notice_kind kind, int status, bool ok) {
  if (status >= 200 && status < 300) return ok ? NOTICE_SENT : NOTICE_LATER;
  if (status == 410 && kind != NOTICE_SMS) return NOTICE_GONE;
  for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
    if (verdicts[i].kind == (int)kind && verdicts[i].status == status) return verdicts[i].outcome;
  return NOTICE_LATER;  // 429, 5xx, a redirect, and whatever a webhook answers
}

const char *notice_status_words(enum notice_kind kind, int status) {
  if (status >= 200 && status < 300) return "taken";
  if (status >= 300 && status < 400) return "a redirect, which is not followed";
  if (status == 429) return "too many at once";
  if (status == 410) return "gone for good";
  if (kind == NOTICE_TELEGRAM && status == 403) return "the bot was blocked, or is not in the chat";
  if (kind == NOTICE_TELEGRAM && status == 400) return "the bot knows no such chat, or the text was not taken";
  if ((kind == NOTICE_DISCORD || kind == NOTICE_SLACK) && (status == 403 || status == 404)) return "the address was withdrawn";
  if (status >= 500) return "the other side failed";
  return "refused";
}

static uint64_t mix(uint64_t z) {
  z += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

int64_t notice_retry_ns(int attempts, int64_t began_ns, int64_t now_ns, int64_t retry_after_s, uint64_t salt, int64_t percent) {
  static const int32_t delays_s[] = {5, 30, 120, 600, 1800, 3600, 7200, 14400};
  const int count = sizeof delays_s / sizeof *delays_s;
  const int at = attempts < 1 ? 0 : attempts > count ? count - 1 : attempts - 1;
  const int64_t end_ns = began_ns + NOTICE_TRIES_NS / 100 * percent;
  if (now_ns >= end_ns) return 0;
  const int64_t base_ns = delays_s[at] * NS_PER_S / 100 * percent;
  int64_t next_ns = now_ns + base_ns + (int64_t)(mix(salt + (uint64_t)attempts) % (uint64_t)(base_ns / 10 + 1));
  if (retry_after_s >= 0 && next_ns < now_ns + retry_after_s * NS_PER_S) next_ns = now_ns + retry_after_s * NS_PER_S;
  return next_ns < end_ns ? next_ns : end_ns;
}

// "Wed, 21 Oct 2026 07:28:00 GMT"; −1: none.
static int64_t date_s(const char *text) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  int day, year, hour, minute, second, end = 0;
  char month[4];
  if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, month, &year, &hour, &minute, &second, &end) != 6 || end == 0 || text[end]) return -1;
  const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
  const bool ok = at && (at - months) % 3 == 0 && year >= 1970 && day >= 1 && day <= 31 && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60;
  return ok ? date_to_days(year, (int)(at - months) / 3 + 1, day) * DAY_S + hour * 3600 + minute * 60 + second : -1;
}

int64_t notice_retry_after_s(const char *text, int64_t now_s) {
  int64_t n = 0;
  if (!text) return -1;
  if (*text < '0' || *text > '9') {
    const int64_t at_s = date_s(text);
    return at_s < 0 ? -1 : at_s <= now_s ? 0 : at_s - now_s < DAY_S ? at_s - now_s : DAY_S;
  }
  for (; *text >= '0' && *text <= '9'; text++) {
    n = n * 10 + (*text - '0');
    if (n > DAY_S) return DAY_S;
  }
  // Discord says "1.337": rounded up.
  if (*text == '.') return n + 1;
  return *text ? -1 : n;
}
