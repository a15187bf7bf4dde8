-- The strategy API, version 1, as data. lua/generate.lua makes the editor stubs (lua/meta/perigee.lua) and the reference
-- (lua/reference.md) from it; tests/lua/docs/check.py compares it with what the engine registers, both ways. Denial codes,
-- statistics and indicators are not here: each has its one list in the engine, which the generator reads.
--
-- A type is a LuaCATS type. `default` absent means: required, or nothing when the entry says `optional`.
local api = { version = 1 }

-- strategy{…} -----------------------------------------------------------------------------------------------------------
api.header = {
  { name="name", type="string", about="What people see. 1 … 127 bytes.", required=true },
  { name="api", type="1", about="Version of this API.", required=true },
  { name="about", type="string", about="A few sentences for people. At most 1023 bytes." },
  { name="params", type="table<string, perigee.param>", about="What a user may set, each by its kind. At most 64.",
    example='params={ fast=int{10, min=2, max=100} }' },
  { name="check", type="fun(p: table<string, any>): boolean, string?", about="Runs over the parameters before anything else. "
    .."False refuses them; the second value tells why.", example='check=function(p) return p.fast < p.slow, "fast must be below slow" end' },
  { name="data", type="table<string, perigee.stream>", about="Streams of bars by name. Without it `main` is the bot's own symbol and "
    .."timeframe. At most 16.", example='data={ main={}, h1={tf="1h"}, btc={symbol="BTCUSDT", tf="5m"} }' },
  { name="ind", type="table<string, table>", about="Indicators by name: kind, parameters as numbers or names of `params`, then options. "
    .."At most 64.", example='ind={ slow={"ema", "slow", on="h1", source="hl2"} }' },
  { name="warmup", type="integer", unit="bars of main", range="0 … 1,000,000", default="0",
    about="Bars before the first callback, beyond those the indicators need." },
  { name="lookback", type="integer", unit="values", range="0 … 10,000", default="512",
    about="How far back series and `ctx:bars()` can be indexed." },
  { name="risk", type="perigee.risk_header", about="Worst case, shown before launch.",
    example='risk={ max_notional=function(p) return p.base * 8 end }' },
  { name="mode", type='"netting"|"hedging"', default='"netting"', about="One signed position per symbol, or a long and a short leg." },
}

api.kinds = {  -- of parameters; keys int … time are globals while the file loads
  { name="int", type="integer", about="A whole number.", example="int{10, min=2, max=100}" },
  { name="num", type="number", about="A number.", example="num{1.5, min=0, step=0.1}" },
  { name="pct", type="number", about="A percentage: 5 is 5 %.", example="pct{95, min=1, max=100}" },
  { name="money", type="number", about="An amount of the account's currency.", example="money{250, min=10}" },
  { name="bool", type="boolean", about="True or false.", example="bool{true}" },
  { name="enum", type="string", about="One of a list of texts, the first being the default; or `of=` lists them apart. At most 32.",
    example='enum{"long", "short", "both"}  enum{"both", of={"long", "short", "both"}}' },
  { name="text", type="string", about="A text of at most 127 bytes.", example='text{"hello"}' },
  { name="tf", type="string", about="A timeframe.", example='tf{"1h"}' },
  { name="symbol", type="string", about="A symbol.", example='symbol{"BTCUSDT"}' },
  { name="time", type="string", about="A time of day.", example='time{"17:00"}' },
}

api.param_keys = {
  { name="min", type="number", about="Smallest value; numbers only. Out of range is refused, never clamped." },
  { name="max", type="number", about="Largest value; numbers only." },
  { name="step", type="number", about="Grid for forms and the optimiser; numbers only, above 0." },
  { name="label", type="string", about="Heading in forms." },
  { name="group", type="string", about="Section in forms." },
  { name="opt", type="boolean", default="false", about="The optimiser may vary it." },
  { name="live", type="boolean", default="false", about="May change while the bot runs; then `on_params` is called." },
  { name="of", type="string[]", about="Choices of an enum." },
}
api.stream_keys = {
  { name="symbol", type="string", about="A symbol, or the name of a `symbol` parameter. The bot's own if absent." },
  { name="tf", type="string", about='"1m", "4h", "1d" …, or the name of a `tf` parameter. The bot\'s own if absent.' },
}
api.indicator_keys = {
  { name="on", type="string", default='"main"', about="The stream it is computed on." },
  { name="source", type="perigee.source", about="What it is computed of, for indicators that take a single value per bar. "
    .."The default is close, unless the indicator's entry says otherwise." },
}
api.risk_keys = {
  { name="max_notional", type="fun(p: table<string, any>): number", about="The largest notional the strategy can hold." },
}

