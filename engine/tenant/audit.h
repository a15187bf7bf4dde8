// tenant/audit.h – the log of who did what, which cannot be changed unnoticed.
//
// A chain per tenant (0: the site's own): each row's hash covers its content and the hash before it. Now and then the heads of
// all chains are signed together with the signature before, so that cutting off a chain's end shows too – as long as one
// signature was seen by somebody else, which is why they are to be shipped off the machine. People appear as ids only; an
// address or a browser's name stands beside the chain and can be erased.
#pragma once
#include "crypto/sign.h"
#include "store/audit_rows.h"

struct audit_event {
  int64_t tenant_id;        // 0: the site
  int64_t user_id;          // who; 0: nobody known
  int64_t actor_id;         // the operator who acted as user_id, or 0
  const char *action;       // "login", "key.create"; dots, lower case
  const char *object;       // "key_0D…", or ""
  const char *detail;       // JSON without personal data, or NULL
  const char *address, *user_agent;  // or NULL
  int64_t at_ns;
};

// In a write. Texts that are too long are cut.
enum status audit_add(struct db *db, const struct audit_event *event, struct err *err) MUST_CHECK;
// In a write: signs the heads that changed; *ret_signed false when none did.
enum status audit_sign(struct db *db, const struct sign_key *key, int64_t now_ns, bool *ret_signed, struct err *err) MUST_CHECK;

struct audit_report {
  int64_t chains, rows, signatures;
  bool sound;
  char fault[256];  // the first thing that does not fit
  int64_t fault_tenant_id, fault_seq;  // and where: the chain and its row (of a signature: 0 and its number); -1: nowhere
};
// Checks every chain and every signature against pub; pub NULL: the chains, and what was signed, not by whom. OK also when it finds a fault: see the report.
enum status audit_verify(struct db *db, const uint8_t pub[SIGN_PUBLIC_BYTES], struct audit_report *ret, struct err *err) MUST_CHECK;
