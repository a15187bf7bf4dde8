// PerigeeBridge.mq5 – an account at MetaTrader 5 as an account of Perigee's: reports up, leased commands down (README.md).
// Hedging and netting accounts. NOT COMPILED by the project that ships it: see README.md.
#property copyright "Perigee"
#property version   "1.0"
#property strict
#include "Perigee.mqh"

//+------------------------------------------------------------------+ time: the server's, made UTC
long POffsetMs()
{
   long s = (long)TimeTradeServer() - (long)TimeGMT();
   return (long)MathRound((double)s / 900.0) * 900000;  // zones are quarters of an hour apart; the rest is a clock that is off
}
string PTime(const long server_ms) { return IntegerToString(server_ms - POffsetMs()); }

bool PIsHedging() { return AccountInfoInteger(ACCOUNT_MARGIN_MODE) == ACCOUNT_MARGIN_MODE_RETAIL_HEDGING; }

//+------------------------------------------------------------------+ hello
string PHello()
{
   string list = "";
   for(int i = 0; i < ArraySize(g_symbols); i++)
     {
      string s = g_symbols[i];
      if(!SymbolSelect(s, true)) continue;
      int digits = (int)SymbolInfoInteger(s, SYMBOL_DIGITS);
      double tick = SymbolInfoDouble(s, SYMBOL_TRADE_TICK_SIZE);
      list += (list == "" ? "{" : ",{") + PText("symbol", s) + "," + PText("base", SymbolInfoString(s, SYMBOL_CURRENCY_BASE)) + "," + PText("profit", SymbolInfoString(s, SYMBOL_CURRENCY_PROFIT)) + "," +
              PText("tick", PDecimal(tick > 0 ? tick : SymbolInfoDouble(s, SYMBOL_POINT), digits)) + "," + PText("contract", PDecimal(SymbolInfoDouble(s, SYMBOL_TRADE_CONTRACT_SIZE), 8)) + "," +
              PText("volume_min", PDecimal(SymbolInfoDouble(s, SYMBOL_VOLUME_MIN), 8)) + "," + PText("volume_max", PDecimal(SymbolInfoDouble(s, SYMBOL_VOLUME_MAX), 8)) + "," +
              PText("volume_step", PDecimal(SymbolInfoDouble(s, SYMBOL_VOLUME_STEP), 8)) + "," + PMember("trading", SymbolInfoInteger(s, SYMBOL_TRADE_MODE) == SYMBOL_TRADE_MODE_FULL ? "true" : "false") + "}";
     }
   return "{" + PMember("protocol", IntegerToString(PERIGEE_PROTOCOL)) + "," + PText("platform", "mt5") + "," + PText("version", "1.0 (" + IntegerToString(TerminalInfoInteger(TERMINAL_BUILD)) + ")") + "," +
          PText("login", IntegerToString(AccountInfoInteger(ACCOUNT_LOGIN))) + "," + PText("server", StringSubstr(AccountInfoString(ACCOUNT_SERVER), 0, 63)) + "," +
          PText("currency", AccountInfoString(ACCOUNT_CURRENCY)) + "," + PMember("hedging", PIsHedging() ? "true" : "false") + "," +
          PMember("real", AccountInfoInteger(ACCOUNT_TRADE_MODE) == ACCOUNT_TRADE_MODE_REAL ? "true" : "false") + "," + PMember("symbols", "[" + list + "]") + "}";
}

//+------------------------------------------------------------------+ names: the comment, or the journal where a broker cuts comments
string PClientOf(const string comment, const string ticket)
{
   if(PIsClient(comment)) return comment;
   int k = PJournalByTicket(ticket);
   return k >= 0 && PIsClient(g_ids[k]) ? g_ids[k] : "";
}

