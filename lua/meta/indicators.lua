---@meta
-- Editor stubs of the indicators. Generated from engine/indicator/table.h; do not edit.

---Values of an indicator's output: [0] at the bar just closed, [1] at the one before; nil where there is none.
---@class perigee.series
---@field [integer] number?

---@alias perigee.source "close"|"open"|"high"|"low"|"volume"|"hl2"|"hlc3"|"ohlc4"

---@class perigee.indicator.options
---@field on? string the stream, "main" if absent

---Simple moving average. Mean of the last `period` values. TA-Lib SMA.
---@class perigee.indicator.sma: perigee.indicator.options
---@field [1] "sma"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field source? perigee.source close if absent

---Exponential moving average. ema += 2 / (period + 1) × (x − ema), seeded with the mean of the first `period` values. TA-Lib EMA (Tulip and pandas seed with the first value).
---@class perigee.indicator.ema: perigee.indicator.options
---@field [1] "ema"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field source? perigee.source close if absent

---Linearly weighted moving average. Weights 1 … `period`, the newest the most. TA-Lib WMA.
---@class perigee.indicator.wma: perigee.indicator.options
---@field [1] "wma"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field source? perigee.source close if absent

---Double exponential moving average. 2 × ema − ema(ema), each seeded as `ema` with the first values of the one before. TA-Lib DEMA.
---@class perigee.indicator.dema: perigee.indicator.options
---@field [1] "dema"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field source? perigee.source close if absent

---Triple exponential moving average. 3 × ema − 3 × ema(ema) + ema(ema(ema)), each seeded as `ema` with the first values of the one before. TA-Lib TEMA.
---@class perigee.indicator.tema: perigee.indicator.options
---@field [1] "tema"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field source? perigee.source close if absent

---Hull moving average. wma(√period) of 2 × wma(period / 2) − wma(period), both periods rounded down. Tulip hma.
---@class perigee.indicator.hma: perigee.indicator.options
---@field [1] "hma"
---@field [2]? integer|string period: whole, 2 … 100000, default 16
---@field source? perigee.source close if absent

---Kaufman's adaptive moving average. kama += s² × (x − kama), s = e × (2 / (fast + 1) − 2 / (slow + 1)) + 2 / (slow + 1), e = |x − x[period]| / sum of the last `period` |changes|, 1 where nothing changed. The seed is the value one bar before the first. TA-Lib KAMA.
---@class perigee.indicator.kama: perigee.indicator.options
---@field [1] "kama"
---@field [2]? integer|string period: whole, 1 … 100000, default 10
---@field [3]? integer|string fast: whole, 1 … 100000, default 2
---@field [4]? integer|string slow: whole, 1 … 100000, default 30
---@field source? perigee.source close if absent

---Volume-weighted moving average. Sum of x × volume / sum of volume over `period` bars; the simple mean where they have no volume. Tulip vwma.
---@class perigee.indicator.vwma: perigee.indicator.options
---@field [1] "vwma"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field source? perigee.source close if absent

---Wilder's moving average. rma += (x − rma) / period, seeded with the mean of the first `period` values. Wilder; Tulip wilders.
---@class perigee.indicator.rma: perigee.indicator.options
---@field [1] "rma"
---@field [2]? integer|string period: whole, 1 … 100000, default 14
---@field source? perigee.source close if absent

---Relative strength index, 0 … 100. 100 × up / (up + down), Wilder's averages of the rises and falls, seeded with the mean of the first `period` changes. TA-Lib RSI, but 50 where nothing has moved (TA-Lib: 0).
---@class perigee.indicator.rsi: perigee.indicator.options
---@field [1] "rsi"
---@field [2]? integer|string period: whole, 1 … 100000, default 14
---@field source? perigee.source close if absent

---Slow stochastic, 0 … 100. k = sma(slow) of 100 × (close − lowest low) / (highest high − lowest low) of `period` bars, d = sma(signal) of k; both start together. slow = 1 gives the fast one. TA-Lib STOCH with SMA, but 50 where there is no range (TA-Lib: 0).
---@class perigee.indicator.stoch: perigee.indicator.options
---@field [1] "stoch"
---@field [2]? integer|string period: whole, 1 … 100000, default 14
---@field [3]? integer|string slow: whole, 1 … 100000, default 3
---@field [4]? integer|string signal: whole, 1 … 100000, default 3

---@class perigee.series.stoch
---@field k perigee.series
---@field d perigee.series

