// market/text.c – lines and fields; see text.h. Memory stays at one window whatever the file holds.
#include "market/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK_DEFAULT (256 * 1024)
#define PIPE_WRITER_TIMEOUT_MS 2000

// ---------------------------------------------------------------- packed bytes

// Refills in[] when it is used up. *input_ended is set at the end.
static enum status input_fill(struct text_reader *r, struct err *err) {
  if (r->in_pos < r->in_len || r->input_ended) return OK;
  if (r->fd < 0) {
    r->input_ended = true;
    return OK;
  }
  ssize_t n;
  do n = read(r->fd, r->in, r->chunk);
  while (n < 0 && errno == EINTR);
  if (n < 0) return err_errno(err, errno, "%s", r->path);
  r->in_pos = 0;
  r->in_len = (size_t)n;
  r->input_ended = n == 0;
  return OK;
}

static enum status zlib_error(struct text_reader *r, const z_stream *z, int code, struct err *err) {
  if (code == Z_MEM_ERROR) return err_set(err, ERR_NOMEM, "%s: out of memory", r->path);
  return err_set(err, ERR_INVALID, "%s:%zu: the gzip data is damaged (%s); fetch the file again", r->path, r->line + 1,
                 z->msg ? z->msg : "bad data");
}

// Between gzip members: the next one begins, zero padding is skipped, anything else is refused.
static enum status next_member(struct text_reader *r, struct err *err) {
  z_stream *z = r->inflate;
  for (;;) {
    enum status st = input_fill(r, err);
    if (st != OK) return st;
    if (r->in_pos == r->in_len) {
      r->text_ended = true;
      return OK;
    }
    unsigned char next = (unsigned char)r->in[r->in_pos];
    if (next == 0x1f) break;
    if (next != 0) return err_set(err, ERR_INVALID, "%s: other bytes follow the gzip data", r->path);
    r->in_pos++;
  }
  r->member_ended = false;
  int code = inflateReset(z);
  return code == Z_OK ? OK : zlib_error(r, z, code, err);
}

// Unpacks at least one byte into to[0..room), or finds the end.
static enum status unpack(struct text_reader *r, char *to, size_t room, size_t *ret_len, struct err *err) {
  z_stream *z = r->inflate;
  *ret_len = 0;
  while (*ret_len == 0 && !r->text_ended) {
    enum status st = r->member_ended ? next_member(r, err) : input_fill(r, err);
    if (st != OK) return st;
    if (r->text_ended) break;
    if (r->in_pos == r->in_len && r->input_ended)
      return err_set(err, ERR_INVALID, "%s: the gzip data ends early after line %zu: the file is cut; fetch it again", r->path,
                     r->line);
    z->next_in = (unsigned char *)r->in + r->in_pos;
    z->avail_in = (unsigned)(r->in_len - r->in_pos);
    z->next_out = (unsigned char *)to;
    z->avail_out = (unsigned)room;
    int code = inflate(z, Z_NO_FLUSH);
    r->in_pos = r->in_len - z->avail_in;
    *ret_len = room - z->avail_out;
    if (code == Z_STREAM_END) r->member_ended = true;
    else if (code != Z_OK && code != Z_BUF_ERROR) return zlib_error(r, z, code, err);
  }
  return OK;
}

static enum status copy_plain(struct text_reader *r, char *to, size_t room, size_t *ret_len, struct err *err) {
  enum status st = input_fill(r, err);
  if (st != OK) return st;
  size_t n = r->in_len - r->in_pos;
  if (n > room) n = room;
  if (n > 0) memcpy(to, r->in + r->in_pos, n);
  r->in_pos += n;
  r->text_ended = n == 0;
  *ret_len = n;
  return OK;
}

// ---------------------------------------------------------------- open, close

// Containers people hand over by mistake, by their first bytes.
static const struct {
  const char *magic;
  size_t len;
  const char *what;
} foreign[] = {
    {"PK\3\4", 4, "a zip archive: unpack it first"},
    {"\xfd" "7zXZ", 5, "xz-compressed: unpack it, or use gzip"},
    {"BZh", 3, "bzip2-compressed: unpack it, or use gzip"},
    {"\x28\xb5\x2f\xfd", 4, "zstd-compressed: unpack it, or use gzip"},
    {"PAR1", 4, "a Parquet file: export it as CSV"},
    {"ARROW1", 6, "a Feather (Arrow) file: export it as CSV"},
    {"SQLite", 6, "an SQLite database: export a table as CSV"},
    {"\xff\xfe", 2, "UTF-16 text: save it as UTF-8"},
    {"\xfe\xff", 2, "UTF-16 text: save it as UTF-8"},
};
#define MAGIC_MAX 6

