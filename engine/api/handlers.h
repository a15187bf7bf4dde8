// api/handlers.h – private to api/: every handler, by its operationId. Start-up asserts that this list and routes/ agree.
#pragma once
#include "api/call.h"

#define API_HANDLERS(X)                                 \
  /* ops.c */                                           \
  X(health) X(ready) X(metrics) X(openapi_json)

#define X(id) enum status api_##id(struct api_call *call);
API_HANDLERS(X)
#undef X
