// cli/venue_dialect.h – a dialect by the name of a shipped one or as a file, for commands. Private to cli/.
#pragma once
#include "base/status.h"

struct dialect;
struct watchdog;

// Anything but OK after printing what is wrong.
enum status cli_venue_dialect(const char *name_or_path, struct watchdog *watchdog, struct dialect **ret) MUST_CHECK;