//+------------------------------------------------------------------+ orders
string POrder(const string ticket, const string client, const string s, const string state, const bool buy, const double volume, const double filled, const ENUM_ORDER_TYPE type, const double open,
              const double limit, const long time_ms)
{
   int digits = (int)SymbolInfoInteger(s, SYMBOL_DIGITS);
   string o = PText("ticket", ticket) + "," + PText("client", client) + "," + PText("symbol", s) + "," + PText("state", state) + "," + PText("side", buy ? "buy" : "sell") + "," +
              PText("volume", PDecimal(volume, 8)) + "," + PText("filled", PDecimal(filled, 8));
   bool is_limit = type == ORDER_TYPE_BUY_LIMIT || type == ORDER_TYPE_SELL_LIMIT, is_stop = type == ORDER_TYPE_BUY_STOP || type == ORDER_TYPE_SELL_STOP,
        is_both = type == ORDER_TYPE_BUY_STOP_LIMIT || type == ORDER_TYPE_SELL_STOP_LIMIT;
   if(is_limit) o += "," + PText("price", PDecimal(open, digits));
   if(is_stop || is_both) o += "," + PText("trigger", PDecimal(open, digits));
   if(is_both) o += "," + PText("price", PDecimal(limit, digits));
   return "{" + o + "," + PMember("time_ms", PTime(time_ms)) + "}";
}
bool PBuys(const ENUM_ORDER_TYPE t) { return t == ORDER_TYPE_BUY || t == ORDER_TYPE_BUY_LIMIT || t == ORDER_TYPE_BUY_STOP || t == ORDER_TYPE_BUY_STOP_LIMIT; }

string PLiving(const ulong t)  // selected with OrderSelect
{
   ENUM_ORDER_TYPE type = (ENUM_ORDER_TYPE)OrderGetInteger(ORDER_TYPE);
   double volume = OrderGetDouble(ORDER_VOLUME_INITIAL);
   return POrder(IntegerToString((long)t), PClientOf(OrderGetString(ORDER_COMMENT), IntegerToString((long)t)), OrderGetString(ORDER_SYMBOL), "open", PBuys(type), volume,
                 volume - OrderGetDouble(ORDER_VOLUME_CURRENT), type, OrderGetDouble(ORDER_PRICE_OPEN), OrderGetDouble(ORDER_PRICE_STOPLIMIT), OrderGetInteger(ORDER_TIME_SETUP_MSC));
}
string PEnded(const ulong t)   // of the selected history; "": still on its way
{
   ENUM_ORDER_STATE s = (ENUM_ORDER_STATE)HistoryOrderGetInteger(t, ORDER_STATE);
   ENUM_ORDER_TYPE type = (ENUM_ORDER_TYPE)HistoryOrderGetInteger(t, ORDER_TYPE);
   double volume = HistoryOrderGetDouble(t, ORDER_VOLUME_INITIAL), left = HistoryOrderGetDouble(t, ORDER_VOLUME_CURRENT);
   string state = s == ORDER_STATE_FILLED ? "filled" : s == ORDER_STATE_CANCELED || s == ORDER_STATE_PARTIAL ? "canceled" : s == ORDER_STATE_EXPIRED ? "expired" : s == ORDER_STATE_REJECTED ? "rejected" : "";
   if(state == "") return "";
   return POrder(IntegerToString((long)t), PClientOf(HistoryOrderGetString(t, ORDER_COMMENT), IntegerToString((long)t)), HistoryOrderGetString(t, ORDER_SYMBOL), state, PBuys(type), volume, volume - left, type,
                 HistoryOrderGetDouble(t, ORDER_PRICE_OPEN), HistoryOrderGetDouble(t, ORDER_PRICE_STOPLIMIT), HistoryOrderGetInteger(t, ORDER_TIME_DONE_MSC));
}

// History from a day before, since servers sort by other times than ours; who asks sieves by milliseconds.
bool PHistory(const long since_ms) { return HistorySelect((datetime)((since_ms + POffsetMs()) / 1000 - 86400), TimeTradeServer() + 86400); }

