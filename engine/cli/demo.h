// cli/demo.h – what `perigee serve --demo` makes at its first start: a paper account and five bots of shipped strategies.
#pragma once
#include "base/status.h"

struct service;

// As that customer, whose plan becomes the edition's largest. What is refused is said on standard error and left out: a demo
// must not stop a service.
enum status demo_make(struct service *service, const char *email, const char *password, const char *user_id, struct err *err) MUST_CHECK;
