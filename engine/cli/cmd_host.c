// cli/cmd_host.c – `perigee host --job`: the child process in which the service runs one customer's backtest. Not for people.
#include "cli/commands.h"

#include "backtest/job_child.h"

#include <inttypes.h>
#include <sys/socket.h>

static const struct cli_option host_options[] = {
    {"--job", NULL, "one backtest or verdict, then gone"},
    {"--fd", "N", "the socket (3); the data's descriptors follow it"},
    {"--data-count", "N", "descriptors with data (0)"},
    {"--cpu-s", "N", "CPU time, then the end; 0: no limit (60)"},
    {"--memory-bytes", "N", "address space; 0: no limit (1 GiB)"},
    {"--result-bytes", "N", "longest result (32 MiB)"},
    {NULL, NULL, NULL}};

static int run_host(const struct cli_args *a) {
  int64_t fd = 3, data_count = 0, cpu_s = 60, memory = INT64_C(1) << 30, result = INT64_C(32) << 20;
  if (!cli_has(a, "--job") || a->positional_count) return cli_usage(a, "host is started by the service, with --job");
  if (!cli_integer(a, "--fd", 3, 1000, &fd) || !cli_integer(a, "--data-count", 0, 64, &data_count) || !cli_integer(a, "--cpu-s", 0, 86400, &cpu_s) ||
      !cli_integer(a, "--memory-bytes", 0, INT64_MAX, &memory) || !cli_integer(a, "--result-bytes", 65536, UINT32_MAX, &result))
    return 2;
  int type;
  socklen_t len = sizeof type;
  if (getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &len) != 0) return cli_usage(a, "descriptor %" PRId64 " is no socket: host is started by the service", fd);
  struct job_child_options o = {.socket = (int)fd, .data_count = (int)data_count, .cpu_s = cpu_s, .address_bytes = (uint64_t)memory, .result_bytes = (uint64_t)result,
                                .engine_version = PERIGEE_VERSION};
  return job_child_run(&o);
}

const struct cli_command cmd_host = {
    "host", "--job [options]", "internal: the jailed process that runs one backtest for the service",
    "Takes a request and a script as frames from a socket, bars from descriptors after it, and answers with progress and a result.\n"
    "It has no files, no network and no children: seccomp ends it at the first system call that is not needed to compute.",
    host_options, run_host,
    "perigee serve                                 starts it; there is no need to by hand"};
