// Perigee.mqh – what both experts (PerigeeBridge.mq4, PerigeeBridge.mq5) share: signed and numbered requests, a little JSON, the journal of commands.
// The protocol is in README.md beside this file. NOT COMPILED by the project that ships it, since no MetaEditor runs there: see README.md.
#property strict

//+------------------------------------------------------------------+ settings
input string InpUrl      = "https://example.org/api/v1/ea/TOKEN";  // address: site and the account's path (allow the site in Tools/Options/Expert Advisors)
input string InpSecret   = "";                                     // the account's secret
input string InpSymbols  = "EURUSD";                               // symbols, as the broker names them, separated by commas
input int    InpPollMs   = 50;                                     // milliseconds between two requests
input int    InpWaitMs   = 200;                                    // and that the service may hold each of them, until it has a command
input bool   InpTrade    = true;                                   // false: reports only, commands are refused
input int    InpSlippage = 20;                                     // points that a market order may slip

#define PERIGEE_PROTOCOL 1
#define PERIGEE_DAYS     31

//+------------------------------------------------------------------+ bytes
void PBytes(const string text, uchar &ret[])
{
   int n = StringToCharArray(text, ret, 0, -1, CP_UTF8) - 1;  // all of it (WHOLE_ARRAY is another number in MQL4), without the NUL
   ArrayResize(ret, n < 0 ? 0 : n);
}

void PSha256(const uchar &bytes[], uchar &ret[])
{
   uchar none[];
   ArrayResize(none, 0);
   CryptEncode(CRYPT_HASH_SHA256, bytes, none, ret);
}

// HMAC (RFC 2104) of text, keyed with the secret's characters: 64-byte blocks.
string PSign(const string method, const string path, const long number, const string body)
{
   uchar key[], inner[], outer[], message[], hash[];
   PBytes(InpSecret, key);
   if(ArraySize(key) > 64)
     {
      PSha256(key, hash);
      ArrayCopy(key, hash);
      ArrayResize(key, 32);
     }
   int n = ArraySize(key);
   ArrayResize(key, 64);
   for(int i = n; i < 64; i++) key[i] = 0;
   PBytes(method + "\n" + path + "\n" + IntegerToString(number) + "\n" + body, message);
   ArrayResize(inner, 64 + ArraySize(message));
   for(int i = 0; i < 64; i++) inner[i] = (uchar)(key[i] ^ 0x36);
   ArrayCopy(inner, message, 64);
   PSha256(inner, hash);
   ArrayResize(outer, 96);
   for(int i = 0; i < 64; i++) outer[i] = (uchar)(key[i] ^ 0x5c);
   ArrayCopy(outer, hash, 64, 0, 32);
   PSha256(outer, hash);
   string hex = "";
   for(int i = 0; i < 32; i++) hex += StringFormat("%02x", hash[i]);
   return hex;
}

