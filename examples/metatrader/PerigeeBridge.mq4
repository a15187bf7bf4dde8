// PerigeeBridge.mq4 – an account at MetaTrader 4 as an account of Perigee's: reports up, leased commands down (README.md).
// MetaTrader 4 has orders only: what it calls a closed order is two deals here, "T" that opened it and "Tc" that closed it. A part that is closed
// leaves the rest under another ticket with the comment "from #T". NOT COMPILED by the project that ships it: see README.md.
#property copyright "Perigee"
#property version   "1.0"
#property strict
#include "Perigee.mqh"

long POffsetMs()
{
   long s = (long)TimeCurrent() - (long)TimeGMT();  // of the last tick: older than now at most, so rounded to the quarter of an hour
   return (long)MathRound((double)s / 900.0) * 900000;
}
string PTime(const datetime server) { return IntegerToString((long)server * 1000 - POffsetMs()); }

//+------------------------------------------------------------------+ hello
string PHello()
{
   string list = "";
   for(int i = 0; i < ArraySize(g_symbols); i++)
     {
      string s = g_symbols[i];
      if(!SymbolSelect(s, true)) continue;
      list += (list == "" ? "{" : ",{") + PText("symbol", s) + "," + PText("base", SymbolInfoString(s, SYMBOL_CURRENCY_BASE)) + "," + PText("profit", SymbolInfoString(s, SYMBOL_CURRENCY_PROFIT)) + "," +
              PText("tick", PDecimal(MarketInfo(s, MODE_TICKSIZE), 8)) + "," + PText("contract", PDecimal(MarketInfo(s, MODE_LOTSIZE), 8)) + "," + PText("volume_min", PDecimal(MarketInfo(s, MODE_MINLOT), 8)) + "," +
              PText("volume_max", PDecimal(MarketInfo(s, MODE_MAXLOT), 8)) + "," + PText("volume_step", PDecimal(MarketInfo(s, MODE_LOTSTEP), 8)) + "," +
              PMember("trading", MarketInfo(s, MODE_TRADEALLOWED) > 0 ? "true" : "false") + "}";
     }
   return "{" + PMember("protocol", IntegerToString(PERIGEE_PROTOCOL)) + "," + PText("platform", "mt4") + "," + PText("version", "1.0 (" + IntegerToString(TerminalInfoInteger(TERMINAL_BUILD)) + ")") + "," +
          PText("login", IntegerToString(AccountNumber())) + "," + PText("server", StringSubstr(AccountServer(), 0, 63)) + "," + PText("currency", AccountCurrency()) + "," + PMember("hedging", "true") + "," +
          PMember("real", IsDemo() ? "false" : "true") + "," + PMember("symbols", "[" + list + "]") + "}";
}

//+------------------------------------------------------------------+ names
// The journal has "id/ticket" for each part of a command: a market order may close several tickets.
string PClientOfTicket(const string ticket)
{
   int k = PJournalByTicket(ticket);
   if(k < 0) return "";
   int slash = StringFind(g_ids[k], "/");
   string id = slash < 0 ? g_ids[k] : StringSubstr(g_ids[k], 0, slash);
   return PIsClient(id) ? id : "";
}
string PClient()  // of the selected order
{
   string c = OrderComment();
   return PIsClient(c) ? c : PClientOfTicket(IntegerToString(OrderTicket()));
}
void PPart(const string id, const string ticket) { PJournalWrite(id + "/" + ticket, "part", ticket, "", ""); }

bool PIsRest() { return StringFind(OrderComment(), "from #") >= 0; }

// What was opened under the ticket, with what went on under others. No order stays selected.
double PVolumeOpened(const int ticket, const int depth)
{
   double sum = 0;
   int child = -1;
   if(depth > 50) return 0;
   if(OrderSelect(ticket, SELECT_BY_TICKET)) sum = OrderLots();
   string from = "from #" + IntegerToString(ticket);
   for(int mode = 0; mode < 2 && child < 0; mode++)
      for(int i = (mode == 0 ? OrdersTotal() : OrdersHistoryTotal()) - 1; i >= 0 && child < 0; i--)
         if(OrderSelect(i, SELECT_BY_POS, mode == 0 ? MODE_TRADES : MODE_HISTORY) && OrderComment() == from) child = OrderTicket();
   return child < 0 ? sum : sum + PVolumeOpened(child, depth + 1);
}

