// net/http_head.c – see http_head.h.
#include "net/http_head.h"

#include <llhttp.h>
#include <string.h>
#include <strings.h>

static bool refuse(struct http_refusal *r, int status, const char *detail) {
  *r = (struct http_refusal){status, detail};
  return false;
}

// ---- lines ----

// A line without its CR LF.
static bool line_ok(struct http_head *h, const char *line, size_t len, struct http_refusal *r) {
  if (memchr(line, '\r', len)) return refuse(r, 400, "a CR without LF");
  if (h->lines == 0 || len == 0) return true;
  if (line[0] == ' ' || line[0] == '\t') return refuse(r, 400, "a folded field or one that begins with white space");
  if (line[0] == ':') return refuse(r, 400, "a field without a name");
  if (h->lines > HTTP_FIELDS_MAX) return refuse(r, 431, "too many fields");
  return true;
}

static bool partial_ok(const char *line, size_t len, struct http_refusal *r) {
  const char *cr = memchr(line, '\r', len);
  return !cr || cr + 1 == line + len || refuse(r, 400, "a CR without LF");
}

enum http_feed http_head_feed(struct http_head *h, char *buf, const char *bytes, size_t len, size_t *ret_used,
  struct http_refusal *r) {
  size_t used = 0;
  while (used < len) {
    const char *lf = memchr(bytes + used, '\n', len - used);
    size_t take = lf ? (size_t)(lf - (bytes + used)) + 1 : len - used;
    size_t room = (h->lines == 0 ? HTTP_LINE_MAX : h->fields + HTTP_HEAD_MAX) + 2 - h->len;
    if (take > room) {
      *ret_used = len;
      if (h->lines == 0) refuse(r, 414, "the request line is too long");
      else refuse(r, 431, "the fields are too long");
      return HTTP_FEED_REFUSED;
    }
    memcpy(buf + h->len, bytes + used, take);
    h->len += take;
    used += take;
    char *line = buf + h->line;
    size_t line_len = h->len - h->line;
    *ret_used = used;
    if (!lf) return partial_ok(line, line_len, r) ? HTTP_FEED_MORE : HTTP_FEED_REFUSED;
    if (line_len < 2 || line[line_len - 2] != '\r') {
      refuse(r, 400, "an LF without CR");
      return HTTP_FEED_REFUSED;
    }
    line_len -= 2;
    if (!line_ok(h, line, line_len, r)) return HTTP_FEED_REFUSED;
    if (line_len > 0) {
      if (h->lines++ == 0) h->fields = h->len;
      h->line = h->len;
      continue;
    }
    if (h->lines > 0) return HTTP_FEED_DONE;
    // One empty line in front of a request is forgiven (RFC 9112 §2.2).
    if (h->empty_line_skipped) {
      refuse(r, 400, "empty lines instead of a request");
      return HTTP_FEED_REFUSED;
    }
    h->empty_line_skipped = true;
    h->len = 0;
  }
  *ret_used = used;
  return HTTP_FEED_MORE;
}

// ---- what llhttp sees ----

struct spans {
  char *url;
  size_t url_len;
  struct http_field *fields;
  size_t count;
  bool bad, complete;
};

static int on_url(llhttp_t *p, const char *at, size_t len) {
  struct spans *s = p->data;
  if (s->url) s->bad = true;
  s->url = (char *)at;
  s->url_len = len;
  return 0;
}

static int on_name(llhttp_t *p, const char *at, size_t len) {
  struct spans *s = p->data;
  if (s->count == HTTP_FIELDS_MAX || len == 0 || len > UINT16_MAX) {
    s->bad = true;
    return -1;
  }
  s->fields[s->count++] = (struct http_field){.name = at, .name_len = (uint16_t)len, .value = ""};
  return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t len) {
  struct spans *s = p->data;
  if (len == 0) return 0;
  struct http_field *f = s->count ? &s->fields[s->count - 1] : NULL;
  if (!f || f->value_len != 0 || len > UINT16_MAX) {
    s->bad = true;
    return -1;
  }
  f->value = at;
  f->value_len = (uint16_t)len;
  return 0;
}

