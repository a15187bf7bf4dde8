// net/tls.c – see tls.h. Compiles against mbedtls 2.28 and 3.x; with 3.x call psa_crypto_init first (crypto/ does).
#include "net/tls.h"

#include "crypto/secret.h"

#include <assert.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICKET_LIFETIME_S 86400
#define CACHE_ENTRIES 1000
#define HOSTNAME_MAX 253

// Forward secrecy and authenticated encryption only.
static const int suites[] = {
#if MBEDTLS_VERSION_MAJOR >= 3
  MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
  MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
  MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
#endif
  MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
  MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
  MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
  MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
  MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
  0,
};
// The quickest first: left to itself mbedtls takes the strongest, and a handshake on secp521r1 costs ten times one on P-256.
#if MBEDTLS_VERSION_MAJOR >= 3
static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
  MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
#else
static const mbedtls_ecp_group_id groups[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP384R1,
  MBEDTLS_ECP_DP_NONE};
#endif
static const char *protocols[] = {"http/1.1", NULL};

// What both ends need: randomness and a configuration.
struct common {
  unsigned refs;
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context random;
  mbedtls_ssl_config conf;
  mbedtls_x509_crt certs;
};

struct tls_server {
  struct common common;
  mbedtls_pk_context key;
  mbedtls_ssl_ticket_context tickets;
  mbedtls_ssl_cache_context cache;
};

struct tls_client {
  struct common common;
};

struct tls_session {
  mbedtls_ssl_context ssl;
  const struct tls_events *events;
  void *arg;
  struct tls_server *server;
  struct tls_client *client;
  const char *in;  // not yet read ciphertext, during tls_receive
  size_t in_len;
  bool ready, dead;
};

static enum status err_tls(struct err *err, int code, const char *what) {
  char text[160];
  mbedtls_strerror(code, text, sizeof text);
  return err_set(err, code == MBEDTLS_ERR_SSL_ALLOC_FAILED ? ERR_NOMEM : ERR_IO, "%s: %s", what, text);
}