string PTold(const string client)
{
   for(int i = OrdersTotal() - 1; i >= 0; i--)
     {
      ulong t = OrderGetTicket(i);
      if(t > 0 && PClientOf(OrderGetString(ORDER_COMMENT), IntegerToString((long)t)) == client) return PLiving(t);
     }
   PHistory((long)TimeGMT() * 1000 - (long)PERIGEE_DAYS * 86400000);
   for(int i = HistoryOrdersTotal() - 1; i >= 0; i--)
     {
      ulong t = HistoryOrderGetTicket(i);
      if(PClientOf(HistoryOrderGetString(t, ORDER_COMMENT), IntegerToString((long)t)) == client) return PEnded(t);
     }
   return "";
}
bool PLookUp(const string id, string &ret_ticket)
{
   string o = PIsClient(id) ? PTold(id) : "";
   ret_ticket = o == "" ? "" : PValue(o, "ticket");
   return o != "";
}

//+------------------------------------------------------------------+ the report
bool g_more = false;
bool PMore() { return g_more; }

string PReport()
{
   string orders = "", positions = "", deals = "", ticks = "";
   g_more = false;
   for(int i = 0; i < OrdersTotal(); i++)
     {
      ulong t = OrderGetTicket(i);
      if(t > 0 && PListed(OrderGetString(ORDER_SYMBOL))) orders += (orders == "" ? "" : ",") + PLiving(t);
     }
   for(int i = 0; i < PositionsTotal(); i++)
     {
      ulong t = PositionGetTicket(i);
      string s = PositionGetString(POSITION_SYMBOL);
      if(t == 0 || !PListed(s)) continue;
      positions += (positions == "" ? "{" : ",{") + PText("ticket", IntegerToString((long)t)) + "," + PText("symbol", s) + "," + PText("side", PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_BUY ? "buy" : "sell") + "," +
                   PText("volume", PDecimal(PositionGetDouble(POSITION_VOLUME), 8)) + "," + PText("price", PDecimal(PositionGetDouble(POSITION_PRICE_OPEN), 8)) + "," + PText("profit", PDecimal(PositionGetDouble(POSITION_PROFIT), 2)) + "}";
     }
   PHistory(g_since_ms);
   for(int i = 0; i < HistoryOrdersTotal(); i++)
     {
      ulong t = HistoryOrderGetTicket(i);
      if(!PListed(HistoryOrderGetString(t, ORDER_SYMBOL)) || HistoryOrderGetInteger(t, ORDER_TIME_DONE_MSC) - POffsetMs() < g_since_ms) continue;
      string o = PEnded(t);
      if(o != "") orders += (orders == "" ? "" : ",") + o;
     }
   int count = 0;
   for(int i = 0; i < HistoryDealsTotal(); i++)  // oldest first
     {
      ulong t = HistoryDealGetTicket(i);
      ENUM_DEAL_TYPE type = (ENUM_DEAL_TYPE)HistoryDealGetInteger(t, DEAL_TYPE);
      string s = HistoryDealGetString(t, DEAL_SYMBOL);
      if((type != DEAL_TYPE_BUY && type != DEAL_TYPE_SELL) || !PListed(s)) continue;
      if(HistoryDealGetInteger(t, DEAL_ENTRY) == DEAL_ENTRY_OUT_BY) continue;  // two positions against each other: nothing net
      long time_ms = HistoryDealGetInteger(t, DEAL_TIME_MSC);
      if(time_ms - POffsetMs() < g_since_ms) continue;
      if(count == 500) { g_more = true; break; }
      ulong order = (ulong)HistoryDealGetInteger(t, DEAL_ORDER);
      string comment = HistoryDealGetString(t, DEAL_COMMENT);
      if(!PIsClient(comment)) comment = HistoryOrderGetString(order, ORDER_COMMENT);
      double fee = -(HistoryDealGetDouble(t, DEAL_COMMISSION) + HistoryDealGetDouble(t, DEAL_SWAP) + HistoryDealGetDouble(t, DEAL_FEE));
      deals += (deals == "" ? "{" : ",{") + PText("ticket", IntegerToString((long)t)) + "," + PText("order", IntegerToString((long)order)) + "," + PText("client", PClientOf(comment, IntegerToString((long)order))) + "," +
               PText("symbol", s) + "," + PText("side", type == DEAL_TYPE_BUY ? "buy" : "sell") + "," + PText("volume", PDecimal(HistoryDealGetDouble(t, DEAL_VOLUME), 8)) + "," +
               PText("price", PDecimal(HistoryDealGetDouble(t, DEAL_PRICE), 8)) + "," + PText("fee", PDecimal(fee, 8)) + "," +
               PMember("stop_out", HistoryDealGetInteger(t, DEAL_REASON) == DEAL_REASON_SO ? "true" : "false") + "," + PMember("time_ms", PTime(time_ms)) + "}";
      count++;
     }
   for(int i = 0; i < ArraySize(g_symbols); i++)
     {
      MqlTick tick;
      if(!SymbolInfoTick(g_symbols[i], tick) || tick.bid <= 0 || tick.ask < tick.bid) continue;
      ticks += (ticks == "" ? "{" : ",{") + PText("symbol", g_symbols[i]) + "," + PText("bid", PDecimal(tick.bid, 8)) + "," + PText("ask", PDecimal(tick.ask, 8)) + "," + PMember("time_ms", PTime(tick.time_msc)) + "}";
     }
   bool may = InpTrade && TerminalInfoInteger(TERMINAL_TRADE_ALLOWED) && MQLInfoInteger(MQL_TRADE_ALLOWED) && AccountInfoInteger(ACCOUNT_TRADE_ALLOWED) && AccountInfoInteger(ACCOUNT_TRADE_EXPERT);
   string account = "{" + PText("balance", PDecimal(AccountInfoDouble(ACCOUNT_BALANCE), 8)) + "," + PText("equity", PDecimal(AccountInfoDouble(ACCOUNT_EQUITY), 8)) + "," +
                    PText("margin", PDecimal(AccountInfoDouble(ACCOUNT_MARGIN), 8)) + "," + PText("free", PDecimal(AccountInfoDouble(ACCOUNT_MARGIN_FREE), 8)) + "," + PMember("trading", may ? "true" : "false") + "}";
   return PMember("account", account) + "," + PMember("orders", "[" + orders + "]") + "," + PMember("positions", "[" + positions + "]") + "," + PMember("deals", "[" + deals + "]") + "," + PMember("ticks", "[" + ticks + "]");
}

