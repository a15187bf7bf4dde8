// api/who.h – who asks: the outcome of authentication, for requests and for WebSocket clients alike.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum who_kind {
  WHO_NOBODY,
  WHO_SESSION,   // access token, or the console's cookie
  WHO_KEY,       // API key
  WHO_OPERATOR,  // a process of the server's own user (or root) on the unix socket, or the command line itself
};

enum who_scope { SCOPE_READ = 1, SCOPE_TRADE = 2, SCOPE_STRATEGIES = 4, SCOPE_ADMIN = 8, SCOPE_ALL = 15 };

struct api_who {
  enum who_kind kind;
  int64_t user_id;     // 0 with WHO_OPERATOR
  int64_t tenant_id;   // whose data; a user's own tenant or an organisation they belong to
  int64_t session_id;  // or 0
  int64_t key_id;      // or 0
  int64_t actor_id;    // the operator who impersonates user_id, or 0
  unsigned scopes;     // enum who_scope; all but with WHO_KEY
  int role;            // enum role of tenant/, of the site
  int member_role;     // enum role of tenant/, in tenant_id
  bool mfa;            // a second factor was shown
  bool cookie;         // then a change needs the CSRF token
  int64_t expires_s;   // Unix seconds; 0: does not
};
