// net/http_request.h – from a request to the bytes that are sent: URLs, methods and fields are checked here, so that nothing a
// caller hands in can end a line. Inside net/.
#pragma once
#include "net/http_client.h"

#define HTTP_REQUEST_MAX (4 << 20)

// keep: the connection is to be used again. out: made with at most HTTP_REQUEST_MAX bytes, secret. ERR_INVALID, ERR_LIMIT.
enum status http_request_write(const struct http_client_request *q, const struct http_url *url, bool keep, struct buf *out, struct err *err) MUST_CHECK;
// A field that a caller may set: a name that is a token and not one of the client's own, a value without control characters.
bool http_request_field_ok(const struct http_client_field *field);
