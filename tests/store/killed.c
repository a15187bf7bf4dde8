// tests/store/killed.c – a program that writes through the store is killed at any moment, again and again, on a real disk:
// what it had been told as committed is there, whole, nothing else is, and the next one goes on.   killed toy|service [KILLS]
#include "workload.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PER_DIRECTORY 40  // kills; then the next, or most of the time would go into judging old rows

struct answer {
  int job;
  uint8_t told;
};

static const struct workload *work;

// Does jobs from `first` on, and tells on fd 1 that it begins, and of each.
static int victim(const char *dir, int first) {
  static struct ledger l;
  struct store *store;
  struct err err;
  if (store_open(dir, &(struct store_options){.checkpoint_pages = 20}, &store, &err) != OK || work->begin(store, STORE_CONTROL, &err) != OK) {
    fprintf(stderr, "# victim: %s\n", err.msg);
    return 1;
  }
  struct answer begun = {0};
  if (write(1, &begun, sizeof begun) != sizeof begun) return 1;
  for (int i = first; i <= JOBS_MAX; i++) {
    const enum status st = work->job(store, STORE_CONTROL, i, &l, &err);
    const struct answer a = {i, l.told[i]};
    if ((st == OK) == work->refuses(i)) {
      fprintf(stderr, "# job %d: %s\n", i, st == OK ? "was not refused" : err.msg);
      return 1;
    }
    if (write(1, &a, sizeof a) != sizeof a) return 1;
  }
  pause();
  return 0;
}

// The database as the next start finds it.
static const char *judge(const char *dir, const struct ledger *l) {
  static char wrong[1700];
  char path[100];
  struct store *store;
  struct err err;
  snprintf(path, sizeof path, "%s/control.db", dir);
  snprintf(wrong, sizeof wrong, "%s", "");
  if (store_open(dir, NULL, &store, &err) != OK) {
    snprintf(wrong, sizeof wrong, "%s", err.msg);
    return wrong;
  }
  if (work->begin(store, STORE_CONTROL, &err) != OK) snprintf(wrong, sizeof wrong, "%s", err.msg);
  store_close(store);
  if (!wrong[0]) snprintf(wrong, sizeof wrong, "%s", work->check(path, 0, l->issued, l, false));
  work->end();
  return wrong;
}

// One kill, ms after the first job began or after the start of the program. "" or what is wrong; the ledger goes on.
static const char *kill_one(const char *dir, bool at_work, long ms, struct ledger *l) {
  int fds[2], how;
  char first[16];
  const int next = (l->issued + work->round - 1) / work->round * work->round + 1;
  if (pipe(fds) != 0) return "no pipe";
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(fds[1], 1);
    close(fds[0]);
    close(fds[1]);
    snprintf(first, sizeof first, "%d", next);
    execl("/proc/self/exe", "killed", work->name, "--victim", dir, first, (char *)NULL);
    _exit(127);
  }
  close(fds[1]);
  struct answer a;
  if (at_work && read(fds[0], &a, sizeof a) != sizeof a) at_work = false;
  nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
  kill(pid, SIGKILL);
  int last = next - 1;
  while (read(fds[0], &a, sizeof a) == sizeof a)
    if (a.job) l->told[last = a.job] = a.told;
  close(fds[0]);
  waitpid(pid, &how, 0);
  // The job after the last answer may have been under way.
  if (last < JOBS_MAX) last++;
  if (!l->told[last]) l->told[last] = work->refuses(last) ? TOLD_REFUSED : TOLD_FAILED;
  l->issued = last;
  return WIFSIGNALED(how) ? judge(dir, l) : "the victim ended by itself";
}

int main(int argc, char **argv) {
  if (argc < 2 || !(work = work_named(argv[1]))) return 2;
  if (argc == 5 && strcmp(argv[2], "--victim") == 0) return victim(argv[3], atoi(argv[4]));
  const int kills = argc > 2 ? atoi(argv[2]) : 100;
  unsigned seed = 1;
  long done = 0;
  int k = 0;
  const char *wrong = "";
  if (kills < 1) return 2;
  printf("1..1\n");
  while (k < kills && !wrong[0]) {
    static struct ledger l;
    char dir[] = "/tmp/perigee-killed-XXXXXX", command[100];
    if (!mkdtemp(dir)) return 2;
    memset(&l, 0, sizeof l);
    for (int n = 0; n < PER_DIRECTORY && k < kills && !wrong[0] && l.issued < JOBS_MAX - 500; n++, k++) {
      const long ms = rand_r(&seed) % 40 + 1;
      wrong = kill_one(dir, rand_r(&seed) % 4 > 0, ms, &l);
      if (wrong[0]) printf("# kill %d after %ld ms: %s\n", k, ms, wrong);
    }
    for (int i = 1; i <= l.issued; i++) done += l.told[i] == TOLD_DONE;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (!wrong[0] && system(command) != 0) return 2;
  }
  if (!wrong[0] && done < kills / 4) wrong = "hardly anything was done before the kills";
  printf("# %d kills, %ld jobs told as done\n%s 1 - what was told before a kill is there %s\n", k, done, wrong[0] ? "not ok" : "ok", wrong);
  return wrong[0] != '\0';
}
