// exchange/delay.h – something a fault puts off. Inside exchange/.
#pragma once
#include "exchange/server.h"

// fn(arg) in ms, at the latest when the server stops (an answer is always given). Real time, also beside a virtual clock.
void exch_delay(struct server *s, int64_t ms, void (*fn)(void *arg), void *arg);
void exch_delay_all_now(struct server *s);
