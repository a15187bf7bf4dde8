// api/router.h – method and path to a route: a tree of path segments, so that a look-up costs the path's length, not the table's.
//
// Templates are written "/strategies/{id}/versions/{n}". A literal segment wins over a parameter. The path of a request is
// split at '/' first and each segment percent-decoded then, so %2F never becomes a separator; refused as not found are empty
// segments (a slash at the end, two in a row), "." and "..", %00 and control characters, %2F and %5C, and ill-formed UTF-8.
#pragma once
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define ROUTER_PARAMS_MAX 4
#define ROUTER_PATH_MAX 1024

enum route_method { ROUTE_GET, ROUTE_POST, ROUTE_PUT, ROUTE_PATCH, ROUTE_DELETE, ROUTE_COUNT };
// ROUTE_COUNT when the text is none of them. HEAD is answered as GET without body by the transport.
enum route_method route_method_parse(const char *text);
const char *route_method_text(enum route_method m);

struct router;

struct route_match {
  int route;            // index given to router_add; -1: the path exists, the method does not
  unsigned allowed;     // bit per enum route_method, of this path
  int param_count;
  struct {
    const char *name;   // borrowed from the template
    const char *value;  // decoded, NUL-terminated, inside scratch
    size_t len;
  } params[ROUTER_PARAMS_MAX];
  char scratch[ROUTER_PATH_MAX];
};

enum status router_create(struct router **ret, struct err *err) MUST_CHECK;
void router_destroy(struct router *r);
// The template must outlive the router. ERR_EXISTS when method and template are taken; ERR_INVALID for a bad template or a
// parameter with two names at one place.
enum status router_add(struct router *r, enum route_method method, const char *template, int route, struct err *err) MUST_CHECK;
// False: no such path. path has no query.
bool router_find(const struct router *r, enum route_method method, const char *path, size_t len, struct route_match *ret);
// "GET, POST" for an Allow header.
void route_allow_text(unsigned allowed, char *out, size_t size);

// Percent-decodes src into dst (room for len + 1). plus: '+' is a blank, as in a query. False when ill-formed, or when the
// result has control characters, NUL or is not UTF-8.
bool percent_decode(const char *src, size_t len, bool plus, char *dst, size_t *ret_len);
