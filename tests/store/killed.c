// tests/store/killed.c – a program that writes through the store is killed at any moment, again and again, on a real disk:
// what it had been told as committed is there, nothing else is, and the next one goes on.   killed [KILLS]
#include "workload.h"

#include "store/db.h"

#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Tells each number on fd 1 once it is committed; the third of every three fails by itself after having written.
static enum status job(struct db *db, void *arg, struct err *err) {
  const int64_t i = *(int64_t *)arg;
  enum status st = db_run(db, NULL, err, "INSERT INTO item (id, half) VALUES (?, 1)", "i", i);
  if (st == OK) st = db_run(db, NULL, err, "UPDATE item SET half = 2 WHERE id = ?", "i", i);
  return st == OK && i % 3 == 0 ? err_set(err, ERR_CANCELLED, "this one fails by itself") : st;
}
static enum status create(struct db *db, void *arg, struct err *err) {
  (void)arg;
  return db_script(db, "CREATE TABLE IF NOT EXISTS item (id INTEGER PRIMARY KEY, half INTEGER NOT NULL) STRICT", err);
}
static enum status greatest(struct db *db, void *arg, struct err *err) {
  struct db_rows rows;
  enum status st = db_query(db, &rows, err, "SELECT coalesce(max(id), 0) FROM item", "");
  while (st == OK && db_next(&rows)) *(int64_t *)arg = db_int(&rows, 0);
  return db_end(&rows, st, err);
}

static int victim(const char *dir) {
  struct store *store;
  struct err err;
  int64_t i = 0;
  if (store_open(dir, &(struct store_options){.checkpoint_pages = 20}, &store, &err) != OK || store_write_sync(store, STORE_CONTROL, create, NULL, &err) != OK || store_write_sync(store, STORE_CONTROL, greatest, &i, &err) != OK) {
    fprintf(stderr, "# victim: %s\n", err.msg);
    return 1;
  }
  for (i++;; i++) {
    const enum status st = store_write_sync(store, STORE_CONTROL, job, &i, &err);
    if (st != (i % 3 == 0 ? ERR_CANCELLED : OK)) return 1;
    if (st == OK && write(1, &i, sizeof i) != sizeof i) return 1;
  }
}

static const char *judge(const char *dir, int64_t told) {
  static char wrong[1200];
  struct store *store;
  struct err err;
  struct db_rows rows;
  wrong[0] = '\0';
  if (store_open(dir, NULL, &store, &err) != OK || store_write_sync(store, STORE_CONTROL, create, NULL, &err) != OK) {
    snprintf(wrong, sizeof wrong, "%s", err.msg);
    return wrong;
  }
  // Committed one after the other: 1, 2, 4, 5, 7 … without a gap, up to what was told and at most one more.
  int64_t next = 1;
  enum status st = db_query(store_reader(store, STORE_CONTROL), &rows, &err, "SELECT id, half FROM item ORDER BY id", "");
  while (st == OK && db_next(&rows)) {
    if (db_int(&rows, 0) != next || db_int(&rows, 1) != 2) snprintf(wrong, sizeof wrong, "%" PRId64 " instead of %" PRId64, db_int(&rows, 0), next);
    next += next % 3 == 2 ? 2 : 1;
  }
  st = db_end(&rows, st, &err);
  if (st != OK) snprintf(wrong, sizeof wrong, "%s", err.msg);
  if (!wrong[0] && next <= told) snprintf(wrong, sizeof wrong, "%" PRId64 " was told as committed, the next would be %" PRId64, told, next);
  store_close(store);
  return wrong;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "--victim") == 0) return victim(argv[2]);
  const int kills = argc > 1 ? atoi(argv[1]) : 100;
  char dir[] = "/tmp/perigee-killed-XXXXXX", command[100];
  if (kills < 1 || !mkdtemp(dir)) return 2;
  int64_t told = 0;
  unsigned seed = 1;
  int bad = 0, k;
  printf("1..1\n");
  for (k = 0; k < kills && !bad; k++) {
    int fds[2];
    if (pipe(fds) != 0) return 2;
    const pid_t pid = fork();
    if (pid == 0) {
      dup2(fds[1], 1);
      close(fds[0]);
      close(fds[1]);
      execl("/proc/self/exe", "killed", "--victim", dir, (char *)NULL);
      _exit(127);
    }
    close(fds[1]);
    const long ms = rand_r(&seed) % 40 + 1;
    nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
    kill(pid, SIGKILL);
    int64_t number;
    while (read(fds[0], &number, sizeof number) == sizeof number) told = number;
    close(fds[0]);
    int how;
    waitpid(pid, &how, 0);
    const char *wrong = judge(dir, told);
    if (!WIFSIGNALED(how) || wrong[0]) {
      printf("# kill %d after %ld ms: %s\n", k, ms, wrong[0] ? wrong : "the victim ended by itself");
      bad = 1;
    }
  }
  if (told < kills / 2) bad = 1;
  printf("# %d kills, %" PRId64 " numbers\n%s 1 - what was told before a kill is there\n", k, told, bad ? "not ok" : "ok");
  snprintf(command, sizeof command, "rm -rf '%s'", dir);
  return system(command) != 0 || bad;
}
