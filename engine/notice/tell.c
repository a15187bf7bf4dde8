// notice/tell.c – see tell.h.
#include "notice/tell.h"

#include "store/notice_rows.h"

#include <stdlib.h>

enum status notice_tell(struct db *db, int64_t tenant_id, enum notice_event event, const char *subject, const char *once, json_t *data, int64_t now_ns, struct err *err) {
  char *text = data ? json_dumps(data, JSON_COMPACT) : NULL;
  json_decref(data);
  if (!text) return err_set(err, ERR_NOMEM, "out of memory");
  const struct notice_row row = {.tenant_id = tenant_id, .event = notice_about(event)->name, .subject = subject, .data = text, .once = once, .created_ns = now_ns};
  const enum status st = notice_add(db, &row, NULL, err);
  free(text);
  return st;
}
