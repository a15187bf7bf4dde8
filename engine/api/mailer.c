#include "api/mailer.h"

#include "api/notices.h"
#include "api/server.h"
#include "crypto/secret.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "net/mail_message.h"
#include "net/smtp.h"
#include "net/tls.h"
#include "notice/render.h"
#include "store/id.h"
#include "store/store.h"
#include "tenant/identity.h"
#include "tenant/mail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_MS 250
#define HOLD_MIN_MS 1000     // after a server could not be reached; doubles
#define HOLD_MAX_MS 64000
#define FAREWELL_MS 3000
#define NS_PER_S INT64_C(1000000000)

// How mail leaves.
struct transport {
  char dir[4200];            // of the files
  struct smtp *smtp;         // NULL: files
  char from[MAIL_ADDRESS_MAX + 1];
};

struct mailer {
  struct api_core *core;
  struct loop_timer *look, *farewell;
  struct transport by;
  struct transport *next;    // takes over when the mail under way is gone; or NULL
  const char *product;
  int64_t hold_ms, hold_until_ms;
  bool busy, leaving, late;
  uint64_t sent, failed;     // mails sent; attempts that failed
  bool refused;              // the server refuses us, not somebody: since the last mail that went through nobody has mended it
  // The one under way.
  struct outbox_row row;
  struct buf text;
  struct smtp_mail mail;
  enum smtp_outcome outcome;
  char detail[SMTP_DETAIL_SIZE];
  bool again;                // the next one may follow at once
};

static void look(void *arg);
static void take_over(struct mailer *m);

// ---- marking

static enum status mark(struct db *db, void *arg, struct err *err) {
  struct mailer *m = arg;
  const int64_t now = clock_wall_ns();
  const int64_t next_ns = m->outcome == SMTP_SENT || m->outcome == SMTP_NEVER ? 0 : mail_retry_ns(&m->row, now);
  enum status st = m->row.sending_id ? notices_mailed(db, m->row.sending_id, m->outcome, m->detail, next_ns == 0, now, err) : OK;
  if (st != OK) return st;
  if (m->outcome == SMTP_SENT) return outbox_sent(db, m->row.id, now, err);
  return outbox_failed(db, m->row.id, m->detail, next_ns, err);
}

static void marked(void *arg, enum status st, const struct err *err) {
  struct mailer *m = arg;
  (void)err;  // the storage says so elsewhere; the mail will go out again
  m->busy = false;
  if (m->next) take_over(m);
  if (st == OK && m->again) look(m);
}

static void ended(struct mailer *m, enum smtp_outcome outcome, const char *detail) {
  buf_finish(&m->text);
  m->outcome = outcome;
  snprintf(m->detail, sizeof m->detail, "%s", detail);
  if (outcome == SMTP_SENT) m->sent++;
  else m->failed++;
  char id[ID_TEXT_SIZE];
  id_format("eml", m->row.id, id);
  const bool given_up = outcome == SMTP_NEVER || (outcome != SMTP_SENT && mail_retry_ns(&m->row, clock_wall_ns()) == 0);
  if (outcome == SMTP_SENT) m->refused = false;
  if (outcome == SMTP_OURS) m->refused = true;
  if (outcome == SMTP_SENT) api_log(m->core, "info", "mail_sent", json_pack("{s:s, s:i}", "mail", id, "attempt", m->row.attempts + 1));
  else api_log(m->core, given_up || outcome == SMTP_OURS ? "error" : "warning", outcome == SMTP_OURS ? "mail_refused" : "mail_failed",
               json_pack("{s:s, s:i, s:b, s:s, s:s*}", "mail", id, "attempt", m->row.attempts + 1, "given_up", given_up, "error", m->detail, "mend",
                         outcome == SMTP_OURS ? "the mail server refuses this service, not the recipient: look at mail, mail-from, the password, and at the server" : NULL));
  store_write(m->core->store, STORE_CONTROL, mark, marked, m);
}

// ---- transports

static enum status write_file(struct mailer *m, const char *body, struct err *err) {
  char path[4400], id[ID_TEXT_SIZE];
  if (mkdir(m->by.dir, 0700) != 0 && errno != EEXIST) return err_errno(err, errno, "%s", m->by.dir);
  id_format("eml", m->row.id, id);
  snprintf(path, sizeof path, "%s/%s.txt", m->by.dir, id);
  buf_printf(&m->text, "To: %s\nSubject: %s\n\n%s\n", m->row.recipient, m->row.subject, body);
  if (m->text.failed) return err_set(err, ERR_NOMEM, "out of memory");
  return file_write_atomic(path, m->text.data, m->text.len, err);
}