static enum status recognise(struct text_reader *r, struct err *err) {
  const char *in = r->in;
  size_t len = r->in_len;
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
    if (len >= foreign[i].len && memcmp(in, foreign[i].magic, foreign[i].len) == 0)
      return err_set(err, ERR_INVALID, "%s:1: this is %s", r->path, foreign[i].what);
  if (len >= 2 && memcmp(in, "\x1f\x8b", 2) == 0) {
    z_stream *z = calloc(1, sizeof *z);
    if (!z) return err_set(err, ERR_NOMEM, "%s: out of memory", r->path);
    if (inflateInit2(z, 16 + MAX_WBITS) != Z_OK) {
      free(z);
      return err_set(err, ERR_NOMEM, "%s: out of memory", r->path);
    }
    r->inflate = z;
  }
  return OK;
}

static enum status prepare(struct text_reader *r, size_t chunk, struct err *err) {
  r->chunk = chunk ? chunk : CHUNK_DEFAULT;
  r->cap = TEXT_LINE_MAX + 2 + r->chunk;
  r->window = calloc(1, r->cap + TEXT_PAD);
  return r->window ? OK : err_set(err, ERR_NOMEM, "%s: out of memory", r->path);
}

// A named pipe that nobody writes to would block for ever: wait a while for a writer, then say so.
static enum status await_writer(struct text_reader *r, struct err *err) {
  struct pollfd p = {.fd = r->fd, .events = POLLIN};
  int ready;
  do ready = poll(&p, 1, PIPE_WRITER_TIMEOUT_MS);
  while (ready < 0 && errno == EINTR);
  if (ready == 0 && read(r->fd, r->in, 0) == 0) {
    char byte;
    ssize_t n = read(r->fd, &byte, 1);
    if (n == 0) return err_set(err, ERR_IO, "%s: nobody writes to this pipe", r->path);
    if (n == 1) {
      r->in[0] = byte;
      r->in_len = 1;
    }
  }
  int flags = fcntl(r->fd, F_GETFL);
  if (flags < 0 || fcntl(r->fd, F_SETFL, flags & ~O_NONBLOCK) < 0) return err_errno(err, errno, "%s", r->path);
  return OK;
}

