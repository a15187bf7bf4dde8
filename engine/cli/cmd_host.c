// cli/cmd_host.c – `perigee host --job`: the child process in which the service runs one customer's backtest; `perigee host --live`: that in
// which it runs live bots. Not for people.
#include "cli/commands.h"

#include "backtest/job_child.h"
#include "bot/host_run.h"
#include "bot/host_word.h"
#include "signal/rules_child.h"

#include <inttypes.h>
#include <sys/socket.h>

static const struct cli_option host_options[] = {
    {"--job", NULL, "one backtest or verdict, then gone"},
    {"--live", NULL, "live bots, until the socket closes; descriptor 4 is the shared word"},
    {"--rules", NULL, "asks rules about signals, until the socket closes"},
    {"--fd", "N", "the socket (3); a job's data descriptors follow it"},
    {"--data-count", "N", "of a job: descriptors with data (0)"},
    {"--cpu-s", "N", "of a job: CPU time, then the end; 0: no limit (60)"},
    {"--memory-bytes", "N", "address space; 0: no limit (of a job 1 GiB, else none)"},
    {"--last", NULL, "of live bots: runs only while no other process wants to"},
    {"--result-bytes", "N", "of a job: longest result (32 MiB)"},
    {NULL, NULL, NULL}};

static int run_host(const struct cli_args *a) {
  int64_t fd = HOST_SOCKET_FD, data_count = 0, cpu_s = 60, memory = cli_has(a, "--live") ? 0 : INT64_C(1) << 30, result = INT64_C(32) << 20;
  if (cli_has(a, "--job") + cli_has(a, "--live") + cli_has(a, "--rules") != 1 || a->positional_count) return cli_usage(a, "host is started by the service, with --job, --live or --rules");
  if (!cli_integer(a, "--fd", 3, 1000, &fd) || !cli_integer(a, "--data-count", 0, 64, &data_count) || !cli_integer(a, "--cpu-s", 0, 86400, &cpu_s) ||
      !cli_integer(a, "--memory-bytes", 0, INT64_MAX, &memory) || !cli_integer(a, "--result-bytes", 65536, UINT32_MAX, &result))
    return 2;
  int type;
  socklen_t len = sizeof type;
  if (getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0) return cli_usage(a, "descriptor %" PRId64 " is no socket: host is started by the service", fd);
  if (cli_has(a, "--live")) return host_run(&(struct host_run_options){.socket = (int)fd, .word = HOST_WORD_FD, .address_bytes = (uint64_t)memory, .last = cli_has(a, "--last")});
  if (cli_has(a, "--rules")) return rules_child_run(&(struct rules_child_options){.socket = (int)fd, .word = HOST_WORD_FD, .address_bytes = (uint64_t)memory});
  struct job_child_options o = {.socket = (int)fd, .data_count = (int)data_count, .cpu_s = cpu_s, .address_bytes = (uint64_t)memory, .result_bytes = (uint64_t)result,
                                .engine_version = PERIGEE_VERSION};
  return job_child_run(&o);
}

const struct cli_command cmd_host = {
    "host", "--job | --live | --rules [options]", "internal: the jailed process that runs customers' scripts for the service",
    "With --job it takes a request and a script as frames from a socket, bars from descriptors after it, and answers with progress and a\n"
    "result; with --live it runs bots, instant by instant; with --rules it is asked what rules say to signals.\n"
    "It has no files, no network and no children: seccomp ends it at the first system call that is not needed to compute.",
    host_options, run_host,
    "perigee serve                                 starts it; there is no need to by hand"};
