// notice/event.h – what people are told of: one table of events, with the words for each. Pure.
//
// Title and text are templates: {name} stands for a member of the notice's data, "" where there is none. Critical ones go out at once
// on every channel: they can be neither muted nor put off, and no storm, tier or quiet hour holds the first of them back.
#pragma once
#include "base/buf.h"
#include "base/json.h"

enum notice_severity { NOTICE_INFO, NOTICE_WARNING, NOTICE_ERROR };

// What is done with an event on a channel where nobody has said anything.
enum notice_mode { NOTICE_OFF, NOTICE_NOW, NOTICE_DIGEST, NOTICE_MODE_COUNT };

// Stored and sent by name: append only, never renamed.
// id, name, severity, critical, usual mode, title, text, what it tells of
#define NOTICE_EVENT_LIST(X)                                                                                                                         \
  X(NOTICE_TEST, "test", INFO, false, NOW, "A test", "This is a test of your channel {channel}. It works.",                                            \
    "the test button of a channel")                                                                                                                  \
  X(NOTICE_BOT_FAILED, "bot.failed", WARNING, false, NOW, "{bot} failed", "{reason}\n{detail}",                                                        \
    "a bot failed and is tried again by itself")                                                                                                     \
  X(NOTICE_BOT_QUARANTINED, "bot.quarantined", ERROR, true, NOW, "{bot} was taken off the market", "{reason}\n{detail}",                               \
    "a bot broke its host; an operator must look at it")                                                                                             \
  X(NOTICE_BOT_RETIRED, "bot.retired", ERROR, true, NOW, "{bot} was retired", "{reason}\n{detail}",                                                    \
    "a bot's script failed three times")                                                                                                             \
  X(NOTICE_BOT_DEAD, "bot.dead", ERROR, true, NOW, "{bot} has stopped", "{reason}\n{detail}",                                                          \
    "a bot is no longer tried by itself")                                                                                                            \
  X(NOTICE_BOT_HALTED, "bot.halted", ERROR, true, NOW, "{bot} is halted", "{reason}\n{detail}",                                                        \
    "the kill switch or a rule halted a bot")                                                                                                        \
  X(NOTICE_BOT_PAUSED, "bot.paused", ERROR, true, NOW, "{bot} paused itself", "{reason}\n{detail}",                                                    \
    "a bot was paused because what it did could not be journalled")                                                                                  \
  X(NOTICE_BOT_MESSAGE, "bot.message", INFO, false, NOW, "{bot}", "{text}",                                                                           \
    "a script called ctx:notify")                                                                                                                    \
  X(NOTICE_ORDER_REJECTED, "order.rejected", WARNING, false, NOW, "{bot}: the order to {side} {qty} {symbol} was rejected",                          \
    "The order to {side} {qty} {symbol} was rejected, and nothing of it works any more: {detail} ({code}).\n{advice}",                               \
    "a venue, or the paper market, rejected an order")                                                                                               \
  X(NOTICE_ORDER_UNKNOWN, "order.unknown", ERROR, true, NOW, "{bot}: nobody knows what became of an order",                                            \
    "The venue has not told what became of the order to {side} {qty} {symbol}. It counts as executed and is asked about.",                            \
    "the outcome of an order is unknown")                                                                                                            \
  X(NOTICE_ORDER_FILLED, "order.filled", INFO, false, OFF, "{bot}: {side} {qty} {symbol} at {price}", "{side} {qty} {symbol} at {price}, fee {fee}.",   \
    "an order was executed, in full or in part")                                                                                                     \
  X(NOTICE_HALT_SET, "halt.set", ERROR, true, NOW, "The kill switch is on", "{scope} {object} halted ({mode}) by {by}.",                                \
    "the kill switch was set over all of the tenant's bots, or one")                                                                                 \
  X(NOTICE_HALT_CLEARED, "halt.cleared", INFO, false, NOW, "The kill switch is off", "{scope} {object} free to trade again, by {by}.",                              \
    "the kill switch was taken off")                                                                                                                 \
  X(NOTICE_HOOK_REJECTED, "hook.rejected", INFO, false, OFF, "{hook}: a signal was rejected", "{reason}",                                               \
    "a rule rejected a signal")                                                                                                                      \
  X(NOTICE_HOOK_FAILED, "hook.failed", WARNING, false, NOW, "{hook}: a signal was lost", "{reason}",                                                   \
    "the rules could not be asked about a signal in time")                                                                                           \
  X(NOTICE_LOGIN_NEW, "login.new", ERROR, true, NOW, "Somebody signed in from elsewhere",                                                              \
    "Your account was entered from {address} ({agent}), where it has not been entered from before. If that was not you, set a new password at once.",  \
    "a sign-in from an address not seen before")                                                                                                     \
  X(NOTICE_PLAN_CHANGED, "plan.changed", INFO, false, NOW, "Your plan is {plan} now", "{from} became {plan}. {detail}",                                 \
    "the plan was changed or cancelled")                                                                                                             \
  X(NOTICE_CHANNEL_DISABLED, "channel.disabled", ERROR, true, NOW, "{channel} gets no notices any more",                                               \
    "{reason} Enable the channel again when that is mended.", "a channel was disabled because nothing went through")                                  \
  X(NOTICE_ACCOUNT_REFUSED, "account.refused", ERROR, true, NOW, "An account's key is not used any more",                                              \
    "{bot}, and what else trades on its account, can place no order and cancel none: {detail}", "a venue refuses an account's key, or the key may withdraw")

enum notice_event {
#define X(id, name, severity, critical, mode, title, text, about) id,
  NOTICE_EVENT_LIST(X)
#undef X
  NOTICE_EVENT_COUNT
};

struct notice_about {
  const char *name;
  enum notice_severity severity;
  bool critical;
  enum notice_mode mode;
  const char *title, *text, *about;
};
const struct notice_about *notice_about(enum notice_event e);
// false: no such event.
bool notice_event_parse(const char *name, enum notice_event *ret);
const char *notice_severity_text(enum notice_severity s);  // "info" "warning" "error"
const char *notice_mode_text(enum notice_mode m);          // "off" "now" "digest"
int notice_mode_parse(const char *text);                   // −1: none

// Channels' kinds; stored by name.
#define NOTICE_KIND_LIST(X) X(NOTICE_MAIL, "mail") X(NOTICE_TELEGRAM, "telegram") X(NOTICE_DISCORD, "discord") X(NOTICE_SLACK, "slack") X(NOTICE_SMS, "sms") X(NOTICE_WEBHOOK, "webhook")
enum notice_kind {
#define X(id, name) id,
  NOTICE_KIND_LIST(X)
#undef X
  NOTICE_KIND_COUNT
};
const char *notice_kind_text(enum notice_kind k);
int notice_kind_parse(const char *text);  // −1: none

// Appends the template with members of data (text, numbers) in the place of {name}. Control characters become blanks, but for '\n'; lines that
// come out empty at the end are left out.
void notice_fill(const char *template, const json_t *data, struct buf *out);
