#include "api/router.h"

#include "api/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
  const char *text;  // of a literal segment, or the name of a parameter
  size_t len;
  struct node *literals, *param, *next;  // children, and the next child of the same parent
  int routes[ROUTE_COUNT];
  unsigned allowed;
};

struct router {
  struct node root;
};

static const char *const method_texts[ROUTE_COUNT] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

enum route_method route_method_parse(const char *text) {
  int m = 0;
  while (m < ROUTE_COUNT && strcmp(method_texts[m], text) != 0) m++;
  return (enum route_method)m;
}
const char *route_method_text(enum route_method m) { return method_texts[m]; }

void route_allow_text(unsigned allowed, char *out, size_t size) {
  size_t n = 0;
  out[0] = '\0';
  for (int m = 0; m < ROUTE_COUNT; m++)
    if ((allowed & 1u << m) && n < size) n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", method_texts[m]);
}

enum status router_create(struct router **ret, struct err *err) {
  struct router *r = calloc(1, sizeof *r);
  if (!r) return err_set(err, ERR_NOMEM, "out of memory");
  *ret = r;
  return OK;
}

static void node_finish(struct node *n) {
  for (struct node *c = n->literals, *next; c; c = next) {
    next = c->next;
    node_finish(c);
    free(c);
  }
  if (n->param) node_finish(n->param);
  free(n->param);
}

void router_destroy(struct router *r) {
  if (!r) return;
  node_finish(&r->root);
  free(r);
}

static struct node *literal_child(const struct node *n, const char *text, size_t len) {
  for (struct node *c = n->literals; c; c = c->next)
    if (c->len == len && memcmp(c->text, text, len) == 0) return c;
  return NULL;
}

static struct node *child_for(struct node *n, const char *text, size_t len, struct err *err) {
  const bool param = text[0] == '{';
  if (param && (len < 3 || text[len - 1] != '}')) {
    err_set(err, ERR_INVALID, "bad parameter");
    return NULL;
  }
  if (param) text++, len -= 2;
  struct node *c = param ? n->param : literal_child(n, text, len);
  if (c && param && (c->len != len || memcmp(c->text, text, len) != 0)) {
    err_set(err, ERR_INVALID, "parameter {%.*s} is called {%.*s} in another template", (int)len, text, (int)c->len, c->text);
    return NULL;
  }
  if (c) return c;
  c = calloc(1, sizeof *c);
  if (!c) {
    err_set(err, ERR_NOMEM, "out of memory");
    return NULL;
  }
  c->text = text, c->len = len;
  if (param) n->param = c;
  else c->next = n->literals, n->literals = c;
  return c;
}

enum status router_add(struct router *r, enum route_method method, const char *template, int route, struct err *err) {
  struct node *n = &r->root;
  if (template[0] != '/') return err_set(err, ERR_INVALID, "%s: must begin with /", template);
  int params = 0;
  for (const char *s = template; *s == '/' && s[1];) {
    const char *stop = strchr(++s, '/');
    const size_t len = stop ? (size_t)(stop - s) : strlen(s);
    params += s[0] == '{';
    if (len == 0 || params > ROUTER_PARAMS_MAX) return err_set(err, ERR_INVALID, "%s: bad template", template);
    n = child_for(n, s, len, err);
    if (!n) return err_wrap(err, err->code, "%s", template);
    s += len;
  }
  if (n->allowed & 1u << method) return err_set(err, ERR_EXISTS, "%s %s is there twice", method_texts[method], template);
  n->allowed |= 1u << method;
  n->routes[method] = route;
  return OK;
}

static int hex(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool percent_decode(const char *src, size_t len, bool plus, char *dst, size_t *ret_len) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++) {
    char c = src[i];
    if (c == '%') {
      if (len - i < 3 || hex(src[i + 1]) < 0 || hex(src[i + 2]) < 0) return false;
      c = (char)(hex(src[i + 1]) << 4 | hex(src[i + 2]));
      i += 2;
    } else if (c == '+' && plus) {
      c = ' ';
    }
    if ((unsigned char)c < 0x20 || c == 0x7f) return false;
    dst[n++] = c;
  }
  dst[n] = '\0';
  size_t points;
  if (!format_utf8(dst, n, &points)) return false;
  *ret_len = n;
  return true;
}

static bool segment_ok(const char *s, size_t len) {
  if (len == 0 || (len == 1 && s[0] == '.') || (len == 2 && s[0] == '.' && s[1] == '.')) return false;
  return !memchr(s, '/', len) && !memchr(s, '\\', len);
}

bool router_find(const struct router *r, enum route_method method, const char *path, size_t len, struct route_match *ret) {
  if (len == 0 || len >= ROUTER_PATH_MAX || path[0] != '/') return false;
  ret->param_count = 0;
  const struct node *n = &r->root;
  char *out = ret->scratch;
  // Literals win at each segment without a way back: templates never need one (a test walks them all).
  for (size_t i = 1; i < len || (i == len && len > 1);) {
    const char *stop = memchr(path + i, '/', len - i);
    const size_t raw = stop ? (size_t)(stop - path) - i : len - i;
    size_t decoded;
    if (!percent_decode(path + i, raw, false, out, &decoded) || !segment_ok(out, decoded)) return false;
    const struct node *c = literal_child(n, out, decoded);
    if (!c && n->param) {
      c = n->param;
      ret->params[ret->param_count].name = c->text;
      ret->params[ret->param_count].value = out;
      ret->params[ret->param_count++].len = decoded;
    }
    if (!c) return false;
    out += decoded + 1;
    n = c;
    i += raw;
    if (i == len) break;
    i++;  // the slash; when it was the last byte the next round sees an empty segment
  }
  if (n->allowed == 0) return false;
  ret->allowed = n->allowed;
  ret->route = method < ROUTE_COUNT && (n->allowed & 1u << method) ? n->routes[method] : -1;
  return true;
}
