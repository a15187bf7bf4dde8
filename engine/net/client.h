// net/client.h – an outgoing connection: resolve, connect, TLS with the other side's name verified, time limit. What SMTP and
// the HTTP client stand on.
//
// public_only is for addresses that customers write: the name is resolved once, every address it has must be globally
// reachable (net/address.h), and one of those very addresses is connected to, so that a second look-up cannot lead inside.
#pragma once
#include "base/status.h"
#include "net/address.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct tls_client;
struct client;

struct client_options {
  const char *host;         // a name or a numeric address; with TLS also what the certificate must be for
  uint16_t port;
  struct tls_client *tls;   // NULL: plain, perhaps client_start_tls later
  bool public_only;
  int64_t timeout_ms;       // until the connection is open, TLS included; 0: 10,000
};

struct client_events {
  void (*on_open)(void *arg);  // connected, and with TLS: verified
  void (*on_data)(void *arg, const char *bytes, size_t len);
  void (*on_drain)(void *arg);  // the queue ran empty after having waited; NULL if not needed
  // Once, and nothing after it; also when opening failed, but never before client_open has returned. why NULL: the other
  // side ended properly. The client still wants client_destroy.
  void (*on_close)(void *arg, const char *why);
};

// ERR_INVALID: no host, or one that cannot be.
enum status client_open(struct loop *loop, const struct client_options *options, const struct client_events *events, void *arg,
  struct client **ret, struct err *err) MUST_CHECK;
// Switches an open plain connection to TLS (STARTTLS); on_open is called again when it is verified. Bytes that came before
// in plain are the caller's to distrust.
enum status client_start_tls(struct client *client, struct tls_client *tls, struct err *err) MUST_CHECK;
// false: not open any more.
bool client_write(struct client *client, const void *bytes, size_t len);
size_t client_queued(const struct client *client);
// See stream_handed and stream_quiet (net/stream.h): what has left, and whether an idle connection is still good.
uint64_t client_handed(const struct client *client);
bool client_quiet(const struct client *client);
// Whom we are connected to; valid once open.
const struct address *client_peer(const struct client *client);
// No more events. What is still queued is lost. NULL does nothing.
void client_destroy(struct client *client);
