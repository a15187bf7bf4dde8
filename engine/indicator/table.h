// indicator/table.h – private: the one list of indicators. From it come the kernels' declarations, the names,
// parameters and outputs that scripts and the command line see, the editor stubs (lua/meta/indicators.lua) and the
// reference (lua/indicators.md); docs.c writes the last two, and a test fails when they are stale.
//
// X(name, needs, default source, sparse, PARAMS(…), OUTPUTS(…), about, definition)
//
// About: one sentence. Definition: formula, seed, whose convention, the value where it is undefined. Sources by name:
// TA-Lib 0.6, Tulip Indicators 0.9, technicalindicators 3.1, J. Welles Wilder, "New Concepts in Technical Trading
// Systems" (1978).
#pragma once
#include "indicator/kernel.h"

#define PARAMS(...) \
  .n_params = sizeof((struct indicator_param[]){__VA_ARGS__}) / sizeof(struct indicator_param), .params = {__VA_ARGS__}
#define NO_PARAMS .n_params = 0
#define OUTPUTS(...) .n_outputs = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), .outputs = {__VA_ARGS__}
#define PERIOD(name, value, min) \
  { name, value, min, INDICATOR_PERIOD_MAX, true }
#define WIDTH(name, value) \
  { name, value, 0, 1000, false }

#define NEED_HLC (NEED_HIGH | NEED_LOW | NEED_CLOSE)
#define NEED_HL (NEED_HIGH | NEED_LOW)
// CCI walks its window at every bar, so that its period is kept short.
#define CCI_PERIOD_MAX 2000