---Stochastic of the RSI, 0 … 100. k = place of rsi(rsi) in its range of the last `period`, in percent, not smoothed; d = sma(signal) of k; both start together. TA-Lib STOCHRSI, but 50 where the RSI's range is below 1e-9 (TA-Lib: 0). Tulip gives k as a fraction.
---@class perigee.indicator.stochrsi: perigee.indicator.options
---@field [1] "stochrsi"
---@field [2]? integer|string rsi: whole, 1 … 100000, default 14
---@field [3]? integer|string period: whole, 1 … 100000, default 14
---@field [4]? integer|string signal: whole, 1 … 100000, default 3
---@field source? perigee.source close if absent

---@class perigee.series.stochrsi
---@field k perigee.series
---@field d perigee.series

---Moving average convergence divergence. macd = ema(fast) − ema(slow), signal = ema(signal) of macd, hist = macd − signal; all start at bar slow + signal − 2. The fast average is seeded with the `fast` values that end where the slow one's seed ends. TA-Lib MACD (others seed the fast one at its own start: equal after some 150 bars).
---@class perigee.indicator.macd: perigee.indicator.options
---@field [1] "macd"
---@field [2]? integer|string fast: whole, 1 … 100000, default 12
---@field [3]? integer|string slow: whole, 2 … 100000, default 26
---@field [4]? integer|string signal: whole, 1 … 100000, default 9
---@field source? perigee.source close if absent

---@class perigee.series.macd
---@field macd perigee.series
---@field signal perigee.series
---@field hist perigee.series

---Rate of change in percent. (x / x[period] − 1) × 100; 0 where x[period] is 0. TA-Lib ROC (Tulip: a fraction).
---@class perigee.indicator.roc: perigee.indicator.options
---@field [1] "roc"
---@field [2]? integer|string period: whole, 1 … 100000, default 10
---@field source? perigee.source close if absent

---Momentum. x − x[period]. TA-Lib MOM.
---@class perigee.indicator.mom: perigee.indicator.options
---@field [1] "mom"
---@field [2]? integer|string period: whole, 1 … 100000, default 10
---@field source? perigee.source close if absent

---Rate of change of a triple EMA, in percent. One-bar `roc` of ema(ema(ema)), seeded as in `tema`; 0 where the bar before is 0. TA-Lib TRIX.
---@class perigee.indicator.trix: perigee.indicator.options
---@field [1] "trix"
---@field [2]? integer|string period: whole, 1 … 100000, default 15
---@field source? perigee.source close if absent

---Ultimate oscillator, 0 … 100. (4 × a(short) + 2 × a(medium) + a(long)) / 7, a(n) = 100 × sum of buying pressure / sum of true range, pressure = close − min(low, previous close). TA-Lib ULTOSC, but a = 50 where there is no range (TA-Lib: 0).
---@class perigee.indicator.uo: perigee.indicator.options
---@field [1] "uo"
---@field [2]? integer|string short: whole, 1 … 100000, default 7
---@field [3]? integer|string medium: whole, 1 … 100000, default 14
---@field [4]? integer|string long: whole, 1 … 100000, default 28

---Commodity channel index. (hlc3 − mean) / (0.015 × mean absolute deviation) over `period` bars; 0 where there is no deviation. TA-Lib CCI. Takes time proportional to the period.
---@class perigee.indicator.cci: perigee.indicator.options
---@field [1] "cci"
---@field [2]? integer|string period: whole, 1 … 2000, default 20

---Money flow index, 0 … 100. 100 × up / (up + down), sums of hlc3 × volume over the last `period` bars whose hlc3 rose and fell. TA-Lib MFI, but 50 where no money flowed, and only there (TA-Lib: 0, whenever the sum is below 1).
---@class perigee.indicator.mfi: perigee.indicator.options
---@field [1] "mfi"
---@field [2]? integer|string period: whole, 1 … 100000, default 14

---Williams %R, −100 … 0. −100 × (highest high − close) / (highest high − lowest low) of `period` bars. TA-Lib WILLR, but −50 where there is no range (TA-Lib: 0).
---@class perigee.indicator.willr: perigee.indicator.options
---@field [1] "willr"
---@field [2]? integer|string period: whole, 1 … 100000, default 14

---Chande momentum oscillator, −100 … 100. 100 × (up − down) / (up + down), averages as in `rsi`; 0 where nothing has moved. TA-Lib CMO (Tulip: plain sums).
---@class perigee.indicator.cmo: perigee.indicator.options
---@field [1] "cmo"
---@field [2]? integer|string period: whole, 1 … 100000, default 14
---@field source? perigee.source close if absent

---Average true range. Wilder's average of `tr`, seeded with the mean of tr[1] … tr[period]. TA-Lib ATR (Tulip counts bar 0 as well).
---@class perigee.indicator.atr: perigee.indicator.options
---@field [1] "atr"
---@field [2]? integer|string period: whole, 1 … 100000, default 14

---Average true range in percent of the close. 100 × atr / close; 0 where the close is 0. TA-Lib NATR.
---@class perigee.indicator.natr: perigee.indicator.options
---@field [1] "natr"
---@field [2]? integer|string period: whole, 1 … 100000, default 14

