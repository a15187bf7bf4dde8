// cli/service.h – the composition of the service: store, keys, API, with or without listeners.
#pragma once
#include "base/status.h"

struct service;
struct settings;

// Everything but listening. Creates what is missing in the data directory. The settings outlive the service.
enum status service_open(const struct settings *settings, struct service **ret, struct err *err) MUST_CHECK;
// For commands when no service runs: nothing is logged, nothing resumes.
enum status service_open_local(const char *dir, struct service **ret, struct err *err) MUST_CHECK;
// Where settings come from when they are read again; arg outlives the service.
struct service_settings {
  enum status (*read)(void *arg, struct settings *ret, struct err *err);
  void *arg;
};
void service_reread(struct service *service, struct service_settings source);
// Starts what runs bots: feeds, hosts, recovery. Before service_run.
enum status service_live(struct service *service, struct err *err) MUST_CHECK;
// Listens, serves until SIGTERM or SIGINT, finishes what is under way. SIGHUP reads settings, keys and certificate again; the log
// says what changed and what needs a restart. A mistake in them leaves everything as it was.
enum status service_run(struct service *service, struct err *err) MUST_CHECK;
// One call as the operator. *ret_body from malloc.
enum status service_call(struct service *service, const char *method, const char *target, const char *body, int *ret_status, char **ret_body, struct err *err) MUST_CHECK;
// The same with header fields (name, value pairs that end with NULL), so as somebody; fields NULL: the operator.
enum status service_call_as(struct service *service, const char *method, const char *target, const char *body, const char *const *fields, int *ret_status, char **ret_body, struct err *err) MUST_CHECK;
void service_close(struct service *service);  // NULL does nothing
