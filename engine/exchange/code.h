// exchange/code.h – the venue's answers by number: one table gives names, numbers and words.
#pragma once

// name, retCode, retMsg
#define EXCH_CODE_LIST(X)                                                                       \
  X(CODE_OK, 0, "OK")                                                                           \
  X(CODE_INTERNAL, 10016, "Server error.")                                                      \
  X(CODE_PARAMS, 10001, "params error")                                                         \
  X(CODE_TIMESTAMP, 10002, "invalid request, please check your server timestamp or recv_window param.") \
  X(CODE_KEY, 10003, "API key is invalid.")                                                     \
  X(CODE_SIGN, 10004, "error sign! please check your signature generation algorithm.")          \
  X(CODE_RIGHTS, 10005, "Permission denied, please check your API key permissions.")            \
  X(CODE_THROTTLED, 10006, "Too many visits. Exceeded the API Rate Limit.")                     \
  X(CODE_ADDRESS, 10010, "Unmatched IP, please check your API key's bound IP addresses.")       \
  X(CODE_ROUTE, 10017, "Route not found.")                                                      \
  X(CODE_NO_ORDER, 110001, "order not exists or too late to cancel")                            \
  X(CODE_PRICE, 110003, "Order price exceeds the allowable range.")                             \
  X(CODE_WALLET, 110004, "Insufficient wallet balance.")                                        \
  X(CODE_BALANCE, 110007, "Insufficient available balance.")                                    \
  X(CODE_FINISHED, 110008, "The order has been completed or cancelled.")                        \
  X(CODE_CONDITIONALS, 110009, "The number of stop orders exceeds the maximum allowable limit.") \
  X(CODE_CANCELLED, 110010, "The order has been cancelled.")                                    \
  X(CODE_LEVERAGE, 110013, "Cannot set leverage due to risk limit level.")                      \
  X(CODE_REDUCE_ONLY, 110017, "Reduce-only rule not satisfied.")                                \
  X(CODE_ACTIVE, 110020, "Not allowed to have more than 500 active orders.")                    \
  X(CODE_MODE_SAME, 110025, "Position mode has not been modified.")                             \
  X(CODE_MARGIN_SAME, 110026, "Cross/isolated margin mode has not been modified.")              \
  X(CODE_MODE_ORDERS, 110028, "You have existing open orders, so position mode cannot be switched.") \
  X(CODE_MODE_POSITION, 110024, "You have an existing position, so position mode cannot be switched.") \
  X(CODE_LEVERAGE_SAME, 110043, "leverage not modified")                                        \
  X(CODE_DUPLICATE, 110072, "OrderLinkedID is duplicate")                                       \
  X(CODE_TRIGGER, 110092, "expect Rising, but trigger_price <= current or expect Falling, but trigger_price >= current") \
  X(CODE_NOTIONAL, 110094, "Order does not meet minimum order value 5USDT")                     \
  X(CODE_STOPS_SAME, 34040, "not modified")                                                     \
  X(CODE_NO_POSITION, 10001, "can not set tp/sl/ts for zero position")                          \
  X(CODE_SPOT_NO_ORDER, 170213, "Order does not exist.")                                        \
  X(CODE_SPOT_BALANCE, 170131, "Insufficient balance.")                                         \
  X(CODE_SPOT_NOTIONAL, 170140, "Order value exceeded lower limit.")                            \
  X(CODE_SPOT_DUPLICATE, 170141, "Duplicate clientOrderId.")                                    \
  X(CODE_SPOT_FINISHED, 170139, "Order has been filled.")                                       \
  X(CODE_SPOT_CANCELLED, 170142, "Order has been canceled.")                                    \
  X(CODE_SPOT_BUY_PRICE, 170193, "Buy order price cannot be higher than the limit.")            \
  X(CODE_SPOT_PARAMETER, 170130, "Data sent for parameter '' is not valid.")                     \
  X(CODE_SPOT_ACTIVE, 170011, "Too many open orders.")

enum exch_code {
#define X(name, number, text) name = number,
  EXCH_CODE_LIST(X)
#undef X
};
// retMsg of a retCode; never NULL.
const char *exch_code_text(int code);
// What a spot market answers instead, where that is another number.
int exch_code_of_spot(int code);
