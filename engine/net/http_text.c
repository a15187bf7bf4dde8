// net/http_text.c – words of HTTP: methods, reason phrases, fields, percent escapes, queries. See http_server.h.
#include "net/http_server.h"

#include <string.h>

const char *http_method_text(enum http_method method) {
  static const char *const texts[] = {
#define X(name, text) text,
    HTTP_METHOD_LIST(X)
#undef X
  };
  return (size_t)method < sizeof texts / sizeof *texts ? texts[method] : "?";
}

const char *http_status_text(int status) {
  switch (status) {
  case 101: return "Switching Protocols";
  case 200: return "OK";
  case 201: return "Created";
  case 202: return "Accepted";
  case 204: return "No Content";
  case 206: return "Partial Content";
  case 301: return "Moved Permanently";
  case 302: return "Found";
  case 303: return "See Other";
  case 304: return "Not Modified";
  case 307: return "Temporary Redirect";
  case 308: return "Permanent Redirect";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 402: return "Payment Required";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 406: return "Not Acceptable";
  case 408: return "Request Timeout";
  case 409: return "Conflict";
  case 410: return "Gone";
  case 411: return "Length Required";
  case 412: return "Precondition Failed";
  case 413: return "Content Too Large";
  case 414: return "URI Too Long";
  case 415: return "Unsupported Media Type";
  case 416: return "Range Not Satisfiable";
  case 417: return "Expectation Failed";
  case 421: return "Misdirected Request";
  case 422: return "Unprocessable Content";
  case 423: return "Locked";
  case 425: return "Too Early";
  case 426: return "Upgrade Required";
  case 428: return "Precondition Required";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 451: return "Unavailable For Legal Reasons";
  case 500: return "Internal Server Error";
  case 501: return "Not Implemented";
  case 502: return "Bad Gateway";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  case 505: return "HTTP Version Not Supported";
  case 507: return "Insufficient Storage";
  default: return "Status";
  }
}

const char *http_field(const struct http_request *req, const char *name) {
  size_t len = strlen(name);
  for (size_t i = 0; i < req->field_count; i++) {
    if (req->fields[i].name_len == len && memcmp(req->fields[i].name, name, len) == 0) return req->fields[i].value;
  }
  return NULL;
}

static int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum status http_unescape(const char *text, size_t len, bool form, char *ret, size_t size) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    char c = text[i];
    if (c == '%') {
      int high = i + 2 < len ? hex_of(text[i + 1]) : -1;
      int low = high >= 0 ? hex_of(text[i + 2]) : -1;
      if (low < 0) return ERR_INVALID;
      c = (char)(high * 16 + low);
      i += 2;
    } else if (form && c == '+') {
      c = ' ';
    }
    if (c == '\0') return ERR_INVALID;
    if (n + 1 >= size) return ERR_LIMIT;
    ret[n++] = c;
  }
  if (size == 0) return ERR_LIMIT;
  ret[n] = '\0';
  return OK;
}

bool http_query_next(const struct http_request *req, size_t *pos, struct http_pair *ret) {
  while (*pos < req->query_len) {
    const char *at = req->query + *pos;
    size_t len = strcspn(at, "&");
    *pos += len + 1;
    if (len == 0) continue;
    const char *equals = memchr(at, '=', len);
    size_t name_len = equals ? (size_t)(equals - at) : len;
    *ret = (struct http_pair){at, equals ? equals + 1 : at + len, name_len, equals ? len - name_len - 1 : 0};
    return true;
  }
  return false;
}

enum status http_query(const struct http_request *req, const char *name, char *ret, size_t size) {
  size_t pos = 0, name_len = strlen(name);
  struct http_pair pair;
  while (http_query_next(req, &pos, &pair)) {
    if (pair.name_len == name_len && memcmp(pair.name, name, name_len) == 0)
      return http_unescape(pair.value, pair.value_len, true, ret, size);
  }
  return ERR_NOTFOUND;
}