//+------------------------------------------------------------------+ commands
// What a return code means: "" done; "?" nobody knows; else why not.
string PWhy(const uint code)
{
   switch(code)
     {
      case TRADE_RETCODE_DONE:
      case TRADE_RETCODE_PLACED:
      case TRADE_RETCODE_DONE_PARTIAL:   return "";
      case TRADE_RETCODE_NO_MONEY:       return "funds";
      case TRADE_RETCODE_INVALID_VOLUME: return "quantity";
      case TRADE_RETCODE_LIMIT_VOLUME:
      case TRADE_RETCODE_LIMIT_ORDERS:   return "limit";
      case TRADE_RETCODE_INVALID_PRICE:
      case TRADE_RETCODE_INVALID_STOPS:
      case TRADE_RETCODE_REQUOTE:
      case TRADE_RETCODE_PRICE_CHANGED:
      case TRADE_RETCODE_PRICE_OFF:      return "price";
      case TRADE_RETCODE_MARKET_CLOSED:
      case TRADE_RETCODE_TRADE_DISABLED:
      case TRADE_RETCODE_SERVER_DISABLES_AT:
      case TRADE_RETCODE_CLIENT_DISABLES_AT: return "closed";
      case TRADE_RETCODE_TOO_MANY_REQUESTS:  return "throttled";
      case TRADE_RETCODE_POSITION_CLOSED:    return "reduce_only";
      case TRADE_RETCODE_INVALID_FILL:
      case TRADE_RETCODE_INVALID_ORDER:      return "unsupported";
      case TRADE_RETCODE_INVALID:            return "request";
      case TRADE_RETCODE_REJECT:
      case TRADE_RETCODE_CANCEL:             return "other";
     }
   return "?";  // time-outs, a lost connection, whatever is new: it may have arrived
}

ENUM_ORDER_TYPE_FILLING PFilling(const string s)
{
   long modes = SymbolInfoInteger(s, SYMBOL_FILLING_MODE);
   return (modes & SYMBOL_FILLING_IOC) != 0 ? ORDER_FILLING_IOC : (modes & SYMBOL_FILLING_FOK) != 0 ? ORDER_FILLING_FOK : ORDER_FILLING_RETURN;
}