---True range. max(high, previous close) − min(low, previous close), from the second bar. TA-Lib TRANGE.
---@class perigee.indicator.tr: perigee.indicator.options
---@field [1] "tr"

---Bollinger bands. middle = sma, upper and lower = middle ± width × stddev. TA-Lib BBANDS with SMA.
---@class perigee.indicator.bbands: perigee.indicator.options
---@field [1] "bbands"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field [3]? number|string width: number, 0 … 1000, default 2
---@field source? perigee.source close if absent

---@class perigee.series.bbands
---@field upper perigee.series
---@field middle perigee.series
---@field lower perigee.series

---Population standard deviation. √(mean of (x − mean)²) over `period` values; below 1e-13 of the values' size it is 0. TA-Lib STDDEV.
---@class perigee.indicator.stddev: perigee.indicator.options
---@field [1] "stddev"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field source? perigee.source close if absent

---Keltner channel. middle = ema(period), upper and lower = middle ± width × atr(atr); all start together. technicalindicators (Tulip and indicatorts take other averages of the range).
---@class perigee.indicator.keltner: perigee.indicator.options
---@field [1] "keltner"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field [3]? integer|string atr: whole, 1 … 100000, default 10
---@field [4]? number|string width: number, 0 … 1000, default 2
---@field source? perigee.source close if absent

---@class perigee.series.keltner
---@field upper perigee.series
---@field middle perigee.series
---@field lower perigee.series

---Donchian channel. upper = highest high, lower = lowest low of the last `period` bars, this one included; middle = their mean. TA-Lib MAX of the highs, MIN of the lows.
---@class perigee.indicator.donchian: perigee.indicator.options
---@field [1] "donchian"
---@field [2]? integer|string period: whole, 1 … 100000, default 20

---@class perigee.series.donchian
---@field upper perigee.series
---@field middle perigee.series
---@field lower perigee.series

---Average directional index with both directional indicators, 0 … 100. Wilder's sums, seeded with `period` − 1 moves; an up-move equal to the down-move counts for neither. plus and minus start at bar `period`, 0 where there is no range; adx starts at 2 × period − 1 with the mean of `period` dx and stays where it is while dx is undefined. TA-Lib ADX, PLUS_DI, MINUS_DI.
---@class perigee.indicator.adx: perigee.indicator.options
---@field [1] "adx"
---@field [2]? integer|string period: whole, 1 … 100000, default 14

---@class perigee.series.adx
---@field adx perigee.series
---@field plus perigee.series
---@field minus perigee.series

---Aroon, 0 … 100. up = 100 × (period − bars since the highest high of the last period + 1 bars) / period, down likewise with the lowest low; of equal ones the latest counts. TA-Lib AROON.
---@class perigee.indicator.aroon: perigee.indicator.options
---@field [1] "aroon"
---@field [2]? integer|string period: whole, 1 … 100000, default 25

---@class perigee.series.aroon
---@field up perigee.series
---@field down perigee.series

---Parabolic stop and reverse. Starts falling if the second bar's directional move is downwards, else rising, the first stop being the first bar's other end. TA-Lib SAR.
---@class perigee.indicator.psar: perigee.indicator.options
---@field [1] "psar"
---@field [2]? number|string step: number, 0 … 1, default 0.02
---@field [3]? number|string max: number, 0 … 1, default 0.2

---Supertrend: a stop line that follows the trend, and its direction. Bands hl2 ± width × atr(period) that only move towards the price until a close lies beyond them; line = the lower band and dir = 1 while rising, the upper band and −1 while falling; it starts falling and turns on a close beyond the line. TradingView's ta.supertrend with TA-Lib's ATR.
---@class perigee.indicator.supertrend: perigee.indicator.options
---@field [1] "supertrend"
---@field [2]? integer|string period: whole, 1 … 100000, default 10
---@field [3]? number|string width: number, 0 … 1000, default 3

---@class perigee.series.supertrend
---@field line perigee.series
---@field dir perigee.series

---Ichimoku cloud, not displaced. tenkan (conversion), kijun (base), span_b = (highest high + lowest low) / 2 of the last `tenkan`, `kijun`, `span` bars; span_a = (tenkan + kijun) / 2. Each starts on its own. What charts draw at this bar is span_a[25] and span_b[25]; the lagging line is the close. technicalindicators.
---@class perigee.indicator.ichimoku: perigee.indicator.options
---@field [1] "ichimoku"
---@field [2]? integer|string tenkan: whole, 1 … 100000, default 9
---@field [3]? integer|string kijun: whole, 1 … 100000, default 26
---@field [4]? integer|string span: whole, 1 … 100000, default 52