// clang-format off
#define INDICATOR_TABLE(X) \
  /* averages */ \
  X(sma, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Simple moving average.", \
    "Mean of the last `period` values. TA-Lib SMA.") \
  X(ema, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Exponential moving average.", \
    "ema += 2 / (period + 1) × (x − ema), seeded with the mean of the first `period` values. TA-Lib EMA (Tulip " \
    "and pandas seed with the first value).") \
  X(wma, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Linearly weighted moving average.", \
    "Weights 1 … `period`, the newest the most. TA-Lib WMA.") \
  X(dema, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Double exponential moving average.", \
    "2 × ema − ema(ema), each seeded as `ema` with the first values of the one before. TA-Lib DEMA.") \
  X(tema, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Triple exponential moving average.", \
    "3 × ema − 3 × ema(ema) + ema(ema(ema)), each seeded as `ema` with the first values of the one before. TA-Lib " \
    "TEMA.") \
  X(hma, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 16, 2)), OUTPUTS("value"), \
    "Hull moving average.", \
    "wma(√period) of 2 × wma(period / 2) − wma(period), both periods rounded down. Tulip hma.") \
  X(kama, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 10, 1), PERIOD("fast", 2, 1), PERIOD("slow", \
    30, 1)), OUTPUTS("value"), \
    "Kaufman's adaptive moving average.", \
    "kama += s² × (x − kama), s = e × (2 / (fast + 1) − 2 / (slow + 1)) + 2 / (slow + 1), e = |x − x[period]| / " \
    "sum of the last `period` |changes|, 1 where nothing changed. The seed is the value one bar before the first. " \
    "TA-Lib KAMA.") \
  X(vwma, NEED_SOURCE | NEED_VOLUME, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Volume-weighted moving average.", \
    "Sum of x × volume / sum of volume over `period` bars; the simple mean where they have no volume. Tulip vwma.") \
  X(rma, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 14, 1)), OUTPUTS("value"), \
    "Wilder's moving average.", \
    "rma += (x − rma) / period, seeded with the mean of the first `period` values. Wilder; Tulip wilders.") \
  /* oscillators */ \
  X(rsi, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 14, 1)), OUTPUTS("value"), \
    "Relative strength index, 0 … 100.", \
    "100 × up / (up + down), Wilder's averages of the rises and falls, seeded with the mean of the first `period` " \
    "changes. TA-Lib RSI, but 50 where nothing has moved (TA-Lib: 0).") \
  X(stoch, NEED_HLC, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 14, 1), PERIOD("slow", 3, 1), PERIOD("signal", \
    3, 1)), OUTPUTS("k", "d"), \
    "Slow stochastic, 0 … 100.", \
    "k = sma(slow) of 100 × (close − lowest low) / (highest high − lowest low) of `period` bars, d = sma(signal) " \
    "of k; both start together. slow = 1 gives the fast one. TA-Lib STOCH with SMA, but 50 where there is no " \
    "range (TA-Lib: 0).") \
  X(stochrsi, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("rsi", 14, 1), PERIOD("period", 14, 1), \
    PERIOD("signal", 3, 1)), OUTPUTS("k", "d"), \
    "Stochastic of the RSI, 0 … 100.", \
    "k = place of rsi(rsi) in its range of the last `period`, in percent, not smoothed; d = sma(signal) of k; " \
    "both start together. TA-Lib STOCHRSI, but 50 where the RSI's range is below 1e-9 (TA-Lib: 0). Tulip gives k " \
    "as a fraction.") \
  X(macd, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("fast", 12, 1), PERIOD("slow", 26, 2), PERIOD("signal", \
    9, 1)), OUTPUTS("macd", "signal", "hist"), \
    "Moving average convergence divergence.", \
    "macd = ema(fast) − ema(slow), signal = ema(signal) of macd, hist = macd − signal; all start at bar slow + " \
    "signal − 2. The fast average is seeded with the `fast` values that end where the slow one's seed ends. " \
    "TA-Lib MACD (others seed the fast one at its own start: equal after some 150 bars).") \
  X(roc, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 10, 1)), OUTPUTS("value"), \
    "Rate of change in percent.", \
    "(x / x[period] − 1) × 100; 0 where x[period] is 0. TA-Lib ROC (Tulip: a fraction).") \
  X(mom, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 10, 1)), OUTPUTS("value"), \
    "Momentum.", \
    "x − x[period]. TA-Lib MOM.") \
  X(trix, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 15, 1)), OUTPUTS("value"), \
    "Rate of change of a triple EMA, in percent.", \
    "One-bar `roc` of ema(ema(ema)), seeded as in `tema`; 0 where the bar before is 0. TA-Lib TRIX.") \
  X(uo, NEED_HLC, SOURCE_CLOSE, false, PARAMS(PERIOD("short", 7, 1), PERIOD("medium", 14, 1), PERIOD("long", 28, \
    1)), OUTPUTS("value"), \
    "Ultimate oscillator, 0 … 100.", \
    "(4 × a(short) + 2 × a(medium) + a(long)) / 7, a(n) = 100 × sum of buying pressure / sum of true range, " \
    "pressure = close − min(low, previous close). TA-Lib ULTOSC, but a = 50 where there is no range (TA-Lib: 0).") \
  X(cci, NEED_HLC, SOURCE_CLOSE, false, PARAMS({"period", 20, 1, CCI_PERIOD_MAX, true}), OUTPUTS("value"), \
    "Commodity channel index.", \
    "(hlc3 − mean) / (0.015 × mean absolute deviation) over `period` bars; 0 where there is no deviation. TA-Lib " \
    "CCI. Takes time proportional to the period.") \
  X(mfi, NEED_HLC | NEED_VOLUME, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 14, 1)), OUTPUTS("value"), \
    "Money flow index, 0 … 100.", \
    "100 × up / (up + down), sums of hlc3 × volume over the last `period` bars whose hlc3 rose and fell. TA-Lib " \
    "MFI, but 50 where no money flowed, and only there (TA-Lib: 0, whenever the sum is below 1).") \
  X(willr, NEED_HLC, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 14, 1)), OUTPUTS("value"), \
    "Williams %R, −100 … 0.", \
    "−100 × (highest high − close) / (highest high − lowest low) of `period` bars. TA-Lib WILLR, but −50 where " \
    "there is no range (TA-Lib: 0).") \
  X(cmo, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 14, 1)), OUTPUTS("value"), \
    "Chande momentum oscillator, −100 … 100.", \
    "100 × (up − down) / (up + down), averages as in `rsi`; 0 where nothing has moved. TA-Lib CMO (Tulip: plain " \
    "sums).") \
  /* volatility */ \
  X(atr, NEED_HLC, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 14, 1)), OUTPUTS("value"), \
    "Average true range.", \
    "Wilder's average of `tr`, seeded with the mean of tr[1] … tr[period]. TA-Lib ATR (Tulip counts bar 0 as " \
    "well).") \
  X(natr, NEED_HLC, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 14, 1)), OUTPUTS("value"), \
    "Average true range in percent of the close.", \
    "100 × atr / close; 0 where the close is 0. TA-Lib NATR.") \
  X(tr, NEED_HLC, SOURCE_CLOSE, false, NO_PARAMS, OUTPUTS("value"), \
    "True range.", \
    "max(high, previous close) − min(low, previous close), from the second bar. TA-Lib TRANGE.") \
  X(bbands, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1), WIDTH("width", 2)), OUTPUTS("upper", \
    "middle", "lower"), \
    "Bollinger bands.", \
    "middle = sma, upper and lower = middle ± width × stddev. TA-Lib BBANDS with SMA.") \
  X(stddev, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Population standard deviation.", \
    "√(mean of (x − mean)²) over `period` values; below 1e-13 of the values' size it is 0. TA-Lib STDDEV.") \
  X(keltner, NEED_SOURCE | NEED_HLC, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1), PERIOD("atr", 10, 1), \
    WIDTH("width", 2)), OUTPUTS("upper", "middle", "lower"), \
    "Keltner channel.", \
    "middle = ema(period), upper and lower = middle ± width × atr(atr); all start together. technicalindicators " \
    "(Tulip and indicatorts take other averages of the range).") \
  X(donchian, NEED_HL, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("upper", "middle", "lower"), \
    "Donchian channel.", \
    "upper = highest high, lower = lowest low of the last `period` bars, this one included; middle = their mean. " \
    "TA-Lib MAX of the highs, MIN of the lows.") \
  /* trend */ \
  X(adx, NEED_HLC, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 14, 1)), OUTPUTS("adx", "plus", "minus"), \
    "Average directional index with both directional indicators, 0 … 100.", \
    "Wilder's sums, seeded with `period` − 1 moves; an up-move equal to the down-move counts for neither. plus " \
    "and minus start at bar `period`, 0 where there is no range; adx starts at 2 × period − 1 with the mean of " \
    "`period` dx and stays where it is while dx is undefined. TA-Lib ADX, PLUS_DI, MINUS_DI.") \
  X(aroon, NEED_HL, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 25, 1)), OUTPUTS("up", "down"), \
    "Aroon, 0 … 100.", \
    "up = 100 × (period − bars since the highest high of the last period + 1 bars) / period, down likewise with " \
    "the lowest low; of equal ones the latest counts. TA-Lib AROON.") \
  X(psar, NEED_HL, SOURCE_CLOSE, false, PARAMS({"step", 0.02, 0, 1, false}, {"max", 0.2, 0, 1, false}), \
    OUTPUTS("value"), \
    "Parabolic stop and reverse.", \
    "Starts falling if the second bar's directional move is downwards, else rising, the first stop being the " \
    "first bar's other end. TA-Lib SAR.") \
  X(supertrend, NEED_HLC, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 10, 1), WIDTH("width", 3)), OUTPUTS("line", \
    "dir"), \
    "Supertrend: a stop line that follows the trend, and its direction.", \
    "Bands hl2 ± width × atr(period) that only move towards the price until a close lies beyond them; line = the " \
    "lower band and dir = 1 while rising, the upper band and −1 while falling; it starts falling and turns on a " \
    "close beyond the line. TradingView's ta.supertrend with TA-Lib's ATR.") \
  X(ichimoku, NEED_HL, SOURCE_CLOSE, false, PARAMS(PERIOD("tenkan", 9, 1), PERIOD("kijun", 26, 1), PERIOD("span", \
    52, 1)), OUTPUTS("tenkan", "kijun", "span_a", "span_b"), \
    "Ichimoku cloud, not displaced.", \
    "tenkan (conversion), kijun (base), span_b = (highest high + lowest low) / 2 of the last `tenkan`, `kijun`, " \
    "`span` bars; span_a = (tenkan + kijun) / 2. Each starts on its own. What charts draw at this bar is " \
    "span_a[25] and span_b[25]; the lagging line is the close. technicalindicators.") \
  /* volume */ \
  X(obv, NEED_SOURCE | NEED_VOLUME, SOURCE_CLOSE, false, NO_PARAMS, OUTPUTS("value"), \
    "On-balance volume.", \
    "Adds the volume of a rise, takes off that of a fall; starts at the first bar's volume. TA-Lib OBV (Tulip: at " \
    "0).") \
  X(vwap, NEED_SOURCE | NEED_VOLUME | NEED_TIME, SOURCE_HLC3, false, NO_PARAMS, OUTPUTS("value"), \
    "Volume-weighted average price of the UTC day so far.", \
    "Sum of x × volume / sum of volume since 00:00 UTC; x itself while the day has no volume. Own; within a day " \
    "equal to technicalindicators' cumulative one.") \
  X(ad, NEED_HLC | NEED_VOLUME, SOURCE_CLOSE, false, NO_PARAMS, OUTPUTS("value"), \
    "Accumulation/distribution line.", \
    "Sum of volume × ((close − low) − (high − close)) / (high − low), 0 for a bar without range. TA-Lib AD.") \
  X(cmf, NEED_HLC | NEED_VOLUME, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Chaikin money flow, −1 … 1.", \
    "Sum of the steps of `ad` / sum of volume over `period` bars; 0 where they have no volume. indicatorts cmf, " \
    "from its first full window.") \
  /* windows */ \
  X(linreg, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 14, 1)), OUTPUTS("value"), \
    "End of the least-squares line.", \
    "The line through the last `period` values, at the newest. TA-Lib LINEARREG.") \
  X(pivot_high, NEED_SOURCE, SOURCE_HIGH, true, PARAMS(PERIOD("left", 5, 1), PERIOD("right", 5, 0)), \
    OUTPUTS("value"), \
    "A swing high, at the bar that confirms it.", \
    "The value of `right` bars ago if it is above each of the `left` before it and not below any since; no value " \
    "at other bars. Own.") \
  X(pivot_low, NEED_SOURCE, SOURCE_LOW, true, PARAMS(PERIOD("left", 5, 1), PERIOD("right", 5, 0)), \
    OUTPUTS("value"), \
    "A swing low, at the bar that confirms it.", \
    "The value of `right` bars ago if it is below each of the `left` before it and not above any since; no value " \
    "at other bars. Own.") \
  X(highest, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Highest value.", \
    "Of the last `period`, this bar included. TA-Lib MAX.") \
  X(lowest, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Lowest value.", \
    "Of the last `period`, this bar included. TA-Lib MIN.") \
  X(zscore, NEED_SOURCE, SOURCE_CLOSE, false, PARAMS(PERIOD("period", 20, 1)), OUTPUTS("value"), \
    "Distance from the mean in standard deviations.", \
    "(x − sma) / stddev, population; 0 where there is no deviation. Own.")
// clang-format on

#define X(name, ...) extern const struct indicator_kernel indicator_kernel_##name;
INDICATOR_TABLE(X)
#undef X