//+------------------------------------------------------------------+ orders
string POrder(const string client, const string state, const double volume, const double filled, const datetime at)  // of the selected one
{
   int type = OrderType();
   bool buy = type == OP_BUY || type == OP_BUYLIMIT || type == OP_BUYSTOP;
   string o = PText("ticket", IntegerToString(OrderTicket())) + "," + PText("client", client) + "," + PText("symbol", OrderSymbol()) + "," + PText("state", state) + "," + PText("side", buy ? "buy" : "sell") + "," +
              PText("volume", PDecimal(volume, 8)) + "," + PText("filled", PDecimal(filled, 8));
   if(type == OP_BUYLIMIT || type == OP_SELLLIMIT) o += "," + PText("price", PDecimal(OrderOpenPrice(), 8));
   if(type == OP_BUYSTOP || type == OP_SELLSTOP) o += "," + PText("trigger", PDecimal(OrderOpenPrice(), 8));
   return "{" + o + "," + PMember("time_ms", PTime(at)) + "}";
}

string PTold(const string client)
{
   for(int mode = 0; mode < 2; mode++)
      for(int i = (mode == 0 ? OrdersTotal() : OrdersHistoryTotal()) - 1; i >= 0; i--)
        {
         if(!OrderSelect(i, SELECT_BY_POS, mode == 0 ? MODE_TRADES : MODE_HISTORY) || PClient() != client || PIsRest()) continue;
         if(OrderType() > OP_SELL) return POrder(client, mode == 0 ? "open" : StringFind(OrderComment(), "expir") >= 0 ? "expired" : "canceled", OrderLots(), 0, mode == 0 ? OrderOpenTime() : OrderCloseTime());
         int ticket = OrderTicket();
         double volume = PVolumeOpened(ticket, 0) + PClosedBy(client);
         if(!OrderSelect(ticket, SELECT_BY_TICKET)) return "";
         return POrder(client, "filled", volume, volume, OrderOpenTime());
        }
   // One that only closed has no order of its own here.
   double closed = PClosedBy(client);
   if(closed <= 0 || !OrderSelect(PClosedTicket(client), SELECT_BY_TICKET)) return "";
   return "{" + PText("ticket", IntegerToString(OrderTicket()) + "c") + "," + PText("client", client) + "," + PText("symbol", OrderSymbol()) + "," + PText("state", "filled") + "," +
          PText("side", OrderType() == OP_BUY ? "sell" : "buy") + "," + PText("volume", PDecimal(closed, 8)) + "," + PText("filled", PDecimal(closed, 8)) + "," + PMember("time_ms", PTime(OrderCloseTime())) + "}";
}
int PClosedTicket(const string client)
{
   for(int i = 0; i < g_count; i++)
      if(StringFind(g_ids[i], client + "/") == 0 && StringGetCharacter(g_tickets[i], StringLen(g_tickets[i]) - 1) == 'c') return (int)StringToInteger(g_tickets[i]);
   return -1;
}
double PClosedBy(const string client)
{
   double sum = 0;
   for(int i = 0; i < g_count; i++)
     {
      if(StringFind(g_ids[i], client + "/") != 0 || StringGetCharacter(g_tickets[i], StringLen(g_tickets[i]) - 1) != 'c') continue;
      if(OrderSelect((int)StringToInteger(g_tickets[i]), SELECT_BY_TICKET) && OrderCloseTime() > 0) sum += OrderLots();
     }
   return sum;
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

string PDeal(const string ticket, const string order, const string client, const string s, const bool buy, const double volume, const double price, const double fee, const bool stop_out, const datetime at)
{
   return "{" + PText("ticket", ticket) + "," + PText("order", order) + "," + PText("client", client) + "," + PText("symbol", s) + "," + PText("side", buy ? "buy" : "sell") + "," + PText("volume", PDecimal(volume, 8)) + "," +
          PText("price", PDecimal(price, 8)) + "," + PText("fee", PDecimal(fee, 8)) + "," + PMember("stop_out", stop_out ? "true" : "false") + "," + PMember("time_ms", PTime(at)) + "}";
}

string PReport()
{
   string orders = "", positions = "", ticks = "", deals = "", list[];
   long times[];
   int count = 0;
   g_more = false;
   for(int mode = 0; mode < 2; mode++)
      for(int i = 0; i < (mode == 0 ? OrdersTotal() : OrdersHistoryTotal()); i++)
        {
         if(!OrderSelect(i, SELECT_BY_POS, mode == 0 ? MODE_TRADES : MODE_HISTORY) || !PListed(OrderSymbol()) || OrderType() > OP_SELLSTOP) continue;
         string client = PClient(), s = OrderSymbol(), t = IntegerToString(OrderTicket());
         int ticket = OrderTicket(), type = OrderType();
         datetime opened = OrderOpenTime(), closed = OrderCloseTime();
         bool rest = PIsRest(), buy = type == OP_BUY;
         if(type > OP_SELL)
           {
            if(mode == 1 && StringToInteger(PTime(closed)) < g_since_ms) continue;
            orders += (orders == "" ? "" : ",") + POrder(client, mode == 0 ? "open" : StringFind(OrderComment(), "expir") >= 0 ? "expired" : "canceled", OrderLots(), 0, mode == 0 ? opened : closed);
            continue;
           }
         if(mode == 0)
            positions += (positions == "" ? "{" : ",{") + PText("ticket", t) + "," + PText("symbol", s) + "," + PText("side", buy ? "buy" : "sell") + "," + PText("volume", PDecimal(OrderLots(), 8)) + "," +
                         PText("price", PDecimal(OrderOpenPrice(), 8)) + "," + PText("profit", PDecimal(OrderProfit(), 2)) + "}";
         double open_price = OrderOpenPrice(), close_price = OrderClosePrice(), lots = OrderLots(), paid = -(OrderCommission() + OrderSwap());
         bool stop_out = StringFind(OrderComment(), "so:") >= 0, by = StringFind(OrderComment(), "close hedge by") >= 0;
         if(mode == 1 && !by && StringToInteger(PTime(closed)) >= g_since_ms)
           {
            ArrayResize(list, count + 1, 64);
            ArrayResize(times, count + 1, 64);
            times[count] = (long)closed;
            list[count++] = PDeal(t + "c", t, PClientOfTicket(t + "c"), s, !buy, lots, close_price, paid, stop_out, closed);
           }
         if(rest || StringToInteger(PTime(opened)) < g_since_ms) continue;
         double volume = PVolumeOpened(ticket, 0);
         ArrayResize(list, count + 1, 64);
         ArrayResize(times, count + 1, 64);
         times[count] = (long)opened;
         list[count++] = PDeal(t, t, client, s, buy, volume, open_price, 0, false, opened);
         if(OrderSelect(ticket, SELECT_BY_TICKET)) orders += (orders == "" ? "" : ",") + POrder(client, "filled", volume, volume, opened);
        }
   for(int told = 0; told < count; told++)  // oldest first
     {
      int best = -1;
      for(int i = 0; i < count; i++)
         if(list[i] != "" && (best < 0 || times[i] < times[best])) best = i;
      if(told == 500) { g_more = true; break; }
      deals += (deals == "" ? "" : ",") + list[best];
      list[best] = "";
     }
   for(int i = 0; i < ArraySize(g_symbols); i++)
     {
      double bid = MarketInfo(g_symbols[i], MODE_BID), ask = MarketInfo(g_symbols[i], MODE_ASK);
      if(bid <= 0 || ask < bid) continue;
      ticks += (ticks == "" ? "{" : ",{") + PText("symbol", g_symbols[i]) + "," + PText("bid", PDecimal(bid, 8)) + "," + PText("ask", PDecimal(ask, 8)) + "," + PMember("time_ms", PTime((datetime)MarketInfo(g_symbols[i], MODE_TIME))) + "}";
     }
   string account = "{" + PText("balance", PDecimal(AccountBalance(), 8)) + "," + PText("equity", PDecimal(AccountEquity(), 8)) + "," + PText("margin", PDecimal(AccountMargin(), 8)) + "," +
                    PText("free", PDecimal(AccountFreeMargin(), 8)) + "," + PMember("trading", InpTrade && IsTradeAllowed() && IsConnected() ? "true" : "false") + "}";
   return PMember("account", account) + "," + PMember("orders", "[" + orders + "]") + "," + PMember("positions", "[" + positions + "]") + "," + PMember("deals", "[" + deals + "]") + "," + PMember("ticks", "[" + ticks + "]");
}

//+------------------------------------------------------------------+ commands
// What an error means: "?" nobody knows; else why not.
string PWhy(const int code)
{
   switch(code)
     {
      case 131: return "quantity";
      case 134: return "funds";
      case 129: case 130: case 135: case 136: case 138: case 145: return "price";
      case 132: case 133: case 4109: case 4110: case 4111: case 64: case 65: return "closed";
      case 148: case 149: case 150: return "limit";
      case 8: case 141: return "throttled";
      case 3: case 4051: case 4105: case 4106: case 4107: return "request";
     }
   return "?";  // 0, 1, 2, 6, 128, 142, 143 …: it may have arrived
}

void PSaid(const string id, const string ticket, const string why, const bool sent)
{
   if(why == "?" || (why != "" && sent)) PResult(id, "unsure", ticket, "", "a part of it, or its end, is not known");
   else if(why != "") PResult(id, "refused", "", why, "error of the terminal");
   else if(!sent) PResult(id, "refused", "", "reduce_only", "nothing is held that it could reduce");
   else PResult(id, "done", ticket, "", "");
}

void PMarket(const string id, const string s, const bool buy, double volume, const int magic, const bool reduce)
{
   string ticket = "", why = "";
   bool sent = false;
   double step = MarketInfo(s, MODE_LOTSTEP);
   for(int i = 0; i < OrdersTotal() && volume > step / 2 && why == "";)
     {
      bool opposite = OrderSelect(i, SELECT_BY_POS, MODE_TRADES) && OrderSymbol() == s && OrderMagicNumber() == magic && OrderType() == (buy ? OP_SELL : OP_BUY);
      if(!opposite) { i++; continue; }
      double part = MathMin(volume, OrderLots());
      int t = OrderTicket(), before = OrdersTotal();
      PPart(id, IntegerToString(t) + "c");  // before it is closed: a kill in between leaves no deal without a name
      ResetLastError();
      if(OrderClose(t, part, MarketInfo(s, buy ? MODE_ASK : MODE_BID), InpSlippage)) { sent = true; volume = NormalizeDouble(volume - part, 8); ticket = IntegerToString(t) + "c"; }
      else why = PWhy(GetLastError());
      if(OrdersTotal() == before) i++;
     }
   if(volume > step / 2 && why == "" && !reduce)
     {
      ResetLastError();
      int t = OrderSend(s, buy ? OP_BUY : OP_SELL, volume, MarketInfo(s, buy ? MODE_ASK : MODE_BID), InpSlippage, 0, 0, id, magic);
      if(t > 0) { sent = true; ticket = IntegerToString(t); PPart(id, ticket); }
      else why = PWhy(GetLastError());
     }
   PSaid(id, ticket, why, sent);
}

void PCancel(const string id, const string client, const string known)
{
   for(int i = OrdersTotal() - 1; i >= 0; i--)
     {
      if(!OrderSelect(i, SELECT_BY_POS, MODE_TRADES) || OrderType() <= OP_SELL || (IntegerToString(OrderTicket()) != known && PClient() != client)) continue;
      string ticket = IntegerToString(OrderTicket());
      ResetLastError();
      if(OrderDelete(OrderTicket())) PResult(id, "done", ticket, "", "");
      else PSaid(id, ticket, PWhy(GetLastError()), false);
      return;
     }
   PResult(id, "refused", "", PTold(client) == "" ? "not_found" : "done", "no such order works");
}

void PExecute(const string c)
{
   string id = PValue(c, "id"), s = PValue(c, "symbol"), type = PValue(c, "type");
   if(PValue(c, "do") == "cancel") { PCancel(id, PValue(c, "client"), PValue(c, "ticket")); return; }
   bool buy = PValue(c, "side") == "buy";
   double volume = StringToDouble(PValue(c, "volume"));
   int magic = (int)StringToInteger(PValue(c, "magic"));
   if(PValue(c, "do") == "place" && type == "market") { PMarket(id, s, buy, volume, magic, PValue(c, "reduce") == "true"); return; }
   int op = type == "limit" ? (buy ? OP_BUYLIMIT : OP_SELLLIMIT) : type == "stop" ? (buy ? OP_BUYSTOP : OP_SELLSTOP) : -1;
   if(PValue(c, "do") != "place" || op < 0) { PResult(id, "refused", "", "unsupported", "no such command, or type of order"); return; }
   ResetLastError();
   int t = OrderSend(s, op, volume, StringToDouble(PValue(c, type == "limit" ? "price" : "trigger")), 0, 0, 0, id, magic);
   PSaid(id, t > 0 ? IntegerToString(t) : "", t > 0 ? "" : PWhy(GetLastError()), t > 0);
}

// What pending orders have opened against what is held of the same magic number is set off, so that only the net stays.
void PSetOff()
{
   if(!InpTrade) return;
   for(int i = 0; i < OrdersTotal(); i++)
     {
      if(!OrderSelect(i, SELECT_BY_POS, MODE_TRADES) || OrderType() > OP_SELL || OrderMagicNumber() == 0 || PClient() == "") continue;
      int a = OrderTicket(), magic = OrderMagicNumber(), type = OrderType();
      string s = OrderSymbol();
      for(int k = i + 1; k < OrdersTotal(); k++)
        {
         if(!OrderSelect(k, SELECT_BY_POS, MODE_TRADES) || OrderType() > OP_SELL || OrderType() == type || OrderMagicNumber() != magic || OrderSymbol() != s || PClient() == "") continue;
         if(!OrderCloseBy(a, OrderTicket())) PrintFormat("perigee: close by: %d", GetLastError());
         return;
        }
     }
}

int  OnInit()                    { return PInit(); }
void OnDeinit(const int reason)  { PDeinit(); }
void OnTimer()                   { PRound(); PSetOff(); }
void OnTick()                    { }
