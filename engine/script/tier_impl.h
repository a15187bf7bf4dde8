// script/tier_impl.h – shared by tier_read.c and tier_allow.c. Private to script/.
#pragma once
#include "script/tier_script.h"
#include "script/vm.h"

// A state with the script loaded, and its set.
enum status tier_open(const char *chunkname, const char *source, size_t len, struct watchdog *watchdog, struct vm **ret_vm,
                      struct plan_set **ret_set, struct err *err) MUST_CHECK;
