// api/who.h – who asks: the outcome of authentication, for requests and for WebSocket clients alike.
#pragma once
#include "tenant/permission.h"

#include <stdint.h>

enum who_kind {
  WHO_NOBODY,
  WHO_SESSION,   // access token, or the console's cookie
  WHO_KEY,       // API key
  WHO_OPERATOR,  // a process of the server's own user (or root) on the unix socket, or the command line itself
};

struct api_who {
  enum who_kind kind;
  int64_t user_id;     // 0 with WHO_OPERATOR
  int64_t tenant_id;   // whose data; a user's own tenant or an organisation they belong to
  int64_t session_id;  // or 0
  int64_t key_id;      // or 0
  int64_t actor_id;    // the operator who impersonates user_id, or 0
  struct caller may;   // what the permission table decides by; member_role is the role in tenant_id
  bool cookie;         // then a change needs the CSRF token
  int64_t expires_s;   // Unix seconds; 0: does not
};