-- callbacks -------------------------------------------------------------------------------------------------------------
api.callbacks = {
  { name="on_init", args={ {"ctx","perigee.ctx"} }, about="Before the first event, once all declared indicators have values." },
  { name="on_bar", args={ {"ctx","perigee.ctx"}, {"bar","perigee.bar"} }, about="A bar of `main` closed." },
  { name="on_data", args={ {"ctx","perigee.ctx"}, {"stream","string"}, {"bar","perigee.bar"} }, about="A bar of another stream closed. At "
    .."equal times higher timeframes come first, then other streams by name, `main` last." },
  { name="on_tick", args={ {"ctx","perigee.ctx"}, {"tick","table"} }, about="Trades or quotes, where the market data are such: `tick` has `symbol time price volume bid ask trades`, of all that came since the last (nil: not known yet), at most ten times a second. Not called on bars, in a backtest (which warns) or live (which logs it)." },
  { name="on_order", args={ {"ctx","perigee.ctx"}, {"e","perigee.order_event"} }, about="An order changed its status." },
  { name="on_fill", args={ {"ctx","perigee.ctx"}, {"f","perigee.fill"} }, about="Each fill, once." },
  { name="on_position", args={ {"ctx","perigee.ctx"}, {"e","perigee.position_event"} }, about="A position opened, changed, closed or was liquidated." },
  { name="on_timer", args={ {"ctx","perigee.ctx"}, {"name","string"} }, about="A timer of `ctx:timer` is due." },
  { name="on_signal", args={ {"ctx","perigee.ctx"}, {"s","perigee.signal"} }, about="A signal: live from `POST /bots/{id}/signals`, in a backtest from `--signals FILE`. It comes at once, also between bars." },
  { name="on_day", args={ {"ctx","perigee.ctx"}, {"e","perigee.day_event"} }, about="The risk day turned." },
  { name="on_risk", args={ {"ctx","perigee.ctx"}, {"e","perigee.risk_event"} }, about="A risk rule denied something, or lets go again. Called after the callback whose orders were denied has returned, once per rule however many orders it denied; `until` later than `ctx.now` is when the rule lets go, `until` equal to `ctx.now` says that it just did (DAY_LOSS when the risk day turns). What on_risk itself is denied comes back in another call; after 100 such rounds at one instant the bot is stopped. Live, the core looks once more at every order, with the limits of account and tenant and the rules of the account: what it denies ends as CANCELED with the code as its reason, and on_risk hears of it with the numbers at the next instant; so it does when the core closes positions by a rule (PROP_RULE, with the floor, the equity and the time of the next reset) or the kill switch halts (HALTED), and when either lets go." },
  { name="on_params", args={ {"ctx","perigee.ctx"}, {"old","table<string, any>"} }, about="A `live` parameter changed; `ctx.p` holds the new values." },
  { name="migrate", args={ {"state","table"}, {"from","integer"} }, ret="table", about="Hot reload from version `from`: returns the new state. An "
    .."error keeps the old version." },
  { name="on_stop", args={ {"ctx","perigee.ctx"}, {"why","string"} }, about="Last words, when the bot is stopped (`why`: stop, or close when its positions are to be closed) or a backtest ends: only closes and cancels. Live, market closes are executed at once at the last price and all other orders are cancelled; a bot that is paused or halted then, or failed, is not asked." },
}

