// net/http_impl.h – what the files of the HTTP server share: server, connection, exchange. Inside net/.
//
//   http_server.c    listeners, time, the end            http_conn.c   a connection's bytes become requests
//   http_reply.c     answers become bytes                ws.c          a connection that became a WebSocket
#pragma once
#include "net/http_head.h"
#include "net/http_server.h"
#include "net/stream.h"

#define HTTP_PENDING_MAX 65536          // bytes read ahead while an answer is outstanding
#define HTTP_QUEUE_MAX (4 * 1024 * 1024)  // of a streamed answer
#define HTTP_LINGER_MS 2000
#define HTTP_TICK_MS 200

enum conn_state {
  CONN_IDLE,     // between requests
  CONN_HEAD,
  CONN_LENGTH,   // a body whose length is known
  CONN_CHUNKED,
  CONN_WAIT,     // the request is with the handler
  CONN_LINGER,   // answered and done; reads until the client has seen it
  CONN_WS,
  CONN_CLOSED
};

struct http_conn {
  struct stream stream;
  struct http_server *server;
  struct http_conn *prev, *next;
  struct http_exchange *ex;  // being read or answered
  struct ws *ws;
  char *pending;             // read ahead
  size_t pending_len;
  int64_t since_ms;          // begin of the state, for its time limit
  int64_t let_in;            // bytes until it is cut (on_begin); -1: it is not
  int64_t stalled_ms;        // since when the client has not taken all that waits; 0: it has
  struct http_peer peer;
  uint8_t state;
  bool processing, eof, served, was_ws;
};

#define EXTRA_INLINE 1024

// A request and its answer. Outlives its connection when the client leaves before the answer.
struct http_exchange {
  struct http_request req;
  struct http_server *server;
  struct http_conn *conn;    // NULL: gone
  struct http_exchange *next_free;
  struct http_head head;
  struct http_meaning meaning;
  struct http_chunks chunks;
  char *body;                // own memory, or in buf behind the head
  size_t body_len, body_cap;
  bool body_own;
  bool dispatched, begun, chunked_out, close_after, gone_told;
  int64_t out_left;          // of a promised length; -1: unknown
  void (*on_drain)(void *arg, struct http_request *req);
  void *drain_arg;
  int file_fd;               // -1: none
  char *extra;               // fields of the answer
  size_t extra_len, extra_cap;
  struct http_peer peer;
  char extra_inline[EXTRA_INLINE];
  struct http_field field[HTTP_FIELDS_MAX];
  char buf[HTTP_HEAD_BUF];
};

struct http_listener {
  struct http_listener *next;
  struct http_server *server;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } uv;
  struct tls_server *tls;
  bool is_unix;
  char path[108];
};

#define OUT_MAX 65536
#define EXCHANGES_KEPT 256

struct http_server {
  struct loop *loop;
  struct http_handler handler;
  void *arg;
  struct http_options options;
  struct http_listener *listeners;
  unsigned listeners_open;
  struct http_conn *conns;
  struct http_exchange *free_exchanges;
  unsigned free_count, exchanges;  // kept; handed out
  struct http_stats stats;
  struct loop_timer *tick;
  int64_t date_s;
  char date[64];       // "Date: …\r\n"
  size_t date_len;
  char name_line[80];  // "Server: …\r\n" or empty
  bool stopping, stopped_posted, stopped_told, destroyed;
  int64_t cut_ms;
  void (*stopped)(void *arg);
  void *stopped_arg;
  struct loop_task stopped_task;
  // Answers are gathered here, so that pipelined ones leave in one write; belongs to one connection at a time.
  struct http_conn *out_conn;
  size_t out_len;
  char out[OUT_MAX];
};

// http_conn.c
void http_conn_open(struct http_server *server, struct http_conn *conn);
// The connection ends now; whoever waits for its request is told.
void http_conn_close(struct http_conn *conn);
// The answer has been written: what next.
void http_conn_answered(struct http_conn *conn, bool keep);
// A WebSocket from now on; bytes that came early are passed on.
void http_conn_upgrade(struct http_conn *conn, struct ws *ws);
// The WebSocket is over: lets the client read its last bytes, not for long.
void http_conn_linger(struct http_conn *conn);
void http_conn_tick(struct http_conn *conn, int64_t now_ms);
void http_conn_read(struct http_conn *conn, const char *bytes, size_t len);

// http_reply.c
// The server's own answer to what is no request; closes.
void http_refuse(struct http_conn *conn, struct http_refusal refusal);
// Answers with a problem document: the handler's, or a plain one.
void http_problem(struct http_exchange *ex, int status, const char *detail);
// Room for len bytes of output of conn, or NULL when len is more than OUT_MAX; http_out_used says how many were written.
char *http_out(struct http_conn *conn, size_t len);
void http_out_add(struct http_conn *conn, const void *bytes, size_t len);
void http_out_flush(struct http_server *server);
void http_exchange_drained(struct http_exchange *ex);

// http_server.c
struct http_exchange *http_exchange_take(struct http_conn *conn);
void http_exchange_free(struct http_exchange *ex);
void http_server_check_stopped(struct http_server *server);

// ws.c
void ws_on_data(struct ws *ws, const char *bytes, size_t len);
void ws_on_end(struct ws *ws, const char *why);
void ws_on_drain(struct ws *ws);
void ws_tick(struct ws *ws, int64_t now_ms);
void ws_stop(struct ws *ws);  // the server goes away
