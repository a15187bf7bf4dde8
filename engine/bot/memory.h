// bot/memory.h – what the engine beside a script has to remember of it over a restart, apart from ctx.state: the tags' numbers, its ladders,
// its timers and which orders ctx:target made. Everything else comes out of the run's commands again.
//
// Bytes of their own format, little-endian, versioned; kept by the core unread (bot/wire.h, STATE) and checked when they come back.
#pragma once
#include "base/buf.h"
#include "bot/bot.h"

// Appends it; nothing when there is nothing to remember. At most `most` bytes: tags that no working order has are left out where
// they do not fit. False: not even those of working orders do.
bool bot_memory_save(const struct bot *b, struct buf *ret, size_t most) MUST_CHECK;
// Before the first callback. ERR_INVALID says what is wrong, and the bot is only good for bot_destroy() then; ERR_NOMEM.
enum status bot_memory_load(struct bot *b, const void *bytes, size_t len, struct err *err) MUST_CHECK;

// The tags in what bot_memory_save made, for who shows the bot's orders while no script runs; nothing of what cannot be read.
void bot_memory_tags(const void *bytes, size_t len, void (*tag)(void *self, uint32_t number, const char *text, size_t len), void *self);
