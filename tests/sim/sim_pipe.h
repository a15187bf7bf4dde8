// tests/sim/sim_pipe.h – the sockets between core and hosts, in memory: loop_socketpair() makes one, and recv(), send() and close() of the engine find
// it by its descriptor, which is no descriptor of the system's. Whether something waits is known without asking the kernel, which a world
// would do fourteen thousand times. As on Linux: what was sent before a close is read first; a reset follows where the other side left
// something unread. The program is linked with --wrap=recv, --wrap=send and --wrap=close.
#pragma once
#include <stdbool.h>

bool sim_pipe_readable(int fd);  // bytes, or its end
bool sim_pipe_writable(int fd);
bool sim_pipe_over(int fd);      // the other side has closed
int sim_pipe_dup(int fd);