static enum status common_init(struct common *c, int endpoint, struct err *err) {
  c->refs = 1;
  mbedtls_entropy_init(&c->entropy);
  mbedtls_ctr_drbg_init(&c->random);
  mbedtls_ssl_config_init(&c->conf);
  mbedtls_x509_crt_init(&c->certs);
  int code = mbedtls_ctr_drbg_seed(&c->random, mbedtls_entropy_func, &c->entropy, (const unsigned char *)"perigee tls", 11);
  if (code) return err_tls(err, code, "random source");
  code = mbedtls_ssl_config_defaults(&c->conf, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (code) return err_tls(err, code, "TLS configuration");
  mbedtls_ssl_conf_rng(&c->conf, mbedtls_ctr_drbg_random, &c->random);
  mbedtls_ssl_conf_ciphersuites(&c->conf, suites);
#if MBEDTLS_VERSION_MAJOR >= 3
  mbedtls_ssl_conf_min_tls_version(&c->conf, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_groups(&c->conf, groups);
#else
  mbedtls_ssl_conf_min_version(&c->conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_curves(&c->conf, groups);
#endif
#ifdef MBEDTLS_SSL_RENEGOTIATION
  mbedtls_ssl_conf_renegotiation(&c->conf, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
  return OK;
}

static void common_finish(struct common *c) {
  mbedtls_ssl_config_free(&c->conf);
  mbedtls_x509_crt_free(&c->certs);
  mbedtls_ctr_drbg_free(&c->random);
  mbedtls_entropy_free(&c->entropy);
}

// ---- server ----

static int parse_key(struct tls_server *s, const char *file) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_parse_keyfile(&s->key, file, NULL, mbedtls_ctr_drbg_random, &s->common.random);
#else
  return mbedtls_pk_parse_keyfile(&s->key, file, NULL);
#endif
}

static int key_matches(struct tls_server *s) {
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_check_pair(&s->common.certs.pk, &s->key, mbedtls_ctr_drbg_random, &s->common.random);
#else
  return mbedtls_pk_check_pair(&s->common.certs.pk, &s->key);
#endif
}

static enum status server_init(struct tls_server *s, const char *cert_file, const char *key_file, struct err *err) {
  mbedtls_pk_init(&s->key);
  mbedtls_ssl_ticket_init(&s->tickets);
  mbedtls_ssl_cache_init(&s->cache);
  enum status st = common_init(&s->common, MBEDTLS_SSL_IS_SERVER, err);
  if (st != OK) return st;
  int code = mbedtls_x509_crt_parse_file(&s->common.certs, cert_file);
  if (code < 0) return err_tls(err, code, cert_file);
  if (code > 0) return err_set(err, ERR_INVALID, "%s: %d certificates cannot be read", cert_file, code);
  code = parse_key(s, key_file);
  if (code) return err_tls(err, code, key_file);
  if (key_matches(s) != 0) return err_set(err, ERR_INVALID, "%s is not the key of %s", key_file, cert_file);
  code = mbedtls_ssl_conf_own_cert(&s->common.conf, &s->common.certs, &s->key);
  if (code) return err_tls(err, code, cert_file);
  code = mbedtls_ssl_conf_alpn_protocols(&s->common.conf, protocols);
  if (code) return err_tls(err, code, "ALPN");
  code = mbedtls_ssl_ticket_setup(&s->tickets, mbedtls_ctr_drbg_random, &s->common.random, MBEDTLS_CIPHER_AES_256_GCM,
    TICKET_LIFETIME_S);
  if (code) return err_tls(err, code, "session tickets");
  mbedtls_ssl_conf_session_tickets_cb(&s->common.conf, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse, &s->tickets);
  mbedtls_ssl_cache_set_max_entries(&s->cache, CACHE_ENTRIES);
  mbedtls_ssl_conf_session_cache(&s->common.conf, &s->cache, mbedtls_ssl_cache_get, mbedtls_ssl_cache_set);
  return OK;
}

enum status tls_server_create(const char *cert_file, const char *key_file, struct tls_server **ret, struct err *err) {
  struct tls_server *s = calloc(1, sizeof *s);
  if (!s) return err_set(err, ERR_NOMEM, "TLS");
  enum status st = server_init(s, cert_file, key_file, err);
  if (st != OK) {
    tls_server_release(s);
    return st;
  }
  *ret = s;
  return OK;
}

struct tls_server *tls_server_retain(struct tls_server *s) {
  s->common.refs++;
  return s;
}

void tls_server_release(struct tls_server *s) {
  if (!s || --s->common.refs > 0) return;
  common_finish(&s->common);
  mbedtls_ssl_cache_free(&s->cache);
  mbedtls_ssl_ticket_free(&s->tickets);
  mbedtls_pk_free(&s->key);
  free(s);
}

// ---- client ----

static const char *system_ca_file(void) {
  static const char *const usual[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"};
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
    if (access(usual[i], R_OK) == 0) return usual[i];
  }
  return NULL;
}

static enum status client_init(struct tls_client *c, const char *ca_file, struct err *err) {
  enum status st = common_init(&c->common, MBEDTLS_SSL_IS_CLIENT, err);
  if (st != OK) return st;
  if (!ca_file) ca_file = system_ca_file();
  if (!ca_file) return err_set(err, ERR_NOTFOUND, "no CA certificates on this system (package ca-certificates)");
  int code = mbedtls_x509_crt_parse_file(&c->common.certs, ca_file);
  if (code < 0) return err_tls(err, code, ca_file);  // > 0: some of a system's many certificates are not for us
  mbedtls_ssl_conf_ca_chain(&c->common.conf, &c->common.certs, NULL);
  mbedtls_ssl_conf_authmode(&c->common.conf, MBEDTLS_SSL_VERIFY_REQUIRED);
  return OK;
}

enum status tls_client_create(const char *ca_file, struct tls_client **ret, struct err *err) {
  struct tls_client *c = calloc(1, sizeof *c);
  if (!c) return err_set(err, ERR_NOMEM, "TLS");
  enum status st = client_init(c, ca_file, err);
  if (st != OK) {
    tls_client_release(c);
    return st;
  }
  *ret = c;
  return OK;
}

struct tls_client *tls_client_retain(struct tls_client *c) {
  c->common.refs++;
  return c;
}

void tls_client_release(struct tls_client *c) {
  if (!c || --c->common.refs > 0) return;
  common_finish(&c->common);
  free(c);
}

// ---- sessions ----

static int bio_send(void *arg, const unsigned char *bytes, size_t len) {
  struct tls_session *t = arg;
  t->events->send(t->arg, (const char *)bytes, len);
  return (int)len;
}

static int bio_recv(void *arg, unsigned char *bytes, size_t len) {
  struct tls_session *t = arg;
  if (t->in_len == 0) return MBEDTLS_ERR_SSL_WANT_READ;
  if (len > t->in_len) len = t->in_len;
  memcpy(bytes, t->in, len);
  t->in += len;
  t->in_len -= len;
  return (int)len;
}

static enum status session_create(const mbedtls_ssl_config *conf, const struct tls_events *events, void *arg,
  struct tls_session **ret, struct err *err) {
  struct tls_session *t = calloc(1, sizeof *t);
  if (!t) return err_set(err, ERR_NOMEM, "TLS");
  mbedtls_ssl_init(&t->ssl);
  int code = mbedtls_ssl_setup(&t->ssl, conf);
  if (code) {
    tls_session_destroy(t);
    return err_tls(err, code, "TLS");
  }
  t->events = events;
  t->arg = arg;
  mbedtls_ssl_set_bio(&t->ssl, t, bio_send, bio_recv, NULL);
  *ret = t;
  return OK;
}

enum status tls_session_create_server(struct tls_server *server, const struct tls_events *events, void *arg,
  struct tls_session **ret, struct err *err) {
  enum status st = session_create(&server->common.conf, events, arg, ret, err);
  if (st == OK) (*ret)->server = tls_server_retain(server);
  return st;
}

enum status tls_session_create_client(struct tls_client *client, const char *hostname, const struct tls_events *events,
  void *arg, struct tls_session **ret, struct err *err) {
  // Without a name mbedtls would check the chain only, and any certificate of anybody would do.
  if (!hostname || !hostname[0] || strlen(hostname) > HOSTNAME_MAX)
    return err_set(err, ERR_INVALID, "a TLS connection needs the name of the other side");
  enum status st = session_create(&client->common.conf, events, arg, ret, err);
  if (st != OK) return st;
  (*ret)->client = tls_client_retain(client);
  int code = mbedtls_ssl_set_hostname(&(*ret)->ssl, hostname);
  if (code == 0) return OK;
  tls_session_destroy(*ret);
  *ret = NULL;
  return err_tls(err, code, hostname);
}

void tls_session_destroy(struct tls_session *t) {
  if (!t) return;
  mbedtls_ssl_free(&t->ssl);
  tls_server_release(t->server);
  tls_client_release(t->client);
  free(t);
}

static enum status fail(struct tls_session *t, int code, struct err *err) {
  t->dead = true;
  if (code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return err_set(err, ERR_CANCELLED, "closed by the other side");
  uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);
  if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && flags != 0) {
    char text[256];
    mbedtls_x509_crt_verify_info(text, sizeof text, "", flags);
    text[strcspn(text, "\n")] = '\0';
    return err_set(err, ERR_INVALID, "certificate refused: %s", text);
  }
  return err_tls(err, code, t->ready ? "TLS" : "TLS handshake");
}

static enum status handshake(struct tls_session *t, struct err *err) {
  int code = mbedtls_ssl_handshake(&t->ssl);
  if (code == MBEDTLS_ERR_SSL_WANT_READ) return OK;
  if (code != 0) return fail(t, code, err);
  t->ready = true;
  if (t->events->ready) t->events->ready(t->arg);
  return OK;
}

enum status tls_start(struct tls_session *t, struct err *err) {
  return t->client ? handshake(t, err) : OK;
}

enum status tls_receive(struct tls_session *t, const char *bytes, size_t len, struct err *err) {
  static _Thread_local unsigned char plain[16384];  // a record holds no more
  if (t->dead) return err_set(err, ERR_INVALID, "TLS session has ended");
  t->in = bytes;
  t->in_len = len;
  if (!t->ready) {
    enum status st = handshake(t, err);
    if (st != OK || !t->ready) return st;
  }
  for (;;) {
    int n = mbedtls_ssl_read(&t->ssl, plain, sizeof plain);
    if (n > 0) {
      t->events->receive(t->arg, (const char *)plain, (size_t)n);
      secret_wipe(plain, (size_t)n);
    }
    else if (n == MBEDTLS_ERR_SSL_WANT_READ) return OK;
#if MBEDTLS_VERSION_MAJOR >= 3 && defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
    else if (n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) continue;
#endif
    else return fail(t, n == 0 ? MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY : n, err);
  }
}

bool tls_ready(const struct tls_session *t) {
  return t->ready;
}

enum status tls_send(struct tls_session *t, const char *bytes, size_t len, struct err *err) {
  if (!t->ready || t->dead) return err_set(err, ERR_INVALID, "TLS session is not open");
  while (len > 0) {
    int n = mbedtls_ssl_write(&t->ssl, (const unsigned char *)bytes, len);
    if (n <= 0) return fail(t, n, err);  // never WANT_WRITE: bio_send takes everything
    bytes += n;
    len -= (size_t)n;
  }
  return OK;
}

void tls_finish(struct tls_session *t) {
  if (t->ready && !t->dead) mbedtls_ssl_close_notify(&t->ssl);
}