static int on_complete(llhttp_t *p) {
  ((struct spans *)p->data)->complete = true;
  return HPE_PAUSED;  // framing is ours
}

static const llhttp_settings_t settings = {
  .on_url = on_url, .on_header_field = on_name, .on_header_value = on_value, .on_headers_complete = on_complete,
};

// ---- methods, target, fields ----

static int method_of(unsigned method) {
  switch (method) {
  case HTTP_GET: return METHOD_GET;
  case HTTP_HEAD: return METHOD_HEAD;
  case HTTP_POST: return METHOD_POST;
  case HTTP_PUT: return METHOD_PUT;
  case HTTP_PATCH: return METHOD_PATCH;
  case HTTP_DELETE: return METHOD_DELETE;
  case HTTP_OPTIONS: return METHOD_OPTIONS;
  case HTTP_TRACE: return METHOD_TRACE;
  default: return -1;
  }
}

#define LETTERS_AND_DIGITS ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1
static const unsigned char token_char[256] = {LETTERS_AND_DIGITS, ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1,
  ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1};
static const unsigned char host_char[256] = {LETTERS_AND_DIGITS, ['-'] = 1, ['.'] = 1, ['_'] = 1, [':'] = 1, ['['] = 1, [']'] = 1};

// One space between the three parts and nothing behind them; llhttp forgives more.
static bool request_line_ok(const char *buf, size_t len, const struct spans *s, enum http_method method) {
  const char *cr = memchr(buf, '\r', len);
  size_t method_len = strlen(http_method_text(method));
  return s->url == buf + method_len + 1 && s->url + s->url_len + sizeof " HTTP/1.1" - 1 == cr;
}

static bool target_parse(const struct spans *s, struct http_request *req, struct http_refusal *r) {
  char *at = s->url, *end = at + s->url_len;
  for (const char *c = at; c < end; c++) {
    if (*c <= 0x20 || *c >= 0x7f || *c == '#') return refuse(r, 400, "a character in the target that does not belong there");
  }
  *end = '\0';  // was the space before HTTP/1.1
  if (at[0] != '/' && !(s->url_len == 1 && at[0] == '*' && req->method == METHOD_OPTIONS)) {
    // absolute-form, as to a proxy (RFC 9112 §3.2.2): fine if it names the same host.
    size_t scheme = strncasecmp(at, "http://", 7) == 0 ? 7 : strncasecmp(at, "https://", 8) == 0 ? 8 : 0;
    if (scheme == 0) return refuse(r, 400, "a target that is no path");
    char *host = at + scheme;
    size_t host_len = strcspn(host, "/?");
    if (strlen(req->host) != host_len || strncasecmp(host, req->host, host_len) != 0)
      return refuse(r, 400, "target and Host name different hosts");
    at = host + host_len;
    if (*at != '/') return refuse(r, 400, "a target without a path");
  }
  char *query = memchr(at, '?', (size_t)(end - at));
  req->path = at;
  req->path_len = (size_t)((query ? query : end) - at);
  req->query = end;
  if (query) {
    *query = '\0';
    req->query = query + 1;
  }
  req->query_len = (size_t)(end - req->query);
  return true;
}

// Fields whose doubling would mean that two readers of one request may see two requests.
enum known { K_HOST, K_LENGTH, K_CODING, K_EXPECT, K_TYPE, K_AUTH, K_ORIGIN, K_IDEMPOTENCY, K_WS_KEY, K_WS_VERSION, K_COUNT, K_CONNECTION };
static const struct {
  const char *name;
  uint8_t len;
  uint8_t known;
} known_fields[] = {
  {"host", 4, K_HOST}, {"content-length", 14, K_LENGTH}, {"transfer-encoding", 17, K_CODING}, {"expect", 6, K_EXPECT},
  {"content-type", 12, K_TYPE}, {"authorization", 13, K_AUTH}, {"origin", 6, K_ORIGIN}, {"idempotency-key", 15, K_IDEMPOTENCY},
  {"sec-websocket-key", 17, K_WS_KEY}, {"sec-websocket-version", 21, K_WS_VERSION}, {"connection", 10, K_CONNECTION},
};

