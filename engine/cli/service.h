// cli/service.h – the composition of the service: store, keys, API, with or without listeners.
#pragma once
#include "base/status.h"

struct service;
struct settings;

// Everything but listening. Creates what is missing in the data directory. The settings outlive the service.
enum status service_open(const struct settings *settings, struct service **ret, struct err *err) MUST_CHECK;
// For commands when no service runs: nothing is logged, nothing resumes.
enum status service_open_local(const char *dir, struct service **ret, struct err *err) MUST_CHECK;
// Listens, serves until SIGTERM or SIGINT, finishes what is under way. SIGHUP reads the certificate again.
enum status service_run(struct service *service, struct err *err) MUST_CHECK;
// One call as the operator. *ret_body from malloc.
enum status service_call(struct service *service, const char *method, const char *target, const char *body, int *ret_status, char **ret_body, struct err *err) MUST_CHECK;
void service_close(struct service *service);  // NULL does nothing