-- ctx -------------------------------------------------------------------------------------------------------------------
api.ctx_fields = {
  { name="now", type="integer", unit="ms UTC", about="The engine's time: when the bar closed, in a bar's callback." },
  { name="p", type="table<string, any>", about="Parameters; read-only." },
  { name="ind", type="table<string, any>", about="Declared indicators: a series, or for several outputs a table of series "
    .."(`ctx.ind.macd.signal[0]`); read-only." },
  { name="state", type="table", about="Your own data: numbers (finite), texts, booleans and tables of them, at most 64 KiB and 32 levels when "
    .."saved. Kept over restarts and reloads. Change its fields; `ctx.state = {…}` is refused." },
  { name="pos", type="perigee.position", about="Position in the bot's own symbol; net of both legs when hedging." },
  { name="acct", type="perigee.account", about="The account." },
  { name="sym", type="perigee.symbol", about="Terms of the bot's own symbol." },
}

local order_or_denial = { {"perigee.order?", "order"}, {"perigee.denial?", "err"} }
local done_or_denial = { {"true?", "done"}, {"perigee.denial?", "err"} }
api.methods = {
  { name="buy", options="buy", args={}, ret=order_or_denial, about="Buys.", example='ctx:buy{risk=1, sl=bar.close * 0.98, tp_r=2, tag="in"}' },
  { name="sell", options="sell", args={}, ret=order_or_denial, about="Sells.", example='ctx:sell{qty=0.5, type="limit", price=bar.high}' },
  { name="enter", options="enter", args={ {"dir","1|-1"} }, ret=order_or_denial, about="Buys (1) or sells (-1).", example="ctx:enter(-1, {notional=500})" },
  { name="target", options="target", args={}, ret=order_or_denial, about="Brings the position to this signed size. Asking again is harmless: what is "
    .."held and what earlier targets still have working are counted, so a missed event heals itself. Nil without an error: nothing to do "
    .."(also when the difference is below the smallest order).", example='ctx:target{pct=100, tag="up"}  ctx:target{pct=0}' },
  { name="close", options="close", optional_table=true, args={}, ret=order_or_denial, about="Closes the position, or `qty` of it. Never flips it. Without a position: "
    .."REDUCE_ONLY.", example='ctx:close{qty=0.5, tag="half"}' },
  { name="modify", options="modify", args={ {"order","perigee.order"} }, ret=done_or_denial, about="Changes a working order, or the sl and tp of an "
    .."entry (also a filled one); `false` takes them away.", example="ctx:modify(o, {sl=bar.low})" },
  { name="cancel", args={ {"order","perigee.order"} }, ret=done_or_denial, about="Cancels an order.", example="ctx:cancel(o)" },
  { name="cancel_all", args={ {"tag","string?"} }, ret={ {"integer","n"} }, about="Cancels all working orders, or those with this tag; returns how many.",
    example='ctx:cancel_all("grid")' },
  { name="ladder", options="ladder", args={}, ret=order_or_denial, about="A base order at market and a set of safety orders that the engine keeps placed: rung i is a "
    .."limit at base price · (1 ∓ dᵢ), dᵢ = step · (1 + step_k + … + step_kⁱ⁻¹) percent, worth base · vol_kⁱ. After each fill the take-profit (and stop) "
    .."moves to the new average. When it fills, or the position is gone, the rest is cancelled. At most 32 at once.",
    example='ctx:ladder{n=4, step=1, step_k=1.3, base=100, vol_k=1.5, tp=1}' },
  { name="orders", args={ {"tag","string?"} }, ret={ {"perigee.order[]","list"} }, about="Working orders, oldest first.", example='for _, o in ipairs(ctx:orders("grid")) do ctx:cancel(o) end' },
  { name="pending", args={ {"tag","string?"} }, ret={ {"boolean","any"} }, about="Is any such order working?", example='if not ctx:pending("in") then … end' },
  { name="bars", args={ {"stream","string?"} }, ret={ {"perigee.bars","bars"} }, about="Bars of a stream, `main` if absent: `[k]` is a bar, `.close` the series of closes.",
    example='ctx:bars("h1")[1].high  highest(ctx:bars().high, 20)' },
  { name="leg", args={ {"side",'"long"|"short"'} }, ret={ {"perigee.position","leg"} }, about="One leg; only with `mode=\"hedging\"`.", example='ctx:leg("short").qty' },
  { name="position", args={ {"symbol","string"} }, ret={ {"perigee.position","pos"} }, about="Position in another symbol of `data`.", example='ctx:position("BTCUSDT").flat' },
  { name="symbol", args={ {"symbol","string"} }, ret={ {"perigee.symbol","sym"} }, about="Terms of another symbol of `data`.", example='ctx:symbol("BTCUSDT").tick' },
  { name="rand", args={}, ret={ {"number","x"} }, about="A random number in [0, 1), the same for the same `--seed`.", example="if ctx:rand() < 0.5 then … end" },
  { name="log", args={ {"level",'"debug"|"info"|"warn"|"error"|any'}, {"...","any"} }, about="Writes a line. Without a level: info. Values are joined by spaces; tables are not "
    .."taken apart.", example='ctx:log("warn", "spread", x)' },
  { name="plot", args={ {"name","string"}, {"value","number?"} }, about="A point of a named series in the report. Nil and non-finite values draw nothing. Names have 1 … 63 bytes.",
    example='ctx:plot("rsi", ctx.ind.rsi[0])' },
  { name="mark", args={ {"text","string"} }, about="A text at this time in the report.", example='ctx:mark("news")' },
  { name="notify", args={ {"text","string"} }, about="A message to the user: live on the channels they chose (the first five in ten minutes one by one, the rest as \"37 more like this\"), in a backtest with its logs.", example='ctx:notify("half way")' },
  { name="timer", args={ {"options","perigee.timer_options"} }, about="Sets a timer, or changes the one of that name. At most 32. It goes by the clock, also between bars and where the data has a gap; one that is late (after a restart) fires once. Set again as it is, it goes on as it was.",
    example='ctx:timer{at="17:00", tz="America/New_York", name="close"}  ctx:timer{name="close", off=true}' },
}
api.timer_keys = {
  { name="every", type="string", about='A duration: "30s", "5m", "1h". Stands on the grid of its period, so it does not depend on when it was set.' },
  { name="at", type="string", about='A time of day: "17:00". Exactly one of `every` and `at`.' },
  { name="tz", type="string", default='"UTC"', about='Time zone of `at`: "Europe/Berlin".' },
  { name="name", type="string", about="What `on_timer` gets; the value of `every` or `at` if absent. At most 63 bytes." },
  { name="off", type="boolean", default="false", about="Removes the timer." },
}

