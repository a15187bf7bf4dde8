// tests/experts/mql.h – as much of MetaQuotes' language as the experts of examples/metatrader use, in C++: its types, strings, arrays, files and
// requests. Only what both MQL4 and MQL5 document alike is here, so that what they do differently (StringTrimLeft, WHOLE_ARRAY) does not compile.
// An index outside of an array ends the program, as it ends an expert.
#pragma once
#include <sodium.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

using std::string;
using namespace std::string_literals;  // literals are strings there
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef long datetime;

[[noreturn]] inline void expert_died(const char *why) {
  fprintf(stderr, "the expert ended: %s\n", why);
  abort();
}
template <class T> struct arr {
  std::vector<T> v;
  T &operator[](long i) {
    if (i < 0 || i >= (long)v.size()) expert_died("array out of range");
    return v[(size_t)i];
  }
  const T &operator[](long i) const { return const_cast<arr *>(this)->operator[](i); }
};
template <class T> int ArraySize(const arr<T> &a) { return (int)a.v.size(); }
template <class T> int ArrayResize(arr<T> &a, int n, int = 0) { return a.v.resize((size_t)n), n; }
template <class T> int ArrayCopy(arr<T> &to, const arr<T> &from, int at = 0, int begin = 0, int count = -1) {
  if (count < 0) count = ArraySize(from) - begin;
  if (ArraySize(to) < at + count) ArrayResize(to, at + count);
  for (int i = 0; i < count; i++) to[at + i] = from[begin + i];
  return count;
}

// ---- strings
inline int StringLen(const string &s) { return (int)s.size(); }
inline ushort StringGetCharacter(const string &s, int i) { return i >= 0 && i < (int)s.size() ? (uchar)s[(size_t)i] : 0; }
inline string ShortToString(ushort c) { return string(1, (char)c); }
inline int StringFind(const string &s, const string &what, int from = 0) {
  const size_t at = s.find(what, (size_t)from);
  return at == string::npos ? -1 : (int)at;
}
inline string StringSubstr(const string &s, int from, int count = -1) {
  if (count == 0) expert_died("StringSubstr of length 0: all of it in MQL4, nothing in MQL5");
  return from >= (int)s.size() ? "" : s.substr((size_t)from, count < 0 ? string::npos : (size_t)count);
}
inline int StringReplace(string &s, const string &what, const string &by) {
  int n = 0;
  for (size_t at = 0; (at = s.find(what, at)) != string::npos; at += by.size(), n++) s.replace(at, what.size(), by);
  return n;
}
inline bool StringToLower(string &s) { return std::transform(s.begin(), s.end(), s.begin(), ::tolower), true; }
inline int StringSplit(const string &s, ushort by, arr<string> &ret) {
  ret.v.clear();
  if (s.empty()) return 0;
  size_t at = 0;
  for (size_t end; (end = s.find((char)by, at)) != string::npos; at = end + 1) ret.v.push_back(s.substr(at, end - at));
  ret.v.push_back(s.substr(at));
  return (int)ret.v.size();
}
inline string IntegerToString(long n) { return std::to_string(n); }
inline long StringToInteger(const string &s) { return atol(s.c_str()); }
inline double StringToDouble(const string &s) { return atof(s.c_str()); }
template <class... A> string StringFormat(const string &format, A... a) {
  char text[1024];
  snprintf(text, sizeof text, format.c_str(), a...);
  return text;
}
inline string DoubleToString(double v, int digits) { return StringFormat("%.*f", digits, v); }
#define CP_UTF8 65001
inline int StringToCharArray(const string &s, arr<uchar> &ret, int, int count, uint) {
  if (count != -1) expert_died("StringToCharArray: -1 is all of it in both");
  ret.v.assign(s.begin(), s.end());
  ret.v.push_back(0);
  return (int)ret.v.size();
}
inline string CharArrayToString(const arr<uchar> &a, int, int count, uint) {
  if (count != -1) expert_died("CharArrayToString: -1 is all of it in both");
  return string(a.v.begin(), a.v.end());
}
enum { CRYPT_HASH_SHA256 };
inline int CryptEncode(int, const arr<uchar> &data, const arr<uchar> &, arr<uchar> &ret) {
  ret.v.resize(crypto_hash_sha256_BYTES);
  crypto_hash_sha256(ret.v.data(), data.v.data(), data.v.size());
  return (int)ret.v.size();
}
inline double MathMin(double a, double b) { return a < b ? a : b; }
inline double MathRound(double a) { return std::round(a); }
inline double NormalizeDouble(double v, int digits) { return std::round(v * std::pow(10, digits)) / std::pow(10, digits); }
template <class T> void ZeroMemory(T &t) { t = T(); }