uint PSend(MqlTradeRequest &request, MqlTradeResult &result)
{
   ZeroMemory(result);
   ResetLastError();
   if(!OrderSend(request, result) && result.retcode == 0) result.retcode = 1;  // not even a code: "?"
   return result.retcode;
}

void PMarket(const string id, const string s, const bool buy, double volume, const long magic, const bool reduce)
{
   MqlTradeRequest q;
   MqlTradeResult r;
   string ticket = "", why = "";
   bool sent = false;
   double step = SymbolInfoDouble(s, SYMBOL_VOLUME_STEP);
   if(PIsHedging())  // what is opposite and ours is closed first, the oldest first
      for(int i = 0; i < PositionsTotal() && volume > step / 2 && why == "";)
        {
         ulong t = PositionGetTicket(i);
         bool opposite = t > 0 && PositionGetString(POSITION_SYMBOL) == s && PositionGetInteger(POSITION_MAGIC) == magic && (PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_SELL) == buy;
         if(!opposite) { i++; continue; }
         double part = MathMin(volume, PositionGetDouble(POSITION_VOLUME));
         int before = PositionsTotal();
         ZeroMemory(q);
         q.action = TRADE_ACTION_DEAL; q.position = t; q.symbol = s; q.volume = part; q.magic = magic; q.comment = id; q.deviation = InpSlippage;
         q.type = buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL; q.price = SymbolInfoDouble(s, buy ? SYMBOL_ASK : SYMBOL_BID); q.type_filling = PFilling(s);
         why = PWhy(PSend(q, r));
         if(why == "") { sent = true; volume = NormalizeDouble(volume - part, 8); ticket = IntegerToString((long)r.order); }
         if(why == "" && PositionsTotal() == before) i++;
        }
   else if(reduce)
     {
      bool opposite = PositionSelect(s) && (PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_SELL) == buy;
      volume = opposite ? MathMin(volume, PositionGetDouble(POSITION_VOLUME)) : 0;
     }
   bool rest = volume > step / 2 && why == "" && (!reduce || !PIsHedging());
   if(rest)
     {
      ZeroMemory(q);
      q.action = TRADE_ACTION_DEAL; q.symbol = s; q.volume = volume; q.magic = magic; q.comment = id; q.deviation = InpSlippage;
      q.type = buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL; q.price = SymbolInfoDouble(s, buy ? SYMBOL_ASK : SYMBOL_BID); q.type_filling = PFilling(s);
      why = PWhy(PSend(q, r));
      if(why == "") { sent = true; ticket = IntegerToString((long)r.order); }
     }
   // A part that went through and a part of which nobody knows: the order is asked about.
   if(why == "?" || (why != "" && sent)) PResult(id, "unsure", ticket, "", "retcode " + IntegerToString(r.retcode));
   else if(why != "") PResult(id, "refused", "", why, "retcode " + IntegerToString(r.retcode) + " " + r.comment);
   else if(!sent) PResult(id, "refused", "", "reduce_only", "nothing is held that it could reduce");
   else PResult(id, "done", ticket, "", "");
}

void PPending(const string id, const string s, const bool buy, const string type, const double volume, const long magic, const double price, const double trigger)
{
   MqlTradeRequest q;
   MqlTradeResult r;
   ZeroMemory(q);
   q.action = TRADE_ACTION_PENDING; q.symbol = s; q.volume = volume; q.magic = magic; q.comment = id; q.type_time = ORDER_TIME_GTC; q.type_filling = ORDER_FILLING_RETURN;
   if(type == "limit") { q.type = buy ? ORDER_TYPE_BUY_LIMIT : ORDER_TYPE_SELL_LIMIT; q.price = price; }
   else if(type == "stop") { q.type = buy ? ORDER_TYPE_BUY_STOP : ORDER_TYPE_SELL_STOP; q.price = trigger; }
   else { q.type = buy ? ORDER_TYPE_BUY_STOP_LIMIT : ORDER_TYPE_SELL_STOP_LIMIT; q.price = trigger; q.stoplimit = price; }
   string why = PWhy(PSend(q, r));
   if(why == "") PResult(id, "done", IntegerToString((long)r.order), "", "");
   else if(why == "?") PResult(id, "unsure", "", "", "retcode " + IntegerToString(r.retcode));
   else PResult(id, "refused", "", why, "retcode " + IntegerToString(r.retcode) + " " + r.comment);
}

