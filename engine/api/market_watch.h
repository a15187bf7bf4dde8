// api/market_watch.h – private to api/: live bars for who watches them over WebSocket.
#pragma once
#include "base/status.h"

struct api_core;
struct hub_instant;
struct hub_note;
struct market_watch;

#define MARKET_WATCH_MAX 512  // series at a time, of all clients together; channels beyond that are silent

enum status market_watch_create(struct market_watch **ret, struct err *err) MUST_CHECK;
void market_watch_destroy(struct market_watch *w);  // NULL does nothing; before or after the hub
// With each tick of the streams: wants of the hub what is subscribed, drops what is not any more.
void market_watch_tick(struct api_core *core);
// From the hub: publishes the bars that somebody watches.
void market_watch_instant(struct api_core *core, const struct hub_instant *in);
// And what is wrong with them: late, missing, refused.
void market_watch_note(struct api_core *core, const struct hub_note *note);