static void smtp_done(void *arg, enum smtp_outcome outcome, const char *detail, bool reached) {
  struct mailer *m = arg;
  // While the server cannot be reached there is no point in trying every mail that waits.
  m->hold_ms = reached ? 0 : m->hold_ms ? m->hold_ms * 2 : HOLD_MIN_MS;
  if (m->hold_ms > HOLD_MAX_MS) m->hold_ms = HOLD_MAX_MS;
  m->hold_until_ms = loop_now_ms(m->core->loop) + m->hold_ms;
  m->again = m->hold_ms == 0;
  ended(m, outcome, detail);
}

static enum status hand_over(struct mailer *m, const char *body, struct err *err) {
  char id[ID_TEXT_SIZE], message_id[ID_TEXT_SIZE + MAIL_ADDRESS_MAX + 1];
  id_format("eml", m->row.id, id);
  snprintf(message_id, sizeof message_id, "%s%s", id, strchr(m->by.from, '@'));
  struct mail_message message = {.from = m->by.from, .from_name = m->product, .to = m->row.recipient, .subject = m->row.subject, .body = body,
                                       .message_id = message_id, .date_s = m->row.created_ns / NS_PER_S};
  enum status st = OK;
  struct buf html;
  buf_init_secret(&html, 1 << 16);
  if (m->row.sending_id) notice_html(m->product, m->row.subject, body, &html);
  if (html.failed) st = err_set(err, ERR_NOMEM, "mail");
  if (m->row.sending_id) message.html = html.data;
  if (st == OK) st = mail_message_write(&message, &m->text, err);
  buf_finish(&html);
  if (st != OK) return st;
  m->mail = (struct smtp_mail){.from = m->by.from, .to = m->row.recipient, .text = m->text.data, .len = m->text.len};
  return smtp_send(m->by.smtp, &m->mail, smtp_done, m, err);
}

static void look(void *arg) {
  struct mailer *m = arg;
  struct err err = {0};
  if (m->busy || m->leaving || m->core->draining || loop_now_ms(m->core->loop) < m->hold_until_ms) return;
  if (outbox_due(store_reader(m->core->store, STORE_CONTROL), clock_wall_ns(), &m->row, &err) != OK) return;
  m->busy = true;
  m->again = true;
  char body[MAIL_BODY_MAX + 1];
  buf_init_secret(&m->text, 1 << 16);
  enum status st = mail_body(identity_keys(m->core->identity), &m->row, body, &err);
  if (st == OK) st = m->by.smtp ? hand_over(m, body, &err) : write_file(m, body, &err);
  secret_wipe(body, sizeof body);
  // What is wrong with the mail itself stays wrong.
  if (st != OK) ended(m, st == ERR_INVALID || st == ERR_RANGE ? SMTP_NEVER : SMTP_LATER, err.msg);
  else if (!m->by.smtp) ended(m, SMTP_SENT, "");
}

// ---- settings

static enum status sender_of(struct transport *t, const struct api_config *config, struct err *err) {
  const char *host = config->site_url ? strstr(config->site_url, "://") : NULL;
  host = host ? host + 3 : "";
  const size_t len = strcspn(host, ":/");
  if (config->mail_from) snprintf(t->from, sizeof t->from, "%s", config->mail_from);
  else if (len < sizeof t->from - 16 && memchr(host, '.', len)) snprintf(t->from, sizeof t->from, "no-reply@%.*s", (int)len, host);
  if (mail_address_ok(t->from)) return OK;
  return err_set(err, ERR_USAGE, t->from[0] ? "mail-from \"%s\" is no plain mail address" : "a mail server needs mail-from, the address that mail comes from%s", t->from);
}

static enum status smtp_of(struct transport *t, struct loop *loop, const struct api_config *config, struct err *err) {
  struct smtp_server server;
  struct tls_client *tls = NULL;
  enum status st = smtp_server_parse(config->mail, &server, err);
  if (st != OK) return err_wrap(err, ERR_USAGE, "mail");
  st = sender_of(t, config, err);
  if (st == OK && config->mail_password && strlen(config->mail_password) >= sizeof server.password)
    st = err_set(err, ERR_USAGE, "the mail server's password is longer than %zu bytes", sizeof server.password - 1);
  if (st == OK && config->mail_password) snprintf(server.password, sizeof server.password, "%s", config->mail_password);
  if (st == OK && server.security != SMTP_PLAIN) st = tls_client_create(config->mail_ca, &tls, err);
  const struct smtp_options options = {.server = &server, .tls = tls, .hello = strchr(t->from, '@') ? strchr(t->from, '@') + 1 : ""};
  if (st == OK) st = smtp_create(loop, &options, &t->smtp, err);
  tls_client_release(tls);
  secret_wipe(&server, sizeof server);
  return st;
}

