// api/telegram_said.c – what a linked chat says: commands, and everything else as a signal for its hook. Each asks the API as its owner would.
#include "api/telegram.h"

#include "store/id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SHOWN_MAX 40

static const char help[] =
  "/status – how your bots are\n/bots – each of them\n/pause BOT – it opens and closes nothing; BOT is its name or id\n/resume BOT – it goes on\n"
  "/halt – all your bots, at once; asks for a number first\n/help – this\nAnything else is a signal, if this chat was linked with a hook: buy BTCUSDT 0.5";

static const char *text_at(const json_t *v, const char *key) {
  const char *text = json_string_value(json_object_get(v, key));
  return text ? text : "";
}

// False: answered with what the API said.
static bool went_well(struct telegram_step *s, int status, const json_t *answer) {
  char text[600];
  if (status >= 200 && status < 300) return true;
  const char *detail = text_at(answer, "detail");
  snprintf(text, sizeof text, "That did not work: %.500s", detail[0] ? detail : text_at(answer, "title"));
  telegram_say(s, text);
  telegram_done(s);
  return false;
}

static void get_bots(struct telegram_step *s, void (*then)(struct telegram_step *s, int status, json_t *answer)) {
  snprintf(s->path, sizeof s->path, "/api/v1/bots?limit=200");
  s->body[0] = '\0';
  telegram_ask(s, "GET", then);
}

// ---- /status, /bots

static void status_read(struct telegram_step *s, int status, json_t *answer) {
  static const char *const states[] = {"running", "starting", "retrying", "paused", "stopping", "halted", "quarantined", "dead", "retired", "stopped"};
  char text[600] = "";
  size_t i, at = 0;
  json_t *bot;
  if (!went_well(s, status, answer)) return;
  for (size_t k = 0; k < sizeof states / sizeof *states; k++) {
    int n = 0;
    json_array_foreach(json_object_get(answer, "items"), i, bot) n += strcmp(text_at(bot, "state"), states[k]) == 0;
    if (n) at += (size_t)snprintf(text + at, sizeof text - at, "%s%d %s", at ? ", " : "", n, states[k]);
  }
  telegram_say(s, at ? text : "You have no bots.");
  telegram_done(s);
}

static void bots_read(struct telegram_step *s, int status, json_t *answer) {
  struct buf text;
  size_t i;
  json_t *bot;
  if (!went_well(s, status, answer)) return;
  const size_t count = json_array_size(json_object_get(answer, "items"));
  buf_init(&text, 65536);
  json_array_foreach(json_object_get(answer, "items"), i, bot) {
    const json_t *live = json_object_get(bot, "live");
    if (i == SHOWN_MAX) break;
    buf_printf(&text, "%s%.60s · %s · %s", i ? "\n" : "", text_at(bot, "name"), text_at(bot, "symbol"), text_at(bot, "state"));
    if (json_is_object(live)) buf_printf(&text, " · equity %s, %s", text_at(live, "equity"), text_at(live, "pnl"));
  }
  if (count > SHOWN_MAX) buf_printf(&text, "\n… and %zu more", count - SHOWN_MAX);
  telegram_say(s, count ? text.data : "You have no bots.");
  buf_finish(&text);
  telegram_done(s);
}

// ---- /pause BOT, /resume BOT

static void acted(struct telegram_step *s, int status, json_t *answer) {
  char text[400];
  if (!went_well(s, status, answer)) return;
  snprintf(text, sizeof text, "%.100s: %s. %.200s", text_at(answer, "name"), text_at(answer, "state"), text_at(answer, "reason"));
  telegram_say(s, text);
  telegram_done(s);
}

static void bot_chosen(struct telegram_step *s, int status, json_t *answer) {
  const char *id = NULL;
  int named = 0;
  size_t i;
  json_t *bot;
  if (!went_well(s, status, answer)) return;
  json_array_foreach(json_object_get(answer, "items"), i, bot) {
    if (strcmp(text_at(bot, "id"), s->arg) == 0) {
      id = text_at(bot, "id"), named = 1;
      break;
    }
    if (strcasecmp(text_at(bot, "name"), s->arg) == 0) id = text_at(bot, "id"), named++;
  }
  if (named != 1) {
    telegram_say(s, named ? "Several bots have that name; use the id." : "You have no bot of that name. /bots tells what they are called.");
    return telegram_done(s);
  }
  snprintf(s->path, sizeof s->path, "/api/v1/bots/%.40s/%s", id, s->action);
  s->body[0] = '\0';
  telegram_ask(s, "POST", acted);
}

// ---- /halt, /halt NUMBER

static void halted(struct telegram_step *s, int status, json_t *answer) {
  if (!went_well(s, status, answer)) return;
  telegram_say(s, "All your bots are halted: they open nothing. Lift it where you are signed in.");
  telegram_done(s);
}

static void halt(struct telegram_step *s) {
  char text[200];
  if (!s->t) return telegram_done(s);
  if (s->arg[0] && telegram_confirmed(s->t, s->chat.chat, s->arg)) {
    snprintf(s->path, sizeof s->path, "/api/v1/me/halt");
    s->body[0] = '\0';
    return telegram_ask(s, "POST", halted);
  }
  snprintf(text, sizeof text, "%sThis halts all your bots at once. To do it, send within a minute:\n/halt %d", s->arg[0] ? "That is not the number. " : "", telegram_confirm(s->t, s->chat.chat));
  telegram_say(s, text);
  telegram_done(s);
}

// ---- anything else

static void signal_taken(struct telegram_step *s, int status, json_t *answer) {
  if (!went_well(s, status, answer)) return;
  if (!json_is_true(json_object_get(answer, "duplicate"))) telegram_say(s, "Taken.");
  telegram_done(s);
}

static void signal_said(struct telegram_step *s) {
  char hook[ID_TEXT_SIZE];
  if (!s->chat.hook_id) {
    telegram_say(s, "This chat has no hook, so messages are no signals. /help tells what it can do.");
    return telegram_done(s);
  }
  id_format("hok", s->chat.hook_id, hook);
  snprintf(s->path, sizeof s->path, "/api/v1/hooks/%s", hook);
  snprintf(s->body, sizeof s->body, "%s", s->text);
  telegram_ask(s, "POST", signal_taken);
}

void telegram_said(struct telegram_step *s) {
  if (s->text[0] != '/') return signal_said(s);
  // "/pause@our_bot  Name of it": the bot's name behind @ is Telegram's doing
  const size_t word = strcspn(s->text, " \n@"), end = strcspn(s->text, " \n");
  const char *arg = s->text + end + strspn(s->text + end, " \n");
  char command[16] = "";
  if (word < sizeof command) memcpy(command, s->text, word);
  snprintf(s->arg, sizeof s->arg, "%.199s", arg);
  for (size_t n = strlen(s->arg); n && strchr(" \n", s->arg[n - 1]); n--) s->arg[n - 1] = '\0';
  const bool resume = strcmp(command, "/resume") == 0;
  if (strcmp(command, "/status") == 0) return get_bots(s, status_read);
  if (strcmp(command, "/bots") == 0) return get_bots(s, bots_read);
  if (strcmp(command, "/halt") == 0) return halt(s);
  if ((resume || strcmp(command, "/pause") == 0) && s->arg[0]) {
    snprintf(s->action, sizeof s->action, "%s", resume ? "start" : "pause");
    return get_bots(s, bot_chosen);
  }
  telegram_say(s, help);
  telegram_done(s);
}