-- options of order calls ------------------------------------------------------------------------------------------------
-- `calls`: e is buy, sell and enter; t target, c close, m modify, l ladder
api.options = {
  { name="qty", type="number", calls="etcm", unit="quantity", range="≥ 0, any sign in target", about="Size in units, rounded down to lots." },
  { name="notional", type="number", calls="et", unit="money", about="Size as price × quantity × multiplier, at the decision's last price." },
  { name="pct", type="number", calls="et", unit="% of equity", about="Size as a share of equity. A market order that funds at the fill do not cover is cut, not refused." },
  { name="risk", type="number", calls="e", unit="% of equity", about="Size that loses this share of equity at `sl`." },
  { name="type", type='"market"|"limit"|"stop"|"stop_limit"|"trailing"', calls="ec", about="Without it: `price` makes a limit, `trigger` a stop, both a stop limit, neither a market order." },
  { name="price", type="number", calls="ecm", unit="price", about="Of a limit. Rounded away from risk: buys down, sells up." },
  { name="trigger", type="number", calls="ecm", unit="price", about="Of a stop; of a trailing stop: where it begins." },
  { name="trail", type="number", calls="ec", unit="price", range="≥ 1 tick", about="Distance of a trailing stop. Exactly one of `trail` and `trail_pct`. At a venue elsewhere it is a stop there, moved after each bar; refused where orders cannot be changed." },
  { name="trail_pct", type="number", calls="ec", unit="%", range="> 0 … 100", about="The same in percent." },
  { name="tif", type='"gtc"|"ioc"|"fok"|"day"|"gtd"', calls="ec", default='"gtc"', about="Time in force. `until` and `ttl` imply gtd." },
  { name="until", type="integer", calls="ec", unit="ms UTC", about="When a gtd order ends. In the future." },
  { name="ttl", type="number|string", calls="ec", unit="bars of main, or a duration", about='Life from now: 3, or "30m".' },
  { name="post", type="boolean", calls="ec", default="false", about="Post only: POST_ONLY rather than take liquidity." },
  { name="reduce", type="boolean", calls="e", default="false", about="Reduce only: clipped to the position, never flips it." },
  { name="sl", type="number|false", calls="etml", unit="price; ladder: % from the average", about="Stop loss, a child of the entry. `false` in modify takes it away." },
  { name="tp", type="number|false", calls="etml", unit="price; ladder: % from the average", about="Take profit, a child of the entry." },
  { name="tp_r", type="number", calls="e", unit="multiple of the distance to `sl`", about="Take profit so many R away, from the fill. `tp` or `tp_r`." },
  { name="oco", type="perigee.order", calls="ec", about="One cancels other: with that order. A partial fill shrinks the sibling as much." },
  { name="tag", type="string", calls="etcl", range="≤ 63 bytes", about="A name of your own, seen in fills, trades, `ctx:orders`." },
  { name="symbol", type="string", calls="etcl", about="Another symbol of `data`." },
  { name="leg", type='"long"|"short"', calls="etc", about='Which leg; only with `mode="hedging"`. Without it: buys open long, sells open short.' },
  { name="of", type="perigee.order", calls="c", about="Belongs to the lots that this entry opened (in compat-backtesting, where each entry is closed on its own)." },
  { name="n", type="integer", calls="l", range="0 … 100", required=true, about="Number of safety orders." },
  { name="step", type="number", calls="l", unit="%", range="> 0 … 100", required=true, about="Distance of the first." },
  { name="step_k", type="number", calls="l", range="0 … 100", default="1", about="Each distance is so many times the one before." },
  { name="base", type="number", calls="l", unit="money", required=true, about="Notional of the base order." },
  { name="vol_k", type="number", calls="l", range="0 … 100", default="1", about="Each safety order is worth so many times the one before." },
  { name="dir", type="1|-1", calls="l", default="1", about="Long or short." },
}

