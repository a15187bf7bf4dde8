#include "api/format.h"

#include "base/decimal.h"

#include <string.h>

static bool digit(char c) { return c >= '0' && c <= '9'; }
static bool alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool alnum(char c) { return digit(c) || alpha(c); }
static bool one_of(char c, const char *set) { return c != '\0' && strchr(set, c) != NULL; }

bool format_utf8(const char *text, size_t len, size_t *ret_points) {
  const unsigned char *p = (const unsigned char *)text, *end = p + len;
  size_t points = 0;
  for (; p < end; points++) {
    if (*p == 0) return false;
    if (*p < 0x80) {
      p++;
      continue;
    }
    int more = *p >= 0xc2 && *p <= 0xdf ? 1 : (*p & 0xf0) == 0xe0 ? 2 : *p >= 0xf0 && *p <= 0xf4 ? 3 : 0;
    if (more == 0 || end - p <= more) return false;
    // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
      return false;
    for (int i = 1; i <= more; i++)
      if ((p[i] & 0xc0) != 0x80) return false;
    p += more + 1;
  }
  *ret_points = points;
  return true;
}

bool format_id(const char *text, size_t len, const char *prefix) {
  const size_t n = strlen(prefix);
  if (len != n + 1 + API_ID_DIGITS || memcmp(text, prefix, n) != 0 || text[n] != '_') return false;
  for (size_t i = n + 1; i < len; i++)
    if (!digit(text[i]) && !(text[i] >= 'A' && text[i] <= 'Z' && !one_of(text[i], "ILOU"))) return false;
  return text[n + 1] <= '7';  // 63 bits: the first of 13 digits carries three
}

// One mailbox as browsers' forms accept it, without quotes or comments: what can be typed, mailed and compared.
static bool check_email(const char *s, size_t n) {
  if (n < 3 || n > 254) return false;
  const char *at = memchr(s, '@', n);
  if (!at || at == s || at - s > 64) return false;
  for (const char *p = s; p < at; p++)
    if (!alnum(*p) && !one_of(*p, ".!#$%&'*+/=?^_`{|}~-")) return false;
  if (s[0] == '.' || at[-1] == '.') return false;
  const char *label = at + 1, *end = s + n;
  int labels = 0;
  while (label < end) {
    const char *dot = memchr(label, '.', (size_t)(end - label));
    const char *stop = dot ? dot : end;
    if (stop == label || stop - label > 63 || *label == '-' || stop[-1] == '-') return false;
    for (const char *p = label; p < stop; p++)
      if (!alnum(*p) && *p != '-') return false;
    labels++;
    if (!dot) break;
    label = dot + 1;
    if (label == end) return false;
  }
  return labels >= 1;
}

// No exponent and no plus sign: one number, one text.
static bool check_decimal(const char *s, size_t n) {
  size_t i = n > 0 && s[0] == '-';
  const size_t whole = i;
  while (i < n && digit(s[i])) i++;
  if (i == whole || i - whole > 18 || (s[whole] == '0' && i - whole > 1)) return false;
  if (i < n) {
    if (s[i++] != '.') return false;
    const size_t fraction = i;
    while (i < n && digit(s[i])) i++;
    if (i == fraction || i - fraction > 18) return false;
  }
  struct decimal d;
  return i == n && decimal_parse(s, n, &d);
}

// http or https, a host, and nothing that a header or a log line could stumble over.
static bool check_uri(const char *s, size_t n) {
  size_t i = n > 8 && memcmp(s, "https://", 8) == 0 ? 8 : n > 7 && memcmp(s, "http://", 7) == 0 ? 7 : 0;
  if (i == 0 || !(alnum(s[i]) || s[i] == '[')) return false;
  for (; i < n; i++)
    if (s[i] <= ' ' || s[i] == 0x7f || one_of(s[i], "\"<>\\^`{|}") || (unsigned char)s[i] >= 0x80) return false;
  return true;
}

static int two(const char *s) { return digit(s[0]) && digit(s[1]) ? (s[0] - '0') * 10 + s[1] - '0' : -1; }
// RFC 3339 in UTC or with an offset.
static bool check_date_time(const char *s, size_t n) {
  if (n < 20 || two(s) < 0 || two(s + 2) < 0 || s[4] != '-' || s[7] != '-' || (s[10] != 'T' && s[10] != 't') || s[13] != ':' || s[16] != ':')
    return false;
  const int month = two(s + 5), day = two(s + 8), hour = two(s + 11), minute = two(s + 14), second = two(s + 17);
  const int year = two(s) * 100 + two(s + 2);
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  if (day < 1 || day > days[month - 1] + (month == 2 && leap)) return false;
  size_t i = 19;
  if (s[i] == '.') {
    const size_t fraction = ++i;
    while (i < n && digit(s[i])) i++;
    if (i == fraction || i - fraction > 9) return false;
  }
  if (i + 1 == n) return s[i] == 'Z' || s[i] == 'z';
  return i + 6 == n && (s[i] == '+' || s[i] == '-') && s[i + 3] == ':' && two(s + i + 1) >= 0 && two(s + i + 1) < 24 &&
         two(s + i + 4) >= 0 && two(s + i + 4) < 60;
}

