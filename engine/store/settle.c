// store/settle.c – for who goes down: nothing that was handed in is still on its way to somebody who is about to be freed.
#include "loop/loop.h"
#include "store/store.h"

struct settling {
  unsigned left;
  bool again;
};

static enum status nothing(struct db *db, void *arg, struct err *err) {
  (void)db;
  (void)arg;
  (void)err;
  return OK;
}

static void answered(void *arg, enum status st, const struct err *err) {
  struct settling *s = arg;
  (void)err;
  s->left--;
  if (st == ERR_LIMIT) s->again = true;  // refused by a full queue, it has overtaken what is in there
}

void store_settle(struct store *store, struct loop *loop) {
  struct settling s;
  do {
    s = (struct settling){.left = 2 * STORE_FILES};
    for (enum store_file f = 0; f < STORE_FILES; f++) {
      store_write(store, f, nothing, answered, &s);
      store_write_later(store, f, nothing, answered, &s);
    }
    while (s.left) loop_turn(loop, true);
  } while (s.again);
}
