#include "bot/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOOSE true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LOOSE true
#endif
#endif
#ifndef LOOSE
#define LOOSE false
#endif
const bool jail_is_loose = LOOSE;

// ---- descriptors

static int compare_ints(const void *a, const void *b) {
  int x = *(const int *)a, y = *(const int *)b;
  return (x > y) - (x < y);
}

static enum status close_others(const int *keep, size_t count, int *ret_highest, struct err *err) {
  int *sorted = malloc((count + 1) * sizeof *sorted);
  if (!sorted) return err_set(err, ERR_NOMEM, "jail: out of memory");
  for (size_t i = 0; i < count; i++) sorted[i] = keep[i];
  qsort(sorted, count, sizeof *sorted, compare_ints);
  unsigned from = 0;
  int failed = 0;
  for (size_t i = 0; i < count && !failed; i++) {
    if (sorted[i] < 0) continue;
    unsigned fd = (unsigned)sorted[i];
    if (fd > from && syscall(SYS_close_range, from, fd - 1, 0) != 0) failed = errno;
    from = fd + 1;
  }
  if (!failed && syscall(SYS_close_range, from, UINT_MAX, 0) != 0) failed = errno;
  *ret_highest = (int)from - 1;
  free(sorted);
  return failed ? err_errno(err, failed, "jail: close_range") : OK;
}

// ---- limits

static enum status limit(int resource, rlim_t soft, rlim_t hard, const char *name, struct err *err) {
  struct rlimit old, new = {soft, hard};
  if (getrlimit((__rlimit_resource_t)resource, &old) != 0) return err_errno(err, errno, "jail: limit %s", name);
  if (old.rlim_max < new.rlim_max) new.rlim_max = old.rlim_max;  // never up
  if (new.rlim_max < new.rlim_cur) new.rlim_cur = new.rlim_max;
  if (setrlimit((__rlimit_resource_t)resource, &new) != 0) return err_errno(err, errno, "jail: limit %s", name);
  return OK;
}

static enum status set_limits(const struct jail_options *o, int highest_fd, struct err *err) {
  enum status st = limit(RLIMIT_CORE, 0, 0, "core", err);
  if (st == OK) st = limit(RLIMIT_FSIZE, 0, 0, "file size", err);
  if (st == OK) st = limit(RLIMIT_NPROC, 0, 0, "processes", err);
  // not 0: poll() refuses more descriptors than the limit
  if (st == OK) st = limit(RLIMIT_NOFILE, (rlim_t)highest_fd + 1, (rlim_t)highest_fd + 1, "descriptors", err);
  if (st == OK && o->cpu_s > 0) st = limit(RLIMIT_CPU, (rlim_t)o->cpu_s, (rlim_t)o->cpu_s + 1, "cpu", err);
  if (st == OK && o->address_bytes > 0 && !LOOSE) st = limit(RLIMIT_AS, o->address_bytes, o->address_bytes, "address space", err);
  return st;
}

// ---- system calls

// What a computing process with a socket and a watchdog thread needs, whatever the arguments.
static const int allowed[] = {
    // no sendmsg or recvmsg, which pass descriptors; no newfstatat, which takes paths (glibc's fstat() is one: ask lseek)
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(lseek), SCMP_SYS(close),
    SCMP_SYS(munmap), SCMP_SYS(brk), SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getrandom), SCMP_SYS(getrusage),
    SCMP_SYS(exit), SCMP_SYS(exit_group),
};

// Refused politely: libraries ask and live with no. sched_setscheduler is the watchdog thread's wish for priority, which may
// come after the filter.
static const int refused[] = {SCMP_SYS(sched_setscheduler), SCMP_SYS(ioctl), SCMP_SYS(prlimit64)};

// These kill in every build; the list only matters where the default is a refusal (sanitizers).
static const int deadly[] = {
    SCMP_SYS(openat2), SCMP_SYS(creat), SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen),
    SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(clone3), SCMP_SYS(kill),
    SCMP_SYS(tkill), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(bpf), SCMP_SYS(io_uring_setup),
    SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(mount), SCMP_SYS(setuid), SCMP_SYS(memfd_create), SCMP_SYS(userfaultfd), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
};
// A sanitizer's report needs these.
static const int loose_allowed[] = {SCMP_SYS(readlink), SCMP_SYS(newfstatat), SCMP_SYS(fstat), SCMP_SYS(mprotect), SCMP_SYS(sched_getaffinity), SCMP_SYS(dup), SCMP_SYS(prctl)};

static int add_all(scmp_filter_ctx f, uint32_t action, const int *calls, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int rc = calls[i] == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(f, action, calls[i], 0);
    if (rc != 0 && rc != -EACCES) return rc;  // EACCES: the same as the default already
  }
  return 0;
}
#define ADD_ALL(f, action, calls) add_all(f, action, calls, sizeof calls / sizeof calls[0])

static int add_rules(scmp_filter_ctx f) {
  int rc = ADD_ALL(f, SCMP_ACT_ALLOW, allowed);
  if (rc == 0) rc = ADD_ALL(f, SCMP_ACT_ERRNO(EPERM), refused);
  if (rc == 0 && LOOSE) rc = ADD_ALL(f, SCMP_ACT_ALLOW, loose_allowed);
  if (rc == 0 && LOOSE) rc = ADD_ALL(f, SCMP_ACT_KILL_PROCESS, deadly);
  if (rc == 0 && LOOSE) rc = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, SCMP_SYS(open), 0);
  if (rc == 0 && LOOSE) rc = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, SCMP_SYS(openat), 0);
  // never executable
  if (rc == 0) rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  if (rc == 0 && !LOOSE) rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  // signals to threads of this process: the watchdog's, abort()'s
  if (rc == 0) rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
  if (rc == 0 && LOOSE) rc = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
  return rc;
}

static enum status lay_filter(struct err *err) {
  scmp_filter_ctx f = seccomp_init(LOOSE ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS);
  if (!f) return err_set(err, ERR_NOMEM, "jail: no filter");
  int rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);  // all threads
  if (rc == 0) rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (rc == 0) rc = add_rules(f);
  if (rc == 0) rc = seccomp_load(f);
  seccomp_release(f);
  return rc == 0 ? OK : err_errno(err, -rc, "jail: seccomp");
}

enum status jail_enter(const struct jail_options *o, struct err *err) {
  int highest = 2;
  enum status st = close_others(o->keep, o->keep_count, &highest, err);
  if (st == OK) st = set_limits(o, highest, err);
  if (st != OK) return st;
  // A sanitizer's leak check needs to look at itself.
  if (!LOOSE && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return err_errno(err, errno, "jail: dumpable");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return err_errno(err, errno, "jail: death with the parent");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return err_errno(err, errno, "jail: no new privileges");
  return lay_filter(err);
}