// ---- the terminal around it, which the test is
inline long world_ms = 1795317790000;        // what time it is
inline bool world_connected = true, world_disk = true;
inline string world_said;                     // what the expert printed
inline std::function<int(const string &url, const string &headers, const string &body, string &ret_headers, string &ret_body)> world_web;
enum { INIT_SUCCEEDED, INIT_FAILED, INIT_PARAMETERS_INCORRECT };
// A type for each list of properties, as there: what is asked of the wrong function does not compile.
enum ENUM_ACCOUNT_INFO_INTEGER { ACCOUNT_LOGIN, ACCOUNT_TRADE_MODE, ACCOUNT_MARGIN_MODE, ACCOUNT_TRADE_ALLOWED, ACCOUNT_TRADE_EXPERT };
enum ENUM_TERMINAL_INFO_INTEGER { TERMINAL_CONNECTED, TERMINAL_BUILD, TERMINAL_TRADE_ALLOWED };
enum ENUM_SYMBOL_INFO_INTEGER { SYMBOL_DIGITS, SYMBOL_TRADE_MODE, SYMBOL_FILLING_MODE };
enum ENUM_SYMBOL_INFO_STRING { SYMBOL_CURRENCY_BASE, SYMBOL_CURRENCY_PROFIT };
string SymbolInfoString(const string &symbol, ENUM_SYMBOL_INFO_STRING what);
bool SymbolSelect(const string &symbol, bool select);
inline long SymbolInfoInteger(const string &, ENUM_SYMBOL_INFO_INTEGER what) { return what == SYMBOL_DIGITS ? 5 : 0; }
inline uint GetTickCount() { return (uint)world_ms; }
inline datetime TimeGMT() { return world_ms / 1000; }
inline void Print(const string &s) { world_said += s + "\n"; }
template <class... A> void PrintFormat(const string &format, A...) { Print(format); }
inline void ResetLastError() {}
inline int GetLastError() { return 0; }
inline bool EventSetMillisecondTimer(int) { return true; }
inline void EventKillTimer() {}
inline long AccountInfoInteger(ENUM_ACCOUNT_INFO_INTEGER what) { return what == ACCOUNT_LOGIN ? 12345 : 1; }
inline long TerminalInfoInteger(ENUM_TERMINAL_INFO_INTEGER what) { return what == TERMINAL_CONNECTED ? world_connected : 1; }
inline int WebRequest(const string &, const string &url, const string &headers, int, const arr<uchar> &data, arr<uchar> &result, string &ret_headers) {
  string body;
  const int status = world_web(url, headers, string(data.v.begin(), data.v.end()), ret_headers, body);
  result.v.assign(body.begin(), body.end());
  return status;
}

// ---- files, in the folder where the program runs
enum { FILE_READ = 1, FILE_WRITE = 2, FILE_TXT = 4, FILE_ANSI = 8, FILE_SHARE_READ = 16, FILE_REWRITE = 32, INVALID_HANDLE = -1 };
inline std::map<int, FILE *> world_files;
inline string file_path(string name) { return StringReplace(name, "\\", "/"), name; }
inline bool FolderCreate(const string &name) { return system(("mkdir -p " + name).c_str()) == 0; }
inline int FileOpen(const string &name, int flags, ushort = 0, uint = 0) {
  static int next = 1;
  const bool both = (flags & FILE_READ) && (flags & FILE_WRITE);
  FILE *f = fopen(file_path(name).c_str(), both ? "r+" : flags & FILE_WRITE ? "w" : "r");
  if (!f) return INVALID_HANDLE;
  world_files[next] = f;
  return next++;
}
inline void FileClose(int h) { fclose(world_files[h]), world_files.erase(h); }
inline bool FileIsEnding(int h) {
  const int c = fgetc(world_files[h]);
  if (c == EOF) return true;
  return ungetc(c, world_files[h]), false;
}
inline string FileReadString(int h) {
  string line;
  for (int c; (c = fgetc(world_files[h])) != EOF && c != '\n';) line += (char)c;
  return line;
}
inline uint FileWriteString(int h, const string &text) { return world_disk ? (uint)fwrite(text.data(), 1, text.size(), world_files[h]) : 0; }
inline void FileFlush(int h) { fflush(world_files[h]); }
inline bool FileSeek(int h, long at, int whence) { return fseek(world_files[h], at, whence) == 0; }
inline bool FileMove(const string &from, int, const string &to, int) { return rename(file_path(from).c_str(), file_path(to).c_str()) == 0; }

// ---- charts
struct MqlRates {
  datetime time;
  double open, high, low, close;
  long tick_volume;
};
enum { PERIOD_M1 = 1, PERIOD_H1 = 60 };
inline std::function<int(const string &symbol, int minutes, datetime from, datetime to, arr<MqlRates> &ret)> world_rates;
inline int CopyRates(const string &s, int minutes, datetime from, datetime to, arr<MqlRates> &ret) { return world_rates ? world_rates(s, minutes, from, to, ret) : -1; }
