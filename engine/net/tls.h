// net/tls.h – TLS 1.2 (1.3 with mbedtls 3.6) behind a small interface, so that another library can take its place. It knows
// bytes, not sockets: net/stream.h feeds it.
//
// A connection to somebody else cannot be made without that somebody's name: verification of chain and name is always on.
#pragma once
#include "base/status.h"

#include <stdbool.h>

struct tls_server;  // certificate, key, session tickets; counted references
struct tls_client;  // whom we trust; counted references
struct tls_session;

// PEM files: the certificate with its chain, and its key (unencrypted).
enum status tls_server_create(const char *cert_file, const char *key_file, struct tls_server **ret, struct err *err) MUST_CHECK;
struct tls_server *tls_server_retain(struct tls_server *server);
void tls_server_release(struct tls_server *server);

// ca_file: PEM bundle; NULL: the system's (/etc/ssl/certs/ca-certificates.crt and other usual places).
enum status tls_client_create(const char *ca_file, struct tls_client **ret, struct err *err) MUST_CHECK;
struct tls_client *tls_client_retain(struct tls_client *client);
void tls_client_release(struct tls_client *client);

struct tls_events {
  // Ciphertext for the other side; must be taken whole.
  void (*send)(void *arg, const char *bytes, size_t len);
  // The handshake is done; comes before any plaintext, during tls_receive. NULL if not needed.
  void (*ready)(void *arg);
  // Plaintext from the other side, during tls_receive; must not destroy the session.
  void (*receive)(void *arg, const char *bytes, size_t len);
};

enum status tls_session_create_server(struct tls_server *server, const struct tls_events *events, void *arg,
  struct tls_session **ret, struct err *err) MUST_CHECK;
// hostname: what the certificate must be for (a DNS name; not NULL, not empty: ERR_INVALID), also sent as SNI.
enum status tls_session_create_client(struct tls_client *client, const char *hostname, const struct tls_events *events,
  void *arg, struct tls_session **ret, struct err *err) MUST_CHECK;
void tls_session_destroy(struct tls_session *session);

// A client begins; a server does nothing until bytes come.
enum status tls_start(struct tls_session *session, struct err *err) MUST_CHECK;
// Ciphertext from the other side; plaintext comes out of events.receive. ERR_CANCELLED: the other side closed properly;
// any other error ends the session (the alert has been sent).
enum status tls_receive(struct tls_session *session, const char *bytes, size_t len, struct err *err) MUST_CHECK;
bool tls_ready(const struct tls_session *session);  // the handshake is done
// Plaintext to the other side. Before the handshake is done: ERR_INVALID.
enum status tls_send(struct tls_session *session, const char *bytes, size_t len, struct err *err) MUST_CHECK;
// close_notify.
void tls_finish(struct tls_session *session);
