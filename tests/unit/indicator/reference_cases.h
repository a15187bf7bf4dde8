// tests/unit/indicator/reference_cases.h – which column of which engine each indicator's output must equal.
//
// A column that is not named by an output's convention (Tulip's EMA seeds, its MACD constants, …) is not listed; why is
// in shared/reference/README.md and in the indicator's definition.
#pragma once

struct reference_case {
  const char *file, *column, *spec, *output;
  int from;       // first bar to compare where the engines start differently by design; 0 = from the first value on
  double scale;   // our value × scale = theirs; 0 means 1
  bool same_day;  // feed every bar as of one day (a cumulative VWAP)
  bool may_start_earlier;  // the engine prints several outputs together, ours start each on its own
};

#define TALIB "GOOG_1d_talib.csv"
#define TULIP "GOOG_1d_tulip.csv"
#define NPM "GOOG_1d_npm.csv"

static const struct reference_case reference_cases[] = {
  {TALIB, "SMA(5)", "sma:5", "value"},
  {TALIB, "SMA(20)", "sma:20", "value"},
  {TALIB, "SMA(50)", "sma:50", "value"},
  {TALIB, "SMA(200)", "sma:200", "value"},
  {TALIB, "EMA(12)", "ema:12", "value"},
  {TALIB, "EMA(20)", "ema:20", "value"},
  {TALIB, "EMA(26)", "ema:26", "value"},
  {TALIB, "WMA(20)", "wma:20", "value"},
  {TALIB, "DEMA(20)", "dema:20", "value"},
  {TALIB, "TEMA(20)", "tema:20", "value"},
  {TULIP, "hma(16)", "hma:16", "value"},
  {TALIB, "KAMA(10)", "kama:10", "value"},
  {TULIP, "vwma(20)", "vwma:20", "value"},
  {NPM, "indicatorts.vwma(20)", "vwma:20", "value", .from = 19},
  {TULIP, "wilders(14)", "rma:14", "value"},
  {TALIB, "RSI(14)", "rsi:14", "value"},
  {TALIB, "RSI(2)", "rsi:2", "value"},
  {TULIP, "rsi(14)", "rsi:14", "value"},
  {TALIB, "STOCH(14,3,0,3,0).slowk", "stoch:14,3,3", "k"},
  {TALIB, "STOCH(14,3,0,3,0).slowd", "stoch:14,3,3", "d"},
  {TALIB, "STOCHF(14,3,0).fastk", "stoch:14,1,3", "k"},
  {TALIB, "STOCHF(14,3,0).fastd", "stoch:14,1,3", "d"},
  {TALIB, "STOCHRSI(14,5,3,0).fastk", "stochrsi:14,5,3", "k"},
  {TALIB, "STOCHRSI(14,5,3,0).fastd", "stochrsi:14,5,3", "d"},
  {TALIB, "STOCHRSI(14,14,3,0).fastk", "stochrsi:14,14,3", "k"},
  {TALIB, "STOCHRSI(14,14,3,0).fastd", "stochrsi:14,14,3", "d"},
  {TULIP, "stochrsi(14)", "stochrsi:14,14,1", "k", .scale = 0.01},
  {TALIB, "MACD(12,26,9).macd", "macd:12,26,9", "macd"},
  {TALIB, "MACD(12,26,9).signal", "macd:12,26,9", "signal"},
  {TALIB, "MACD(12,26,9).hist", "macd:12,26,9", "hist"},
  {TALIB, "ROC(10)", "roc:10", "value"},
  {TALIB, "MOM(10)", "mom:10", "value"},
  {TALIB, "TRIX(15)", "trix:15", "value"},
  {TALIB, "ULTOSC(7,14,28)", "uo:7,14,28", "value"},
  {TALIB, "CCI(20)", "cci:20", "value"},
  {TALIB, "MFI(14)", "mfi:14", "value"},
  {TALIB, "WILLR(14)", "willr:14", "value"},
  {TALIB, "CMO(14)", "cmo:14", "value"},
  {TALIB, "ATR(14)", "atr:14", "value"},
  {TALIB, "NATR(14)", "natr:14", "value"},
  {TALIB, "TRANGE()", "tr", "value"},
  {TALIB, "BBANDS(20,2.0,2.0,0).upper", "bbands:20,2", "upper"},
  {TALIB, "BBANDS(20,2.0,2.0,0).middle", "bbands:20,2", "middle"},
  {TALIB, "BBANDS(20,2.0,2.0,0).lower", "bbands:20,2", "lower"},
  {TALIB, "STDDEV(20,1.0)", "stddev:20", "value"},
  {NPM, "technicalindicators.keltner(ema20,atr10,x2).upper", "keltner:20,10,2", "upper"},
  {NPM, "technicalindicators.keltner(ema20,atr10,x2).middle", "keltner:20,10,2", "middle"},
  {NPM, "technicalindicators.keltner(ema20,atr10,x2).lower", "keltner:20,10,2", "lower"},
  {TALIB, "MAX(20)[high]", "donchian:20", "upper"},
  {TALIB, "MIN(20)[low]", "donchian:20", "lower"},
  {TALIB, "ADX(14)", "adx:14", "adx"},
  {TALIB, "PLUS_DI(14)", "adx:14", "plus"},
  {TALIB, "MINUS_DI(14)", "adx:14", "minus"},
  {TALIB, "AROON(25).up", "aroon:25", "up"},
  {TALIB, "AROON(25).down", "aroon:25", "down"},
  {TALIB, "SAR(0.02,0.2)", "psar:0.02,0.2", "value"},
  {NPM, "technicalindicators.ichimoku(9,26,52).conversion", "ichimoku:9,26,52", "tenkan", .may_start_earlier = true},
  {NPM, "technicalindicators.ichimoku(9,26,52).base", "ichimoku:9,26,52", "kijun", .may_start_earlier = true},
  {NPM, "technicalindicators.ichimoku(9,26,52).spanA", "ichimoku:9,26,52", "span_a", .may_start_earlier = true},
  {NPM, "technicalindicators.ichimoku(9,26,52).spanB", "ichimoku:9,26,52", "span_b"},
  {TALIB, "OBV()", "obv", "value"},
  {NPM, "technicalindicators.vwap(cumulative)", "vwap", "value", .same_day = true},
  {TALIB, "AD()", "ad", "value"},
  {NPM, "indicatorts.cmf(20)", "cmf:20", "value", .from = 19},
  {TALIB, "LINEARREG(14)", "linreg:14", "value"},
  {TALIB, "MAX(20)", "highest:20", "value"},
  {TALIB, "MIN(20)", "lowest:20", "value"},
};
