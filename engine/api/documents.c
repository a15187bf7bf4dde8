// api/documents.c – answers that are the same for everybody and are made once: the API's description, the scripts' reference.
#include "api/core.h"
#include "crypto/sha256.h"

#include <stdlib.h>
#include <string.h>

enum status api_document_make(json_t *tree, struct api_document *ret, struct err *err) {
  char *text = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
  json_decref(tree);
  if (!text) return err_set(err, ERR_NOMEM, "out of memory");
  char hex[SHA256_HEX_SIZE];
  ret->text = text;
  ret->len = strlen(text);
  sha256_hex(text, ret->len, hex);
  snprintf(ret->etag, sizeof ret->etag, "\"%.16s\"", hex);
  return OK;
}

void api_document_finish(struct api_document *d) {
  free(d->text);
  *d = (struct api_document){0};
}

enum status api_document_answer(struct api_call *call, const struct api_document *d, const char *cache) {
  api_field(call, "ETag", "%s", d->etag);
  api_field(call, "Cache-Control", "%s", cache);
  const char *have = call->req->field(call->req, "if-none-match");
  if (have && strcmp(have, d->etag) == 0) return api_json(call, 304, NULL);
  char *text = malloc(d->len);
  if (text) memcpy(text, d->text, d->len);
  return api_text(call, 200, "application/json", text, d->len);
}
