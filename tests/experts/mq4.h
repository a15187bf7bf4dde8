// tests/experts/mq4.h – what PerigeeBridge.mq4 asks MetaTrader 4 for, as its reference declares it.
#pragma once
#include "mql.h"

enum { OP_BUY, OP_SELL, OP_BUYLIMIT, OP_SELLLIMIT, OP_BUYSTOP, OP_SELLSTOP };
enum { SELECT_BY_POS, SELECT_BY_TICKET };
enum { MODE_TRADES, MODE_HISTORY };
enum MODE { MODE_TIME = 5, MODE_BID = 9, MODE_ASK, MODE_LOTSIZE = 15, MODE_TICKSIZE = 17, MODE_TRADEALLOWED = 22, MODE_MINLOT, MODE_LOTSTEP, MODE_MAXLOT };
datetime TimeCurrent();
double MarketInfo(const string &symbol, MODE what);
int AccountNumber();
string AccountServer();
string AccountCurrency();
double AccountBalance();
double AccountEquity();
double AccountMargin();
double AccountFreeMargin();
bool IsDemo();
bool IsConnected();
bool IsTradeAllowed();
int OrdersTotal();
int OrdersHistoryTotal();
bool OrderSelect(int index, int select, int pool = MODE_TRADES);
int OrderTicket();
int OrderType();
int OrderMagicNumber();
double OrderLots();
double OrderOpenPrice();
double OrderClosePrice();
double OrderCommission();
double OrderSwap();
double OrderProfit();
datetime OrderOpenTime();
datetime OrderCloseTime();
string OrderComment();
string OrderSymbol();
int OrderSend(const string &symbol, int cmd, double volume, double price, int slippage, double stoploss, double takeprofit, const string &comment = "", int magic = 0, datetime expiration = 0);
bool OrderClose(int ticket, double lots, double price, int slippage);
bool OrderCloseBy(int ticket, int opposite);
bool OrderDelete(int ticket);