-- objects ---------------------------------------------------------------------------------------------------------------
-- strict: a field that does not exist raises; otherwise it is nil
api.objects = {
  { name="order", strict=true, about="A handle. Fields are read from the engine, so a finished order stays readable; of a live bot the last 256, and all whose position is still there.", fields={
    { "id", "integer", "unique in the run" }, { "tag", "string", '"" when none' }, { "symbol", "string" }, { "side", '"buy"|"sell"' },
    { "type", "string" }, { "status", '"NEW"|"SENT"|"OPEN"|"PARTIAL"|"FILLED"|"CANCELED"|"EXPIRED"|"REJECTED"|"PENDING_CANCEL"|"PENDING_MODIFY"|"UNKNOWN"' },
    { "qty", "number" }, { "left", "number", "0 when it has ended" }, { "price", "number?", "limit, else trigger" }, { "avg", "number?", "of its fills" },
    { "reason", "string?", "a denial code, when it ended without a fill" }, { "filled", "number" }, { "trigger", "number?" }, { "sl", "number?" },
    { "tp", "number?" }, { "alive", "boolean" }, { "cut", "boolean", "funds at the fill did not cover the whole size" } } },
  { name="denial", about="Second value of a refused order call. A denial never raises; misuse (unknown key, two sizes, wrong type) does.", fields={
    { "code", "perigee.code" }, { "msg", "string" }, { "limit", "number?" }, { "value", "number?" } } },
  { name="order_event", strict=true, about="Argument of `on_order`.", fields={ { "order", "perigee.order" }, { "id", "integer" }, { "status", "string" },
    { "from", "string", "status before" }, { "reason", "string", '"" when none' }, { "tag", "string" }, { "symbol", "string" }, { "side", "string" }, { "type", "string" } } },
  { name="fill", strict=true, about="Argument of `on_fill`.", fields={ { "order", "perigee.order" }, { "tag", "string" }, { "symbol", "string" }, { "side", '"buy"|"sell"' },
    { "price", "number" }, { "qty", "number" }, { "avg", "number", "of the order so far" }, { "fee", "number", "a rebate is negative" }, { "maker", "boolean" },
    { "complete", "boolean" }, { "ambiguous", "boolean", "one bar held both stop and target" }, { "cut", "boolean" }, { "time", "integer", "ms UTC" } } },
  { name="position_event", strict=true, about="Argument of `on_position`.", fields={ { "kind", '"open"|"change"|"close"|"liquidated"' }, { "symbol", "string" },
    { "leg", '"net"|"long"|"short"' }, { "qty", "number", "after, signed" }, { "before", "number" }, { "pnl", "number", "realised by it" }, { "id", "integer", "from flat to flat" } } },
  { name="signal", about="Argument of `on_signal`. Numbers that were not given are nil.", fields={ { "id", "string" }, { "source", "string" }, { "key", "string" }, { "symbol", "string" },
    { "action", "string" }, { "size", "number?" }, { "price", "number?" }, { "sl", "number?" }, { "tp", "number?" }, { "ts", "integer", "ms UTC" }, { "raw", "string" } } },
  { name="day_event", strict=true, about="Argument of `on_day`.", fields={ { "day", "string", "the day that ended" }, { "pnl", "number" }, { "equity", "number" } } },
  { name="risk_event", about="Argument of `on_risk`.", fields={ { "rule", "string", "a denial code" }, { "value", "number?", "what was asked or is" }, { "limit", "number?", "what is allowed" }, { "until", "integer?", "ms UTC; nil: does not go by time. `until` is a word of Lua: write e[\"until\"]" } } },
  { name="bar", strict=true, about="A closed bar. The `bar` of `on_bar` is one reused object: copy the numbers you want to keep.", fields={
    { "time", "integer", "when it opened, ms UTC" }, { "open", "number" }, { "high", "number" }, { "low", "number" }, { "close", "number" }, { "volume", "number", "0 when the data has none" } } },
  { name="bars", strict=true, about="What `ctx:bars()` returns. `[k]` is the bar k back, nil before the first; a negative k raises.", index="perigee.bar?", fields={
    { "time", "perigee.series" }, { "open", "perigee.series" }, { "high", "perigee.series" }, { "low", "perigee.series" }, { "close", "perigee.series" }, { "volume", "perigee.series" } } },
  { name="position", strict=true, about="Read anew at each access.", fields={ { "flat", "boolean" }, { "qty", "number", "signed: short is negative" }, { "avg", "number?", "entry price" },
    { "side", '"long"|"short"|"flat"' }, { "upnl", "number", "unrealised, money" }, { "upnl_pct", "number", "of the entry's notional" }, { "adds", "integer", "entries since flat" },
    { "bars", "integer", "bars held" } } },
  { name="account", strict=true, about="Money.", fields={ { "equity", "number", "marked to market" }, { "balance", "number", "realised" }, { "free", "number", "not tied up as margin" },
    { "day_pnl", "number?", "since the risk day began" }, { "day_room", "number?", "until DAY_LOSS; nil: no limit" }, { "dd_room", "number?", "until DRAWDOWN; nil: no limit" } } },
  { name="symbol", strict=true, about="Terms of trade.", fields={ { "name", "string" }, { "tick", "number" }, { "lot", "number" }, { "min_qty", "number" }, { "min_notional", "number" },
    { "last", "number?", "last price" }, { "multiplier", "number" }, { "round_px", "fun(self: perigee.symbol, x: number): number", "to the nearest tick" },
    { "round_qty", "fun(self: perigee.symbol, x: number): number", "to lots, towards zero" } } },
}