//+------------------------------------------------------------------+ text
// StringTrimLeft and StringTrimRight change their argument in MQL5 and give back a copy in MQL4: neither is used.
bool PIsBlank(const ushort c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
string PTrim(const string text)
{
   int from = 0, to = StringLen(text);
   while(from < to && PIsBlank(StringGetCharacter(text, from))) from++;
   while(to > from && PIsBlank(StringGetCharacter(text, to - 1))) to--;
   return to > from ? StringSubstr(text, from, to - from) : "";  // a length of 0 means all in MQL4
}

// InpSymbols: what the hello tells of, and nothing else is reported, so what is traded is always reported too.
string g_symbols[];
void PSymbols()
{
   string names[];
   int n = StringSplit(InpSymbols, ',', names), count = 0;
   ArrayResize(g_symbols, 0);
   for(int i = 0; i < n; i++)
     {
      string s = PTrim(names[i]);
      if(s == "") continue;
      ArrayResize(g_symbols, count + 1, 16);
      g_symbols[count++] = s;
     }
}
bool PListed(const string s)
{
   for(int i = 0; i < ArraySize(g_symbols); i++)
      if(g_symbols[i] == s) return true;
   return false;
}

//+------------------------------------------------------------------+ JSON, as much as is needed
string PQuote(const string text)
{
   string r = "\"";
   for(int i = 0; i < StringLen(text); i++)
     {
      ushort c = StringGetCharacter(text, i);
      if(c == '"' || c == '\\') r += "\\";
      if(c >= 32 && c != 127) r += ShortToString(c);
     }
   return r + "\"";
}
string PMember(const string name, const string value) { return PQuote(name) + ":" + value; }
string PText(const string name, const string value)   { return PMember(name, PQuote(value)); }

// A decimal with no more digits than it has.
string PDecimal(const double v, const int digits)
{
   string t = DoubleToString(v, digits);
   if(StringFind(t, ".") < 0) return t;
   int n = StringLen(t);
   while(n > 0 && StringGetCharacter(t, n - 1) == '0') n--;
   if(n > 0 && StringGetCharacter(t, n - 1) == '.') n--;
   return StringSubstr(t, 0, n);
}

// Where the value behind "name": begins in a flat object; -1: there is none.
int PFind(const string object, const string name)
{
   int at = StringFind(object, "\"" + name + "\":");
   return at < 0 ? -1 : at + StringLen(name) + 3;
}
// The value as text: of a string without its quotes (commands have no escapes), of others as written.
string PValue(const string object, const string name)
{
   int at = PFind(object, name);
   if(at < 0) return "";
   if(StringGetCharacter(object, at) == '"')
     {
      int end = StringFind(object, "\"", at + 1);
      return end < 0 ? "" : StringSubstr(object, at + 1, end - at - 1);
     }
   int to = at;
   while(to < StringLen(object))
     {
      ushort c = StringGetCharacter(object, to);
      if(c == ',' || c == '}' || c == ']') break;
      to++;
     }
   return StringSubstr(object, at, to - at);
}
// The entries of a list: of objects with their braces, of strings without their quotes.
int PList(const string object, const string name, string &ret[])
{
   int at = PFind(object, name), depth = 0, begin = -1, n = 0;
   bool quoted = false;
   ArrayResize(ret, 0);
   if(at < 0 || StringGetCharacter(object, at) != '[') return 0;
   for(int i = at + 1; i < StringLen(object); i++)
     {
      ushort c = StringGetCharacter(object, i);
      if(c == '"')
        {
         quoted = !quoted;
         if(depth > 0) continue;
         if(quoted) { begin = i + 1; continue; }
         ArrayResize(ret, n + 1);
         ret[n++] = StringSubstr(object, begin, i - begin);
         continue;
        }
      if(quoted) continue;
      if(c == '{' && depth++ == 0) begin = i;
      if(c == '}' && --depth == 0)
        {
         ArrayResize(ret, n + 1);
         ret[n++] = StringSubstr(object, begin, i - begin + 1);
        }
      if(c == ']' && depth == 0) break;
     }
   return n;
}

//+------------------------------------------------------------------+ requests
long   g_sequence = 0;   // the service says where to go on when this is behind
string g_path     = "";  // InpUrl from its first single slash

string PPath()
{
   int scheme = StringFind(InpUrl, "://");
   int slash = StringFind(InpUrl, "/", scheme < 0 ? 0 : scheme + 3);
   return slash < 0 ? "/" : StringSubstr(InpUrl, slash);
}

string PHeader(const string headers, const string name)
{
   string lower = headers, wanted = name + ":";
   StringToLower(lower);
   StringToLower(wanted);
   int at = StringFind(lower, wanted);
   if(at < 0) return "";
   int end = StringFind(headers, "\n", at);
   string v = StringSubstr(headers, at + StringLen(wanted), (end < 0 ? StringLen(headers) : end) - at - StringLen(wanted));
   return PTrim(v);
}

// The status; 200 only of an answer that is signed for this very request. -1: none came.
int PRequest(const string what, const string body, string &ret_answer)
{
   uchar data[], result[];
   string headers, path = g_path + "/" + what;
   ret_answer = "";
   g_sequence++;
   PBytes(body, data);
   headers = "Content-Type: application/json\r\nX-Perigee-Sequence: " + IntegerToString(g_sequence) + "\r\nX-Perigee-Signature: " + PSign("POST", path, g_sequence, body) + "\r\n";
   string answer_headers = "";
   ResetLastError();
   int status = WebRequest("POST", InpUrl + "/" + what, headers, 5000, data, result, answer_headers);
   if(status < 0)
     {
      PrintFormat("perigee: no answer, error %d (is the site allowed in Tools/Options/Expert Advisors?)", GetLastError());
      return -1;
     }
   ret_answer = CharArrayToString(result, 0, -1, CP_UTF8);
   if(status == 409)
     {
      long last = StringToInteger(PHeader(answer_headers, "X-Perigee-Sequence"));
      if(last > g_sequence) g_sequence = last;
     }
   if(status != 200) PrintFormat("perigee: %s: %d %s", what, status, StringSubstr(ret_answer, 0, 200));
   if(status == 200 && PHeader(answer_headers, "X-Perigee-Signature") != PSign("ANSWER", path, g_sequence, ret_answer))
     {
      Print("perigee: an answer that is not signed was left unread");
      return -1;
     }
   return status;
}

//+------------------------------------------------------------------+ the journal: what was begun, what became of it
// A line each: id, said ("begun" first), ticket, why, text, time – a later line of an id counts. On the disk before anything is sent to the broker.
string g_ids[], g_said[], g_tickets[], g_whys[], g_texts[];
long   g_times[];        // of the line that counts, seconds UTC
int    g_count = 0, g_file = INVALID_HANDLE;
string g_unsent[];       // ids whose result the service has not taken
int    g_unsent_count = 0;
uint   g_started_ms = 0;

string PJournalName() { return "Perigee\\" + IntegerToString(AccountInfoInteger(ACCOUNT_LOGIN)) + ".journal"; }

int PJournalFind(const string id)
{
   for(int i = g_count - 1; i >= 0; i--)
      if(g_ids[i] == id) return i;
   return -1;
}
int PJournalByTicket(const string ticket)
{
   for(int i = g_count - 1; i >= 0; i--)
      if(g_tickets[i] == ticket && ticket != "") return i;
   return -1;
}

int PJournalSet(const string id, const string said, const string ticket, const string why, const string text, const long time_s)
{
   int i = PJournalFind(id);
   if(i < 0)
     {
      i = g_count++;
      ArrayResize(g_ids, g_count, 256);
      ArrayResize(g_said, g_count, 256);
      ArrayResize(g_tickets, g_count, 256);
      ArrayResize(g_whys, g_count, 256);
      ArrayResize(g_texts, g_count, 256);
      ArrayResize(g_times, g_count, 256);
     }
   g_ids[i] = id;
   g_said[i] = said;
   if(ticket != "") g_tickets[i] = ticket;
   g_whys[i] = why;
   g_texts[i] = text;
   g_times[i] = time_s;
   return i;
}

// False: the disk refused; then nothing may follow.
bool PJournalWrite(const string id, const string said, const string ticket, const string why, const string text)
{
   string clean = text;
   StringReplace(clean, "\t", " ");
   StringReplace(clean, "\n", " ");
   PJournalSet(id, said, ticket, why, clean, (long)TimeGMT());
   if(g_file == INVALID_HANDLE) return false;
   string line = id + "\t" + said + "\t" + ticket + "\t" + why + "\t" + clean + "\t" + IntegerToString((long)TimeGMT()) + "\n";
   if(FileWriteString(g_file, line) == 0) return false;
   FileFlush(g_file);
   return true;
}

void PResult(const string id, const string said, const string ticket, const string why, const string text)
{
   PJournalWrite(id, said, ticket, why, text);
   ArrayResize(g_unsent, g_unsent_count + 1, 64);
   g_unsent[g_unsent_count++] = id;
}

// Reads it, keeps what is younger than PERIGEE_DAYS, and what was begun without an end is looked at by the caller (said "begun").
bool PJournalOpen()
{
   string kept[];
   int n = 0;
   FolderCreate("Perigee");
   int f = FileOpen(PJournalName(), FILE_READ | FILE_TXT | FILE_ANSI | FILE_SHARE_READ, '\t', CP_UTF8);
   while(f != INVALID_HANDLE && !FileIsEnding(f))
     {
      string line = FileReadString(f), part[];
      if(StringSplit(line, '\t', part) < 6) continue;  // torn by a kill: nothing was sent behind it
      if((long)TimeGMT() - StringToInteger(part[5]) > PERIGEE_DAYS * 86400) continue;
      PJournalSet(part[0], part[1], part[2], part[3], part[4], StringToInteger(part[5]));
      // Whether the service has the last results is not in the file: they are told again.
      if(part[1] != "begun" && part[1] != "part" && (long)TimeGMT() - StringToInteger(part[5]) < 600)
        {
         ArrayResize(g_unsent, g_unsent_count + 1, 64);
         g_unsent[g_unsent_count++] = part[0];
        }
      ArrayResize(kept, n + 1, 256);
      kept[n++] = line;
     }
   if(f != INVALID_HANDLE) FileClose(f);
   // Written beside it and renamed, so that a kill leaves the one or the other.
   f = FileOpen(PJournalName() + ".new", FILE_WRITE | FILE_TXT | FILE_ANSI, '\t', CP_UTF8);
   if(f == INVALID_HANDLE) return false;
   for(int i = 0; i < n; i++) FileWriteString(f, kept[i] + "\n");
   FileFlush(f);
   FileClose(f);
   if(!FileMove(PJournalName() + ".new", 0, PJournalName(), FILE_REWRITE)) return false;
   g_file = FileOpen(PJournalName(), FILE_READ | FILE_WRITE | FILE_TXT | FILE_ANSI | FILE_SHARE_READ, '\t', CP_UTF8);
   if(g_file == INVALID_HANDLE) return false;
   FileSeek(g_file, 0, SEEK_END);
   g_started_ms = GetTickCount();
   return true;
}

string PResults()
{
   string r = "";
   for(int i = 0; i < g_unsent_count && i < 100; i++)
     {
      int k = PJournalFind(g_unsent[i]);
      if(k < 0 || g_said[k] == "begun") continue;
      string o = PText("id", g_ids[k]) + "," + PText("said", g_said[k]);
      if(g_whys[k] != "") o += "," + PText("why", g_whys[k]);
      if(g_tickets[k] != "") o += "," + PText("ticket", g_tickets[k]);
      if(g_texts[k] != "") o += "," + PText("text", StringSubstr(g_texts[k], 0, 120));
      r += (r == "" ? "" : ",") + "{" + o + "}";
     }
   return "[" + r + "]";
}
// The service has them.
void PResultsTaken(const int count)
{
   for(int i = count; i < g_unsent_count; i++) g_unsent[i - count] = g_unsent[i];
   g_unsent_count = g_unsent_count > count ? g_unsent_count - count : 0;
}

bool PIsClient(const string comment) { return StringLen(comment) == 29 && StringGetCharacter(comment, 0) == 'P'; }

//+------------------------------------------------------------------+ one round
long   g_turn = 0, g_since_ms = 0;
string g_ask[], g_bars[];
bool   g_greeted = false;

// The experts' own (mq4, mq5):
string PHello();                                    // the hello's JSON
string PReport();                                   // the report's members but for turn, since_ms, more, results, told
bool   PMore();                                     // of the last PReport: deals were left out at the end
long   POffsetMs();                                 // the server's time less UTC
string PTold(const string client);                  // an entry of told; "" : there is no such order
void   PExecute(const string command);              // place or cancel, and PResult
bool   PLookUp(const string id, string &ret_ticket);  // after a restart: is there an order of this name?

void PHeard(const string answer)
{
   g_turn = StringToInteger(PValue(answer, "turn"));
   g_since_ms = StringToInteger(PValue(answer, "since_ms"));
   PList(answer, "ask", g_ask);
   PList(answer, "bars", g_bars);
}

//+------------------------------------------------------------------+ the chart: finished bars that the last answer asked for
// A bar is finished a second after its end, by the server's clock: until then a late tick may change it.
int g_silent = 0;  // rounds in which a history did not come: the terminal loads it when it is asked for

string PCharts()
{
   string r = "";
   int room = 500, lists = ArraySize(g_bars);
   long offset_ms = POffsetMs();
   for(int i = 0; i < lists && room > 0; i++)
     {
      string s = PValue(g_bars[i], "symbol"), rows = "";
      long minutes = StringToInteger(PValue(g_bars[i], "minutes")), step_ms = minutes * 60000, from_ms = StringToInteger(PValue(g_bars[i], "from_ms"));
      long now_ms = (long)TimeGMT() * 1000 - 1000, end_ms = now_ms - now_ms % step_ms, at_ms = from_ms, through_ms = from_ms;
      int digits = (int)SymbolInfoInteger(s, SYMBOL_DIGITS);
      if(end_ms <= from_ms) continue;
      MqlRates rates[];
      ResetLastError();
      int n = CopyRates(s, minutes == 60 ? PERIOD_H1 : PERIOD_M1, (datetime)((from_ms + offset_ms) / 1000), (datetime)((end_ms + offset_ms) / 1000 - 1), rates);
      if(n < 0 && g_silent++ < 40) continue;  // it is being loaded
      if(n >= 0) g_silent = 0;
      through_ms = end_ms;
      for(int k = 0; k < n; k++)
        {
         at_ms = (long)rates[k].time * 1000 - offset_ms;
         if(at_ms < from_ms || at_ms >= end_ms) continue;
         if(room == 0) { through_ms = at_ms; break; }
         rows += (rows == "" ? "[" : ",[") + IntegerToString(at_ms) + "," + PQuote(PDecimal(rates[k].open, digits)) + "," + PQuote(PDecimal(rates[k].high, digits)) + "," + PQuote(PDecimal(rates[k].low, digits)) + "," +
                 PQuote(PDecimal(rates[k].close, digits)) + "," + IntegerToString(rates[k].tick_volume) + "]";
         room--;
        }
      r += (r == "" ? "{" : ",{") + PText("symbol", s) + "," + PMember("minutes", IntegerToString(minutes)) + "," + PMember("from_ms", IntegerToString(from_ms)) + "," + PMember("through_ms", IntegerToString(through_ms)) + "," +
           PMember("list", "[" + rows + "]") + "}";
     }
   return "[" + r + "]";
}

void PBegun()
{
   // What was begun before a kill: found, it was done. Not found, the broker may still be at it: "unsure" until a minute has passed.
   for(int i = 0; i < g_count; i++)
     {
      string ticket = "";
      if(g_said[i] != "begun") continue;
      if(PLookUp(g_ids[i], ticket)) PResult(g_ids[i], "done", ticket, "", "found after a restart");
      else if(GetTickCount() - g_started_ms > 60000 && TerminalInfoInteger(TERMINAL_CONNECTED)) PResult(g_ids[i], "refused", "", "other", "it never reached the broker");
     }
}

// What is said of an order that is not found. "absent" means never, so only of what the file does not have, or has as refused; of what the broker
// had taken it is not said at all (a terminal shows as much of its history as its owner has set), of what nobody knows the end of when a minute has passed.
string PMissing(const string client)
{
   int k = PJournalFind(client);
   if(!TerminalInfoInteger(TERMINAL_CONNECTED)) return "unsure";
   if(k < 0 || g_said[k] == "refused" || g_said[k] == "missed") return "absent";
   return g_said[k] == "unsure" && (long)TimeGMT() - g_times[k] > 60 ? "absent" : "unsure";
}

void PRound()
{
   string answer, told = "", commands[];
   if(!g_greeted)
     {
      int greeting = PRequest("hello", PHello(), answer);
      if(greeting != 200) return;
      PHeard(answer);
      g_greeted = true;
     }
   PBegun();
   for(int i = 0; i < ArraySize(g_ask) && i < 16; i++)
     {
      string entry = PTold(g_ask[i]);
      if(entry == "") entry = "{" + PText("client", g_ask[i]) + "," + PText("state", PMissing(g_ask[i])) + "}";
      told += (told == "" ? "" : ",") + entry;
     }
   string members = PReport();
   int sent = g_unsent_count < 100 ? g_unsent_count : 100;
   string body = "{" + PMember("turn", IntegerToString(g_turn)) + "," + PMember("since_ms", IntegerToString(g_since_ms)) + "," + PMember("more", PMore() ? "true" : "false") + "," + PMember("wait_ms", IntegerToString(InpWaitMs)) + "," + members + "," +
                 PMember("results", PResults()) + "," + PMember("told", "[" + told + "]") + "," + PMember("bars", PCharts()) + "}";
   uint asked_ms = GetTickCount();  // the lease begins here: before the service can have handed anything out
   int status = PRequest("poll", body, answer);
   if(status == 409 && StringFind(answer, "hello") >= 0) g_greeted = false;
   if(status == 422) g_greeted = false;  // a symbol that the hello did not tell of, perhaps
   if(status != 200) return;
   PResultsTaken(sent);
   PHeard(answer);
   int n = PList(answer, "commands", commands);
   for(int i = 0; i < n; i++)
     {
      string id = PValue(commands[i], "id");
      int known = PJournalFind(id);
      if(known >= 0) { if(g_said[known] != "begun") PResult(id, g_said[known], g_tickets[known], g_whys[known], g_texts[known]); continue; }  // never twice: only told again
      if(GetTickCount() - asked_ms >= (uint)StringToInteger(PValue(commands[i], "lease_ms"))) { PResult(id, "missed", "", "", ""); continue; }
      if(!InpTrade) { PResult(id, "refused", "", "closed", "the expert only reports"); continue; }
      if(!PJournalWrite(id, "begun", "", "", "")) { PJournalSet(id, "refused", "", "other", "the journal cannot be written", (long)TimeGMT()); ArrayResize(g_unsent, g_unsent_count + 1, 64); g_unsent[g_unsent_count++] = id; continue; }
      PExecute(commands[i]);
     }
}

int PInit()
{
   g_path = PPath();
   PSymbols();
   if(StringLen(InpSecret) < 16) { Print("perigee: InpSecret is not set"); return INIT_PARAMETERS_INCORRECT; }
   if(!PJournalOpen()) { Print("perigee: the journal cannot be written: no command would be safe"); return INIT_FAILED; }
   if(!EventSetMillisecondTimer(InpPollMs < 50 ? 50 : InpPollMs)) return INIT_FAILED;
   return INIT_SUCCEEDED;
}
void PDeinit()
{
   EventKillTimer();
   if(g_file != INVALID_HANDLE) FileClose(g_file);
   g_file = INVALID_HANDLE;
}

// A signal of yours: {"id": …, "symbol": …, "action": "buy"}. True: taken (also when it was before). Call it from your own expert, which includes
// this file, or copy it there.
bool PerigeeSignal(const string id, const string symbol, const string action, const string more_members = "")
{
   string answer, body = "{" + PText("id", id) + "," + PText("symbol", symbol) + "," + PText("action", action) + (more_members == "" ? "" : "," + more_members) + "}";
   return PRequest("signals", body, answer) == 200;
}