static enum status transport_of(struct mailer *m, const struct api_config *config, struct transport *ret, struct err *err) {
  *ret = (struct transport){.smtp = NULL};
  if (config->mail && strncmp(config->mail, "dir:", 4) != 0) return smtp_of(ret, m->core->loop, config, err);
  if (config->mail) snprintf(ret->dir, sizeof ret->dir, "%s", config->mail + 4);
  else snprintf(ret->dir, sizeof ret->dir, "%s/outbox", store_dir(m->core->store));
  return OK;
}

static void take_over(struct mailer *m) {
  smtp_destroy(m->by.smtp);
  m->by = *m->next;
  free(m->next);
  m->next = NULL;
  m->hold_ms = m->hold_until_ms = 0;
  m->refused = false;  // new settings, new hope
}

enum status mailer_configure(struct mailer *m, const struct api_config *config, struct err *err) {
  struct transport *t = malloc(sizeof *t);
  if (!t) return err_set(err, ERR_NOMEM, "out of memory");
  enum status st = transport_of(m, config, t, err);
  if (st != OK) {
    smtp_destroy(t->smtp);
    free(t);
    return st;
  }
  if (m->next) smtp_destroy(m->next->smtp);
  free(m->next);
  m->next = t;
  if (!m->busy) take_over(m);
  return OK;
}

static double gauge_waiting(void *arg) {
  int64_t n = 0;
  struct err err;
  return outbox_waiting(store_reader(((struct mailer *)arg)->core->store, STORE_CONTROL), &n, &err) == OK ? (double)n : 0;
}
static double gauge_sent(void *arg) { return (double)((struct mailer *)arg)->sent; }
static double gauge_failed(void *arg) { return (double)((struct mailer *)arg)->failed; }
static double gauge_refused(void *arg) { return ((struct mailer *)arg)->refused; }
static void too_late(void *arg) { ((struct mailer *)arg)->late = true; }

enum status mailer_create(struct api_core *core, const struct api_config *config, struct mailer **ret, struct err *err) {
  struct mailer *m = calloc(1, sizeof *m);
  if (!m) return err_set(err, ERR_NOMEM, "out of memory");
  m->core = core;
  m->product = config->product ? config->product : "Perigee";
  *ret = m;  // its destruction is the core's from here on
  enum status st = transport_of(m, config, &m->by, err);
  if (st == OK) st = loop_timer_create(core->loop, too_late, m, &m->farewell, err);
  if (st == OK) st = loop_timer_create(core->loop, look, m, &m->look, err);
  if (st != OK) return st;
  loop_timer_start(m->look, LOOK_MS, LOOK_MS);
  metrics_gauge(core->metrics, (struct metrics_gauge){"mail_waiting", "Mails in the outbox that are still to be sent", "gauge", gauge_waiting, m});
  metrics_gauge(core->metrics, (struct metrics_gauge){"mail_sent_total", "Mails handed over", "counter", gauge_sent, m});
  metrics_gauge(core->metrics, (struct metrics_gauge){"mail_failures_total", "Attempts to hand over a mail that failed", "counter", gauge_failed, m});
  metrics_gauge(core->metrics, (struct metrics_gauge){"mail_refused", "1: the mail server refuses this service, not a recipient; nothing has gone through since", "gauge",
                                                      gauge_refused, m});
  return OK;
}

void mailer_destroy(struct mailer *m) {
  if (!m) return;
  m->leaving = true;
  if (m->core->metrics) metrics_gauge_forget(m->core->metrics, m);
  loop_timer_destroy(m->look);
  if (m->busy && m->farewell) loop_timer_start(m->farewell, FAREWELL_MS, 0);
  // Marking always ends; a mail server may not.
  while (m->busy && !(m->late && m->text.data)) loop_turn(m->core->loop, true);
  smtp_destroy(m->by.smtp);
  if (m->next) smtp_destroy(m->next->smtp);
  free(m->next);
  buf_finish(&m->text);
  loop_timer_destroy(m->farewell);
  free(m);
}