---@class perigee.series.ichimoku
---@field tenkan perigee.series
---@field kijun perigee.series
---@field span_a perigee.series
---@field span_b perigee.series

---On-balance volume. Adds the volume of a rise, takes off that of a fall; starts at the first bar's volume. TA-Lib OBV (Tulip: at 0).
---@class perigee.indicator.obv: perigee.indicator.options
---@field [1] "obv"
---@field source? perigee.source close if absent

---Volume-weighted average price of the UTC day so far. Sum of x × volume / sum of volume since 00:00 UTC; x itself while the day has no volume. Own; within a day equal to technicalindicators' cumulative one.
---@class perigee.indicator.vwap: perigee.indicator.options
---@field [1] "vwap"
---@field source? perigee.source hlc3 if absent

---Accumulation/distribution line. Sum of volume × ((close − low) − (high − close)) / (high − low), 0 for a bar without range. TA-Lib AD.
---@class perigee.indicator.ad: perigee.indicator.options
---@field [1] "ad"

---Chaikin money flow, −1 … 1. Sum of the steps of `ad` / sum of volume over `period` bars; 0 where they have no volume. indicatorts cmf, from its first full window.
---@class perigee.indicator.cmf: perigee.indicator.options
---@field [1] "cmf"
---@field [2]? integer|string period: whole, 1 … 100000, default 20

---End of the least-squares line. The line through the last `period` values, at the newest. TA-Lib LINEARREG.
---@class perigee.indicator.linreg: perigee.indicator.options
---@field [1] "linreg"
---@field [2]? integer|string period: whole, 1 … 100000, default 14
---@field source? perigee.source close if absent

---A swing high, at the bar that confirms it. The value of `right` bars ago if it is above each of the `left` before it and not below any since; no value at other bars. Own.
---@class perigee.indicator.pivot_high: perigee.indicator.options
---@field [1] "pivot_high"
---@field [2]? integer|string left: whole, 1 … 100000, default 5
---@field [3]? integer|string right: whole, 0 … 100000, default 5
---@field source? perigee.source high if absent

---A swing low, at the bar that confirms it. The value of `right` bars ago if it is below each of the `left` before it and not above any since; no value at other bars. Own.
---@class perigee.indicator.pivot_low: perigee.indicator.options
---@field [1] "pivot_low"
---@field [2]? integer|string left: whole, 1 … 100000, default 5
---@field [3]? integer|string right: whole, 0 … 100000, default 5
---@field source? perigee.source low if absent

---Highest value. Of the last `period`, this bar included. TA-Lib MAX.
---@class perigee.indicator.highest: perigee.indicator.options
---@field [1] "highest"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field source? perigee.source close if absent

---Lowest value. Of the last `period`, this bar included. TA-Lib MIN.
---@class perigee.indicator.lowest: perigee.indicator.options
---@field [1] "lowest"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field source? perigee.source close if absent

---Distance from the mean in standard deviations. (x − sma) / stddev, population; 0 where there is no deviation. Own.
---@class perigee.indicator.zscore: perigee.indicator.options
---@field [1] "zscore"
---@field [2]? integer|string period: whole, 1 … 100000, default 20
---@field source? perigee.source close if absent

---What may stand in a strategy's `ind`.
---@alias perigee.indicator
---| perigee.indicator.sma
---| perigee.indicator.ema
---| perigee.indicator.wma
---| perigee.indicator.dema
---| perigee.indicator.tema
---| perigee.indicator.hma
---| perigee.indicator.kama
---| perigee.indicator.vwma
---| perigee.indicator.rma
---| perigee.indicator.rsi
---| perigee.indicator.stoch
---| perigee.indicator.stochrsi
---| perigee.indicator.macd
---| perigee.indicator.roc
---| perigee.indicator.mom
---| perigee.indicator.trix
---| perigee.indicator.uo
---| perigee.indicator.cci
---| perigee.indicator.mfi
---| perigee.indicator.willr
---| perigee.indicator.cmo
---| perigee.indicator.atr
---| perigee.indicator.natr
---| perigee.indicator.tr
---| perigee.indicator.bbands
---| perigee.indicator.stddev
---| perigee.indicator.keltner
---| perigee.indicator.donchian
---| perigee.indicator.adx
---| perigee.indicator.aroon
---| perigee.indicator.psar
---| perigee.indicator.supertrend
---| perigee.indicator.ichimoku
---| perigee.indicator.obv
---| perigee.indicator.vwap
---| perigee.indicator.ad
---| perigee.indicator.cmf
---| perigee.indicator.linreg
---| perigee.indicator.pivot_high
---| perigee.indicator.pivot_low
---| perigee.indicator.highest
---| perigee.indicator.lowest
---| perigee.indicator.zscore