static int known_of(const struct http_field *f) {
  for (size_t i = 0; i < sizeof known_fields / sizeof *known_fields; i++) {
    if (f->name_len == known_fields[i].len && memcmp(f->name, known_fields[i].name, f->name_len) == 0) return known_fields[i].known;
  }
  return -1;
}

// Lower-cases the name, trims and ends the value.
static bool field_clean(struct http_field *f, struct http_refusal *r) {
  char *name = (char *)f->name;
  for (size_t i = 0; i < f->name_len; i++) {
    unsigned char c = (unsigned char)name[i];
    if (!token_char[c]) return refuse(r, 400, "a character in a field name that does not belong there");
    if (c >= 'A' && c <= 'Z') name[i] = (char)(c + 32);
  }
  name[f->name_len] = '\0';  // was the colon
  if (f->value_len == 0) return true;
  char *value = (char *)f->value;
  size_t len = f->value_len;
  while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t')) len--;
  while (len > 0 && (*value == ' ' || *value == '\t')) value++, len--;
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)value[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f) return refuse(r, 400, "a control character in a field");
  }
  value[len] = '\0';  // was the CR, or white space before it
  f->value = value;
  f->value_len = (uint16_t)len;
  return true;
}

static bool length_parse(const struct http_field *f, int64_t *ret) {
  if (f->value_len == 0 || f->value_len > 18) return false;
  int64_t n = 0;
  for (size_t i = 0; i < f->value_len; i++) {
    if (f->value[i] < '0' || f->value[i] > '9') return false;
    n = n * 10 + (f->value[i] - '0');
  }
  *ret = n;
  return true;
}

bool http_list_has(const char *list, const char *token) {
  size_t len = strlen(token);
  while (*list) {
    list += strspn(list, " \t,");
    size_t item = strcspn(list, ","), trimmed = item;
    while (trimmed > 0 && (list[trimmed - 1] == ' ' || list[trimmed - 1] == '\t')) trimmed--;
    if (trimmed == len && strncasecmp(list, token, len) == 0) return true;
    list += item;
  }
  return false;
}

static bool host_ok(const struct http_field *host) {
  if (host->value_len == 0) return false;
  for (size_t i = 0; i < host->value_len; i++) {
    if (!host_char[(unsigned char)host->value[i]]) return false;
  }
  return true;
}

static bool fields_judge(struct http_request *req, struct http_field *fields, struct http_meaning *m, struct http_refusal *r) {
  const struct http_field *seen[K_COUNT] = {0};
  bool close = false, keep = false;
  for (size_t i = 0; i < req->field_count; i++) {
    struct http_field *f = &fields[i];
    if (!field_clean(f, r)) return false;
    int k = known_of(f);
    if (k == K_CONNECTION) {
      close |= http_list_has(f->value, "close");
      keep |= http_list_has(f->value, "keep-alive");
    } else if (k >= 0) {
      if (seen[k]) return refuse(r, 400, "a field that must be single is there twice");
      seen[k] = f;
    }
  }
  if (!seen[K_HOST] && !m->http10) return refuse(r, 400, "no Host");
  if (seen[K_HOST] && !host_ok(seen[K_HOST])) return refuse(r, 400, "a Host that is none");
  req->host = seen[K_HOST] ? seen[K_HOST]->value : "";
  m->keep_alive = m->http10 ? keep && !close : !close;
  if (seen[K_CODING]) {
    if (m->http10) return refuse(r, 400, "Transfer-Encoding in HTTP/1.0");
    if (seen[K_LENGTH]) return refuse(r, 400, "Transfer-Encoding and Content-Length");
    if (strcasecmp(seen[K_CODING]->value, "chunked") != 0) return refuse(r, 501, "a transfer coding other than chunked");
    m->chunked = true;
  }
  if (seen[K_LENGTH] && !length_parse(seen[K_LENGTH], &m->content_length)) return refuse(r, 400, "a Content-Length that is none");
  if (seen[K_EXPECT] && !m->http10) {
    if (strcasecmp(seen[K_EXPECT]->value, "100-continue") != 0) return refuse(r, 417, "an expectation other than 100-continue");
    m->expect_continue = true;
  }
  return true;
}