void PCancel(const string id, const string client, const string known)
{
   MqlTradeRequest q;
   MqlTradeResult r;
   ulong ticket = 0;
   for(int i = OrdersTotal() - 1; i >= 0; i--)
     {
      ulong t = OrderGetTicket(i);
      if(t > 0 && (IntegerToString((long)t) == known || PClientOf(OrderGetString(ORDER_COMMENT), IntegerToString((long)t)) == client)) { ticket = t; break; }
     }
   if(ticket == 0) { PResult(id, "refused", "", PTold(client) == "" ? "not_found" : "done", "no such order works"); return; }
   ZeroMemory(q);
   q.action = TRADE_ACTION_REMOVE; q.order = ticket;
   string why = PWhy(PSend(q, r));
   if(why == "") PResult(id, "done", IntegerToString((long)ticket), "", "");
   else if(why == "?") PResult(id, "unsure", "", "", "retcode " + IntegerToString(r.retcode));
   else PResult(id, "refused", "", r.retcode == TRADE_RETCODE_INVALID || r.retcode == TRADE_RETCODE_INVALID_ORDER ? "done" : why, "retcode " + IntegerToString(r.retcode));
}

void PExecute(const string c)
{
   string id = PValue(c, "id"), s = PValue(c, "symbol"), type = PValue(c, "type");
   if(PValue(c, "do") == "cancel") { PCancel(id, PValue(c, "client"), PValue(c, "ticket")); return; }
   if(PValue(c, "do") != "place") { PResult(id, "refused", "", "unsupported", "what it asks for is not known"); return; }
   bool buy = PValue(c, "side") == "buy";
   double volume = StringToDouble(PValue(c, "volume"));
   long magic = StringToInteger(PValue(c, "magic"));
   if(type == "market") PMarket(id, s, buy, volume, magic, PValue(c, "reduce") == "true");
   else if(type == "limit" || type == "stop" || type == "stop_limit") PPending(id, s, buy, type, volume, magic, StringToDouble(PValue(c, "price")), StringToDouble(PValue(c, "trigger")));
   else PResult(id, "refused", "", "unsupported", "no such type of order");
}

// Of a hedging account: what pending orders have opened against what is held of the same magic number is set off, so that only the net stays.
void PSetOff()
{
   if(!PIsHedging() || !InpTrade) return;
   for(int i = 0; i < PositionsTotal(); i++)
     {
      ulong a = PositionGetTicket(i);
      if(a == 0 || PositionGetInteger(POSITION_MAGIC) == 0) continue;
      string s = PositionGetString(POSITION_SYMBOL);
      long magic = PositionGetInteger(POSITION_MAGIC), side = PositionGetInteger(POSITION_TYPE);
      if(!PIsClient(PositionGetString(POSITION_COMMENT))) continue;
      for(int k = i + 1; k < PositionsTotal(); k++)
        {
         ulong b = PositionGetTicket(k);
         if(b == 0 || PositionGetString(POSITION_SYMBOL) != s || PositionGetInteger(POSITION_MAGIC) != magic || PositionGetInteger(POSITION_TYPE) == side || !PIsClient(PositionGetString(POSITION_COMMENT))) continue;
         MqlTradeRequest q;
         MqlTradeResult r;
         ZeroMemory(q);
         q.action = TRADE_ACTION_CLOSE_BY; q.position = a; q.position_by = b; q.magic = magic;
         PSend(q, r);
         return;  // the lists are others now
        }
     }
}

int  OnInit()                    { return PInit(); }
void OnDeinit(const int reason)  { PDeinit(); }
void OnTimer()                   { PRound(); PSetOff(); }
void OnTick()                    { }