-- globals ---------------------------------------------------------------------------------------------------------------
api.helpers = {
  { name="crossed_up", args={ {"a","perigee.series|number"}, {"b","perigee.series|number"} }, ret="boolean", about="Did a rise above b with the bar just closed? Bars on which both were equal decide nothing: the "
    .."last bar on which they differed had a below b.", example="crossed_up(ctx.ind.rsi, 30)" },
  { name="crossed_down", args={ {"a","perigee.series|number"}, {"b","perigee.series|number"} }, ret="boolean", about="The same downwards.", example="crossed_down(ctx.ind.f, ctx.ind.s)" },
  { name="highest", args={ {"s","perigee.series"}, {"n","integer"} }, ret="number?", about="Highest of the last n values, the bar just closed among them; nil when there are fewer.", example="highest(ctx:bars().high, 20)" },
  { name="lowest", args={ {"s","perigee.series"}, {"n","integer"} }, ret="number?", about="Lowest, likewise.", example="lowest(ctx:bars().low, 20)" },
}
api.libraries = {
  { name="", functions="assert error getmetatable ipairs next pairs pcall rawequal rawget rawlen select setmetatable tonumber tostring type xpcall" },
  { name="math", functions="abs acos asin atan ceil cos deg exp floor fmod log max min modf rad random randomseed sin sqrt tan tointeger type ult", constants="pi huge maxinteger mininteger" },
  { name="string", functions="byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper" },
  { name="table", functions="concat insert move pack remove sort unpack" },
  { name="utf8", functions="char codepoint codes len offset", constants="charpattern" },
}
api.metamethods = "__index __newindex __call __tostring __metatable __pairs __eq __lt __le __len __concat __unm __add __sub __mul __div __mod __pow __idiv __band __bor __bxor __bnot __shl __shr"
api.metamethods_refused = "__gc __mode __close __name"