bool http_head_parse(char *buf, size_t len, struct http_request *req, struct http_field *fields, struct http_meaning *ret,
  struct http_refusal *r) {
  struct spans spans = {.fields = fields};
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &settings);
  parser.data = &spans;
  llhttp_errno_t code = llhttp_execute(&parser, buf, len);
  if (code == HPE_INVALID_METHOD) return refuse(r, 501, "a method that is unknown here");
  if (code == HPE_INVALID_VERSION) return refuse(r, 505, "an HTTP version other than 1.1 and 1.0");
  if (code == HPE_INVALID_URL) return refuse(r, 400, "a character in the target that does not belong there");
  if (code == HPE_INVALID_CONTENT_LENGTH || code == HPE_UNEXPECTED_CONTENT_LENGTH)
    return refuse(r, 400, "Content-Length is malformed or contradicts");
  if (code == HPE_INVALID_TRANSFER_ENCODING) return refuse(r, 400, "Transfer-Encoding is malformed or contradicts");
  if (code != HPE_PAUSED || spans.bad || !spans.complete || !spans.url) return refuse(r, 400, "this is not HTTP");
  int method = method_of(parser.method);
  if (method < 0) return refuse(r, 501, "a method that is unknown here");
  if (parser.http_major != 1 || parser.http_minor > 1) return refuse(r, 505, "an HTTP version other than 1.1 and 1.0");
  if (!request_line_ok(buf, len, &spans, (enum http_method)method)) return refuse(r, 400, "a request line with more than one space");
  *ret = (struct http_meaning){.http10 = parser.http_minor == 0};
  req->method = (enum http_method)method;
  req->fields = fields;
  req->field_count = spans.count;
  return fields_judge(req, fields, ret, r) && target_parse(&spans, req, r);
}

// ---- chunked bodies ----

// No extensions, no trailers, lengths of at most eight digits: nobody needs them, and readers disagree about them.
enum { SIZE, SIZE_LF, DATA, DATA_CR, DATA_LF, END_CR, END_LF };

static int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum http_feed http_chunks_feed(struct http_chunks *c, const char *bytes, size_t len, size_t *ret_used, const char **ret_data,
  size_t *ret_len) {
  *ret_data = bytes;
  *ret_len = 0;
  size_t i = 0;
  while (i < len) {
    char ch = bytes[i];
    int digit;
    switch (c->state) {
    case SIZE:
      digit = hex_of(ch);
      if (digit >= 0 && c->digits < 8) {
        c->left = c->left * 16 + (unsigned)digit;
        c->digits++;
      } else if (ch == '\r' && c->digits > 0) {
        c->state = SIZE_LF;
      } else {
        return HTTP_FEED_REFUSED;
      }
      break;
    case SIZE_LF:
      if (ch != '\n') return HTTP_FEED_REFUSED;
      c->state = c->left ? DATA : END_CR;
      break;
    case DATA:
      *ret_data = bytes + i;
      *ret_len = c->left < len - i ? (size_t)c->left : len - i;
      c->left -= *ret_len;
      if (c->left == 0) c->state = DATA_CR;
      *ret_used = i + *ret_len;
      return HTTP_FEED_MORE;  // one span per call
    case DATA_CR:
      if (ch != '\r') return HTTP_FEED_REFUSED;
      c->state = DATA_LF;
      break;
    case DATA_LF:
      if (ch != '\n') return HTTP_FEED_REFUSED;
      c->state = SIZE;
      c->digits = 0;
      break;
    case END_CR:
      if (ch != '\r') return HTTP_FEED_REFUSED;
      c->state = END_LF;
      break;
    case END_LF:
      if (ch != '\n') return HTTP_FEED_REFUSED;
      *ret_used = i + 1;
      return HTTP_FEED_DONE;
    }
    i++;
  }
  *ret_used = i;
  return HTTP_FEED_MORE;
}
