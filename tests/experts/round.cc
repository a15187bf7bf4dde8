// tests/experts/round.cc – behind Perigee.mqh: an expert's own half that only counts, and the service that it speaks to.
#define CHECK(what) \
  do { \
    if (!(what)) { \
      printf("%s:%d: %s\n%s", __FILE__, __LINE__, #what, world_said.c_str()); \
      exit(1); \
    } \
  } while (0)

static std::vector<string> executed;
static std::map<string, string> broker;       // orders by name: their tickets
static bool dies;                              // before its result is in the journal
string PHello() { return "{\"hello\":1}"; }
string PReport() { return "\"orders\":[]"; }
bool PMore() { return false; }
long POffsetMs() { return 7200000; }
string PTold(const string client) { return broker.count(client) ? "{\"client\":\"" + client + "\",\"ticket\":\"" + broker[client] + "\"}" : ""; }
bool PLookUp(const string id, string &ret_ticket) { return ret_ticket = broker.count(id) ? broker[id] : "", broker.count(id) > 0; }
void PExecute(const string command) {
  executed.push_back(PValue(command, "id"));
  if (!dies) PResult(PValue(command, "id"), PValue(command, "type") == "stop" ? "unsure" : "done", "7" + PValue(command, "magic"), "", "");
}

// HMAC without the expert's own.
static string mac(const string &text) {
  crypto_auth_hmacsha256_state s;
  uchar out[32];
  string hex;
  crypto_auth_hmacsha256_init(&s, (const uchar *)InpSecret.data(), InpSecret.size());
  crypto_auth_hmacsha256_update(&s, (const uchar *)text.data(), text.size());
  crypto_auth_hmacsha256_final(&s, out);
  for (uchar c : out) hex += StringFormat("%02x", c);
  return hex;
}
static string header(const string &headers, const string &name) {
  const size_t at = headers.find(name + ": ") + name.size() + 2;
  return headers.substr(at, headers.find("\r\n", at) - at);
}

static long last = 41;                         // the service's number
static string heard, path, commands, ask, bars; // of the last request; for the next answer
static int status = 200, late_ms, polls;
static bool forged;
static int web(const string &url, const string &headers, const string &body, string &ret_headers, string &ret_body) {
  const long number = atol(header(headers, "X-Perigee-Sequence").c_str());
  path = url.substr(url.find('/', 8));
  CHECK(header(headers, "X-Perigee-Signature") == mac("POST\n" + path + "\n" + std::to_string(number) + "\n" + body));
  if (number <= last) return ret_headers = "Content-Type: x\r\nX-Perigee-Sequence: " + std::to_string(last) + "\r\n", ret_body = "{}", 409;
  last = number;
  heard = body;
  polls++;
  if (status != 200) return ret_body = "{}", status;
  ret_body = "{\"turn\":9,\"since_ms\":5,\"poll_ms\":250,\"ask\":[" + ask + "],\"bars\":[" + bars + "],\"commands\":[" + (path.find("poll") != string::npos ? commands : "") + "]}";
  ret_headers = "Content-Type: application/json\r\nx-perigee-signature:  " + (forged ? string(64, '0') : mac("ANSWER\n" + path + "\n" + std::to_string(number) + "\n" + ret_body)) + "\t\r\nServer: x\r\n";
  world_ms += late_ms;
  return 200;
}
static string command(const string &id, const string &type = "market") {
  return "{\"id\":\"" + id + "\",\"do\":\"place\",\"lease_ms\":5000,\"magic\":7,\"client\":\"" + id + "\",\"symbol\":\"EURUSD\",\"side\":\"buy\",\"type\":\"" + type + "\",\"reduce\":false,\"volume\":\"0.1\"}";
}
static string results() { return heard.substr(heard.find("\"results\":"), heard.find(",\"told\":") - heard.find("\"results\":")); }
static string told() { return heard.substr(heard.find("\"told\":"), heard.find(",\"bars\":") - heard.find("\"told\":")); }

// The terminal was killed: what is left is the file.
static void restart() {
  if (g_file != INVALID_HANDLE) FileClose(g_file);
  g_file = INVALID_HANDLE;
  g_count = g_unsent_count = 0;
  g_ids.v.clear(), g_said.v.clear(), g_tickets.v.clear(), g_whys.v.clear(), g_texts.v.clear(), g_times.v.clear(), g_unsent.v.clear();
  g_sequence = g_turn = g_since_ms = 0;
  g_greeted = false;
  CHECK(PInit() == INIT_SUCCEEDED);
}

int main() {
  const string a = "P0000000000000000000000000001", b = "P0000000000000000000000000002", c = "P0000000000000000000000000003", d = "P0000000000000000000000000004";
  world_web = web;
  InpSecret = "short";
  CHECK(PInit() == INIT_PARAMETERS_INCORRECT);
  InpSecret = "a secret of thirty-two characters";
  InpUrl = "https://example.org/api/v1/ea/TOKEN";
  InpSymbols = "EURUSD, GBPUSD ,,XAUUSD.m";
  CHECK(PInit() == INIT_SUCCEEDED);
  CHECK(ArraySize(g_symbols) == 3 && PListed("GBPUSD") && PListed("XAUUSD.m") && !PListed("XAUUSD") && !PListed(""));
  CHECK(PTrim(" \t a b\r\n") == "a b" && PTrim(" ") == "" && PTrim("") == "");
  CHECK(PDecimal(1.10, 5) == "1.1" && PDecimal(100000, 8) == "100000" && PDecimal(0.00001, 5) == "0.00001" && PQuote("a\"\\\n") == "\"a\\\"\\\\\"");

  PRound();  // its number is one of another life: it is told where to go on
  CHECK(!g_greeted && g_sequence >= 41);
  PRound();  // hello, and the first report
  CHECK(g_greeted && polls == 2 && path == "/api/v1/ea/TOKEN/poll" && g_turn == 9 && g_since_ms == 5 && executed.empty());

  commands = command(a) + "," + command(b);
  PRound();
  CHECK(executed == (std::vector<string>{a, b}));
  status = 503, commands = "";
  PRound();  // results are told until they are taken
  CHECK(results().find(a) != string::npos && results().find("\"said\":\"done\",\"ticket\":\"77\"") != string::npos);
  status = 200;
  PRound();
  CHECK(results().find(a) != string::npos && results().find(b) != string::npos);
  PRound();
  CHECK(results() == "\"results\":[]");
  commands = command(a);
  PRound();  // once more: told again, not done again
  CHECK(executed.size() == 2);
  commands = "";
  PRound();
  CHECK(results().find(a) != string::npos && executed.size() == 2);

  forged = true, commands = command(c);
  PRound();
  CHECK(executed.size() == 2 && PJournalFind(c) < 0);
  forged = false, late_ms = 5000;
  PRound();  // its lease is over when it comes
  CHECK(executed.size() == 2 && g_said[PJournalFind(c)] == "missed");
  late_ms = 0, commands = command(d), world_disk = false;
  PRound();  // nothing may follow from what is not on the disk
  CHECK(executed.size() == 2 && g_said[PJournalFind(d)] == "refused");
  world_disk = true, commands = "", ask = "\"" + a + "\",\"" + c + "\",\"P0000000000000000000000000099\"";
  PRound(), PRound();  // done, though the terminal does not show it; missed; never heard of
  CHECK(told() == "\"told\":[{\"client\":\"" + a + "\",\"state\":\"unsure\"},{\"client\":\"" + c + "\",\"state\":\"absent\"},{\"client\":\"P0000000000000000000000000099\",\"state\":\"absent\"}]");
  world_connected = false;
  PRound();
  CHECK(told().find("absent") == string::npos);
  world_connected = true;
  broker[a] = "71";
  PRound();
  CHECK(told().find("\"client\":\"" + a + "\",\"ticket\":\"71\"") != string::npos);

  // An end that nobody knows, for a minute; one that was begun when the terminal was killed, until a minute after the restart.
  const string e = "P0000000000000000000000000005", f = "P0000000000000000000000000006", g = "P0000000000000000000000000007";
  commands = command(e, "stop"), ask = "\"" + e + "\"";
  PRound();
  commands = "";
  PRound();
  CHECK(told().find("unsure") != string::npos && results().find("unsure") != string::npos);
  world_ms += 61000;
  PRound();
  CHECK(told().find("absent") != string::npos);
  dies = true, commands = command(f) + "," + command(g);
  PRound();
  CHECK(executed.size() == 5);
  broker[f] = "72", commands = "", ask = "\"" + g + "\"";
  restart();
  PRound(), PRound();
  CHECK(g_said[PJournalFind(f)] == "done" && g_tickets[PJournalFind(f)] == "72" && g_said[PJournalFind(g)] == "begun");
  PRound();
  CHECK(told().find("unsure") != string::npos);
  world_ms += 61000, world_connected = false;
  PRound();
  CHECK(g_said[PJournalFind(g)] == "begun");
  world_connected = true;
  PRound(), PRound();
  CHECK(g_said[PJournalFind(g)] == "refused" && told().find("absent") != string::npos);
  commands = command(f) + "," + command(g) + "," + command(a);
  PRound();
  CHECK(executed.size() == 5);  // each once, over all of it
  // A line that a kill has torn, and what is older than the file remembers.
  FILE *file = fopen("Perigee/12345.journal", "a");
  fprintf(file, "P0000000000000000000000000008\tdone\t8\t\t\t%ld\nP0000000000000000000000000009\tdo", world_ms / 1000 - 32 * 86400);
  fclose(file);
  restart();
  CHECK(PJournalFind("P0000000000000000000000000008") < 0 && PJournalFind("P0000000000000000000000000009") < 0 && PJournalFind(a) >= 0 && g_said[PJournalFind(g)] == "refused");

  // The chart, by the server's clock two hours ahead; the bar that is open is not told.
  commands = ask = "";
  const long minute = world_ms / 60000 * 60000;
  bars = "{\"symbol\":\"EURUSD\",\"minutes\":1,\"from_ms\":" + std::to_string(minute - 120000) + "}";
  world_rates = [&](const string &s, int minutes, datetime from, datetime to, arr<MqlRates> &ret) {
    CHECK(s == "EURUSD" && minutes == PERIOD_M1 && from == (minute - 120000) / 1000 + 7200 && to == minute / 1000 + 7199);
    ret.v = {{from, 1.1, 1.2, 1.0, 1.15, 3}};
    return 1;
  };
  world_ms = minute + 30000;
  PRound(), PRound(), PRound();
  CHECK(heard.find("\"bars\":[{\"symbol\":\"EURUSD\",\"minutes\":1,\"from_ms\":" + std::to_string(minute - 120000) + ",\"through_ms\":" + std::to_string(minute) + ",\"list\":[[" + std::to_string(minute - 120000) +
                   ",\"1.1\",\"1.2\",\"1\",\"1.15\",3]]}]") != string::npos);
  CHECK(PerigeeSignal("s1", "EURUSD", "buy", "\"x\":1") && heard == "{\"id\":\"s1\",\"symbol\":\"EURUSD\",\"action\":\"buy\",\"x\":1}" && path == "/api/v1/ea/TOKEN/signals");
  status = 422;
  CHECK(!PerigeeSignal("s1", "", "buy"));
}
