// store/checkpoint.h – moves the logs of a store's files into the files, on a thread of its own: a file's sync takes tens of milliseconds,
// and no commit is to wait for it.
//
// SQLite's log is moved by its PASSIVE checkpoint, which runs beside readers and the writer. While it runs, more is written to the log, so
// it leaves something: what that was is moved by another pass, until it is little. The writer moves these few pages itself, between two commits, after
// which the log begins anew.
#pragma once
#include "store/store.h"

struct checkpointer;

enum checkpoint_state {
  CHECKPOINT_IDLE,  // not asked, or done
  CHECKPOINT_BUSY,
  CHECKPOINT_BROKEN,  // a sync failed, or the file is damaged: ret_err tells. So it stays
};

// paths[i]: a database in use by this process (copied); durable as for db_open.
enum status checkpointer_create(const char *const paths[STORE_FILES], const bool durable[STORE_FILES], struct checkpointer **ret, struct err *err) MUST_CHECK;
void checkpointer_destroy(struct checkpointer *c);  // finishes what is under way; NULL does nothing. Nobody asks any more
// Any thread; returns at once. What goes wrong and may heal (a full disk) is left to the next asking.
void checkpointer_ask(struct checkpointer *c, enum store_file file);
enum checkpoint_state checkpointer_state(struct checkpointer *c, enum store_file file, struct err *ret_err);