static enum status open_file(struct text_reader *r, struct err *err) {
  r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (r->fd < 0) return err_errno(err, errno, "%s", r->path);
  struct stat sb;
  if (fstat(r->fd, &sb) != 0) return err_errno(err, errno, "%s", r->path);
  if (S_ISDIR(sb.st_mode)) return err_set(err, ERR_IO, "%s: is a directory", r->path);
  r->in = malloc(r->chunk > MAGIC_MAX ? r->chunk : MAGIC_MAX);
  if (!r->in) return err_set(err, ERR_NOMEM, "%s: out of memory", r->path);
  if (!S_ISREG(sb.st_mode)) {
    enum status st = await_writer(r, err);
    if (st != OK) return st;
  }
  while (r->in_len < MAGIC_MAX) {
    ssize_t n = read(r->fd, r->in + r->in_len, MAGIC_MAX - r->in_len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return err_errno(err, errno, "%s", r->path);
    if (n == 0) break;
    r->in_len += (size_t)n;
  }
  return OK;
}

enum status text_open(struct text_reader *r, const char *path, size_t chunk, uint64_t max_bytes, struct err *err) {
  *r = (struct text_reader){.path = path, .fd = -1, .max_bytes = max_bytes};
  enum status st = prepare(r, chunk, err);
  if (st == OK) st = open_file(r, err);
  if (st == OK) st = recognise(r, err);
  if (st != OK) text_close(r);
  return st;
}

enum status text_open_bytes(struct text_reader *r, const char *path, const void *bytes, size_t len, size_t chunk,
                            struct err *err) {
  *r = (struct text_reader){.path = path, .fd = -1, .max_bytes = UINT64_MAX};
  enum status st = prepare(r, chunk, err);
  if (st == OK) {
    r->in = malloc(len ? len : 1);
    if (!r->in) st = err_set(err, ERR_NOMEM, "%s: out of memory", path);
    else if (len) memcpy(r->in, bytes, len);
    r->in_len = len;
  }
  if (st == OK) st = recognise(r, err);
  if (st != OK) text_close(r);
  return st;
}

void text_close(struct text_reader *r) {
  if (r->inflate) {
    inflateEnd(r->inflate);
    free(r->inflate);
  }
  if (r->fd >= 0) close(r->fd);
  free(r->in);
  free(r->window);
  r->inflate = NULL;
  r->in = r->window = NULL;
  r->fd = -1;
}

// ---------------------------------------------------------------- lines

static enum status window_fill(struct text_reader *r, struct err *err) {
  size_t kept = r->len - r->pos;
  if (r->pos > 0 && kept > 0) memmove(r->window, r->window + r->pos, kept);
  r->pos = 0;
  r->len = kept;
  size_t room = r->cap - r->len, got = 0;
  if (room > r->chunk) room = r->chunk;
  enum status st = r->inflate ? unpack(r, r->window + r->len, room, &got, err)
                              : copy_plain(r, r->window + r->len, room, &got, err);
  if (st != OK) return st;
  r->len += got;
  r->total += got;
  memset(r->window + r->len, 0, TEXT_PAD);
  if (r->total > r->max_bytes)
    return err_set(err, ERR_LIMIT, "%s:%zu: more than %llu bytes of text", r->path, r->line + 1,
                   (unsigned long long)r->max_bytes);
  return OK;
}

enum status text_next(struct text_reader *r, struct slice *ret, bool *ret_ended_open, struct err *err) {
  *ret_ended_open = false;
  size_t seen = 0;  // bytes behind pos known to hold no line end
  char *end;
  while (!(end = memchr(r->window + r->pos + seen, '\n', r->len - r->pos - seen))) {
    seen = r->len - r->pos;
    if (seen > TEXT_LINE_MAX + 1) break;
    if (r->text_ended) {
      if (seen == 0) {
        *ret = (struct slice){NULL, 0};
        return OK;
      }
      *ret_ended_open = true;
      end = r->window + r->len;
      break;
    }
    enum status st = window_fill(r, err);
    if (st != OK) return st;
  }
  r->line++;
  char *start = r->window + r->pos;
  if (!end || (size_t)(end - start) > TEXT_LINE_MAX + 1)  // + 1: the CR
    return err_set(err, ERR_INVALID, "%s:%zu: the line is longer than %d bytes; is this a CSV file?", r->path, r->line,
                   TEXT_LINE_MAX);
  r->pos = (size_t)(end - r->window) + (*ret_ended_open ? 0 : 1);
  if (r->line == 1 && end - start >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0) start += 3;
  if (end > start && end[-1] == '\r') end--;
  *ret = (struct slice){start, (size_t)(end - start)};
  return OK;
}

// ---------------------------------------------------------------- fields

static bool is_space(char c) {
  return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s) {
  while (s.len > 0 && is_space(s.p[0])) s.p++, s.len--;
  while (s.len > 0 && is_space(s.p[s.len - 1])) s.len--;
  return s;
}

bool slice_is(struct slice s, const char *word) {
  return s.len == strlen(word) && strncasecmp(s.p, word, s.len) == 0;
}

char *slice_show(struct slice s, char *buf) {
  size_t shown = s.len > 40 ? 40 : s.len, n = 0;
  for (size_t i = 0; i < shown; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (c >= 0x20 && c < 0x7f) buf[n++] = (char)c;
    else n += (size_t)snprintf(buf + n, 5, "\\x%02x", c);
  }
  snprintf(buf + n, SLICE_SHOW_MAX - n, "%s", s.len > shown ? "…" : "");
  return buf;
}

int csv_split(struct slice line, struct slice *ret_fields, int *ret_columns, int max_fields, int *ret_column,
              const char **ret_reason) {
  char *p = (char *)line.p, *end = p + line.len, *start = p;
  int n = 0;
  for (;;) {
    *ret_column = (int)(p - start) + 1;
    if (n == max_fields) {
      *ret_reason = "too many fields";
      return -1;
    }
    while (p < end && is_space(*p)) p++;
    ret_columns[n] = (int)(p - start) + 1;
    if (p < end && *p == '"') {
      char *from = ++p, *to = p;
      for (;; p++) {
        if (p == end) {
          *ret_reason = "a quoted field has no closing quote on this line";
          return -1;
        }
        if (*p == '"' && !(p + 1 < end && p[1] == '"')) break;
        if (*p == '"') p++;
        *to++ = *p;
      }
      ret_fields[n++] = slice_trim((struct slice){from, (size_t)(to - from)});
      p++;
      while (p < end && is_space(*p)) p++;
      if (p < end && *p != ',') {
        *ret_column = (int)(p - start) + 1;
        *ret_reason = "text after a closing quote";
        return -1;
      }
    } else {
      char *comma = memchr(p, ',', (size_t)(end - p));
      char *stop = comma ? comma : end;
      ret_fields[n++] = slice_trim((struct slice){p, (size_t)(stop - p)});
      p = stop;
    }
    if (p == end) return n;
    p++;
  }
}
