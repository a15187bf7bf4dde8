// api/telegram.h – private to api/: what people write to this service's bot on Telegram: commands for their bots, and signals for a hook.
//
// Long polling (getUpdates), one message after the other. Only private chats that were linked by a code, which somebody signed in was given, are heard;
// what a chat asks for is done as a request of that person, with the roles of then. A message that is a signal is stored before Telegram is told that it was
// taken, and its number keeps it from being taken twice. Nothing runs while the service has no bot on Telegram (--telegram-token-file).
#pragma once
#include "api/call.h"
#include "store/chat_rows.h"

struct telegram;

enum status telegram_create(struct api_core *core, struct telegram **ret, struct err *err) MUST_CHECK;
// What it asked for goes on, but nobody hears the answer. NULL does nothing.
void telegram_destroy(struct telegram *t);

// ---- telegram.c, for telegram_said.c: one message
struct telegram_step {
  struct telegram *t;       // NULL: nobody waits for it any more
  struct api_core *core;
  int64_t update_id;
  struct chat_row chat;
  char text[4097];
  struct api_behalf behalf;
  struct api_request req;
  char path[200], body[4200], id[40], arg[200], action[8];
  void (*then)(struct telegram_step *s, int status, json_t *answer);
};
void telegram_say(struct telegram_step *s, const char *text);
// A request of the chat's owner. then is called once, from within perhaps.
void telegram_ask(struct telegram_step *s, const char *method, void (*then)(struct telegram_step *s, int status, json_t *answer));
// The message is dealt with. Frees s.
void telegram_done(struct telegram_step *s);

// A number to be repeated before everything is halted; and whether this one is it, once, within a minute.
int telegram_confirm(struct telegram *t, int64_t chat);
bool telegram_confirmed(struct telegram *t, int64_t chat, const char *number);

// ---- telegram_said.c: what a linked chat says. Ends with telegram_done.
void telegram_said(struct telegram_step *s);
