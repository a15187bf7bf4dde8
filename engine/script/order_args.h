// script/order_args.h – private to script/: the options of ctx:buy{…} and its siblings, checked and turned into an intent.
#pragma once
#include "script/instance.h"

enum order_call { CALL_BUY, CALL_SELL, CALL_ENTER, CALL_TARGET, CALL_CLOSE, CALL_MODIFY, CALL_LADDER };

// Reads the table at ix (absent for none). Misuse raises with the option's name and a suggestion.
// buy, sell, enter, target, close: *ret is complete but for the side of target and close, which the owner decides.
void order_args_intent(lua_State *L, int ix, struct script *s, enum order_call call, enum side side, struct intent *ret);
void order_args_change(lua_State *L, int ix, struct script *s, const struct order *o, struct script_change *ret);
void order_args_ladder(lua_State *L, int ix, struct script *s, struct ladder_request *ret);
