// api/admin_system.h – private to api/: how the service does, told when asked (GET /admin/system) and, while operators listen, every two seconds
// on the channel `system`; what is added to the audit log meanwhile goes to `audit`, each entry as GET /admin/audit shows it.
#pragma once
#include "base/json.h"
#include "base/status.h"

struct api_core;
struct audit_row;
struct db;
struct system_watch;

#define SYSTEM_WATCH_MS 2000
#define SYSTEM_CHANNEL "system"
#define AUDIT_CHANNEL "audit"

// As the route answers; a new reference.
enum status system_json(struct api_core *core, json_t **ret, struct err *err) MUST_CHECK;
// One entry; db: a connection of control.db.
json_t *admin_audit_json(struct db *db, const struct audit_row *row, const char *address);

enum status system_watch_create(struct api_core *core, struct system_watch **ret, struct err *err) MUST_CHECK;
void system_watch_destroy(struct system_watch *w);  // NULL does nothing