api.sandbox = {
  "A file has at most 64 KiB, is text (no bytecode) and may run 200 ms of CPU time while it loads; a callback 50 ms. `--fuel N` counts instructions instead, the same on every machine.",
  "A script holds at most 1 MiB; one text or list at most half of that; the hash part of one table at most 2,048 entries (lists 1 … n are not counted).",
  "A callback is a transaction: what it asked for takes effect when it returns. If it raises, nothing of it does, and the run stops with the line. At most 1,024 order calls in one callback.",
  "A script that runs over a budget is stopped for good; `pcall` cannot catch that.",
  "`pairs` visits 1 … n in order, then string keys in byte order, so two runs are equal. Other keys (tables, functions) cannot be iterated.",
  "Texts are not numbers: `\"10\" + 1` raises. Use `tonumber`.",
  "Reading a global that nobody assigned raises with a suggestion, so a typing mistake is no silent nil.",
}

-- simulation, in brief ----------------------------------------------------------------------------------------------------
api.simulation = {
  { "Bars", "A bar [t0, t1) is delivered once, at t1. What a callback asks for meets only later events, never its own bar." },
  { "Market orders", "fill at the next open of the finest data, plus half the spread and slippage. With `--latency` at the first event after it." },
  { "Path inside a bar", "open → nearer extreme → farther → close. `--path adverse` and `favourable` order it against and for you; the report shows all three: their spread is the uncertainty. `--detail FILE` with finer bars replaces the guess." },
  { "Limits", "fill at their limit once the path trades through it by a tick. Touching is not enough, a gap is no gift. Marketable on arrival: a taker." },
  { "Stops", "fill at the open when it lies beyond the trigger, else at the trigger; slippage on both. A stop limit looks at its limit only after the trigger." },
  { "Children", "(sl, tp) live from the fill of their entry on, within the same bar too." },
  { "Stop and target in one bar", "the stop wins (in `favourable` the target) and the trade is marked `ambiguous`." },
  { "OCO", "the first on the path wins, its sibling dies in the same instant." },
  { "Trailing", "on every piece of the path: test first, then move." },
  { "Participation", "`--participation F`: at most F of a bar's volume fills; the rest rests." },
  { "Fees", "per side on notional, maker only if the order rested; rounded against you." },
  { "Funding and swap", "on the position held before events of that time; longs pay a positive rate. Swap at 17:00 New York, triple on one weekday." },
  { "Liquidation", "on the mark price's path; settles at the bankruptcy price plus fee." },
  { "Order of things at one time", "funding → matching → fill callbacks → bars of higher timeframes → other streams by name → main → timers → signals." },
  { "Gaps", "stay gaps." },
  { "End", "open positions are marked, not closed; both figures are shown." },
}
api.models = {
  { "strict", "The rules above. What you should believe." },
  { "classic", "Touching a limit is enough, and a gap through it fills at the better open, as most retail testers do." },
  { "compat-backtesting", "Reproduces backtesting.py trade by trade. Sizes by money are resolved at the fill. Default tick 1e-10." },
  { "compat-backtrader", "Reproduces backtrader trade by trade. The same." },
}
return api