// What a person names: any text in one line, not blank at its ends.
static bool check_line(const char *s, size_t n) {
  size_t points;
  if (!format_utf8(s, n, &points)) return false;
  for (size_t i = 0; i < n; i++) {
    if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) return false;
    if ((unsigned char)s[i] == 0xc2 && (unsigned char)s[i + 1] < 0xa0) return false;  // C1 controls
    if ((unsigned char)s[i] == 0xe2 && (unsigned char)s[i + 1] == 0x80 &&             // separators, and marks that turn text round
        ((unsigned char)s[i + 2] == 0xa8 || (unsigned char)s[i + 2] == 0xa9 || ((unsigned char)s[i + 2] >= 0xaa && (unsigned char)s[i + 2] <= 0xae)))
      return false;
  }
  return n == 0 || (s[0] != ' ' && s[n - 1] != ' ');
}
static bool check_text(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (((unsigned char)s[i] < 0x20 && !one_of(s[i], "\t\n\r")) || s[i] == 0x7f) return false;
  return true;
}
static bool check_token(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!alnum(s[i]) && !one_of(s[i], "._~-")) return false;
  return n > 0;
}
static bool check_name(const char *s, size_t n) {
  if (n == 0 || n > 64 || !(s[0] >= 'a' && s[0] <= 'z')) return false;
  for (size_t i = 0; i < n; i++)
    if (!(s[i] >= 'a' && s[i] <= 'z') && !digit(s[i]) && !one_of(s[i], "_-.")) return false;
  return true;
}
static bool check_symbol(const char *s, size_t n) {
  if (n == 0 || n > 32 || !alnum(s[0])) return false;
  for (size_t i = 0; i < n; i++)
    if (!alnum(s[i]) && !one_of(s[i], "._:-")) return false;
  return true;
}
static bool check_timeframe(const char *s, size_t n) {
  if (n < 2 || n > 5 || s[0] == '0' || !one_of(s[n - 1], "smhdw")) return false;
  for (size_t i = 0; i + 1 < n; i++)
    if (!digit(s[i])) return false;
  return true;
}
static bool check_sha256(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!digit(s[i]) && !(s[i] >= 'a' && s[i] <= 'f')) return false;
  return n == 64;
}
static bool check_totp(const char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!digit(s[i])) return false;
  return n == 6;
}
// An address or a network in CIDR form; the meaning is checked by whoever uses it.
static bool check_cidr(const char *s, size_t n) {
  if (n < 2 || n > 43) return false;
  const char *slash = memchr(s, '/', n);
  const size_t address = slash ? (size_t)(slash - s) : n;
  int marks = 0;
  for (size_t i = 0; i < address; i++) {
    if (!digit(s[i]) && !(s[i] >= 'a' && s[i] <= 'f') && !(s[i] >= 'A' && s[i] <= 'F') && s[i] != ':' && s[i] != '.') return false;
    marks += s[i] == ':' || s[i] == '.';
  }
  if (marks < 2) return false;
  if (!slash) return true;
  const size_t bits = n - address - 1;
  if (bits < 1 || bits > 3) return false;
  for (size_t i = address + 1; i < n; i++)
    if (!digit(s[i])) return false;
  return true;
}

static const struct format formats[] = {
    {"email", check_email, NULL, "must be a mail address"},
    {"decimal", check_decimal, "^-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?$", "must be a decimal number as text, without exponent"},
    {"date-time", check_date_time, NULL, "must be a time as RFC 3339 writes it"},
    {"uri", check_uri, NULL, "must be an http or https address"},
    {"line", check_line, NULL, "must be one line of text without control characters or blanks at its ends"},
    {"text", check_text, NULL, "must be text without control characters"},
    {"token", check_token, "^[A-Za-z0-9._~-]+$", "may only have letters, digits and . _ ~ -"},
    {"name", check_name, "^[a-z][a-z0-9_.-]{0,63}$", "must be a small letter followed by small letters, digits and _ - ."},
    {"symbol", check_symbol, "^[A-Za-z0-9][A-Za-z0-9._:-]{0,31}$", "must be a symbol: letters, digits and . _ : -"},
    {"timeframe", check_timeframe, "^[1-9][0-9]{0,3}[smhdw]$", "must be a timeframe such as 5m, 1h or 1d"},
    {"sha256", check_sha256, "^[0-9a-f]{64}$", "must be 64 small hexadecimal digits"},
    {"totp", check_totp, "^[0-9]{6}$", "must be six digits"},
    {"cidr", check_cidr, NULL, "must be an IP address or a network such as 192.0.2.0/24"},
};

const struct format *format_find(const char *name) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (strcmp(formats[i].name, name) == 0) return &formats[i];
  return NULL;
}
