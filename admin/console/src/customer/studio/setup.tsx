// What a backtest runs on and under which conditions: one form, shared by the single run and the comparison of parameters.
import { createMemo, createSignal, For, Show, type Accessor, type JSX } from "solid-js";
import type { Schemas } from "~/api/client";
import type { Problem } from "~/api/problem";
import { formatCount, formatDate } from "~/lib/format";
import { Checkbox, Note, Select, TextField } from "~/ui";
import { otherStreams, type ScriptHeader, type Values } from "./header";

export type Market = Schemas["Market"];
export type BacktestRequest = Schemas["BacktestRequest"];
type Config = NonNullable<BacktestRequest["config"]>;

export const keyOf = (m: Market): string => `${m.venue}|${m.symbol}|${m.timeframe}`;

export interface Setup {
  market: string;
  from: string; // yyyy-mm-dd, "": from the beginning
  to: string;
  cash: string;
  fee: string;
  slippage: string; // percent
  leverage: string;
  model: NonNullable<Config["fill_model"]>;
  seed: string;
  single: boolean;
  detail: string; // a market of finer bars, "": none
  funding: string; // the text of a file
  fundingName: string;
  signals: string;
  signalsName: string;
}

export const newSetup = (): Setup => ({ market: "", from: "", to: "", cash: "10000", fee: "0.001", slippage: "0.05", leverage: "1", model: "strict", seed: "1", single: false, detail: "", funding: "", fundingName: "", signals: "", signalsName: "" });

const LIVE_TIMEFRAMES = ["1m", "5m", "15m", "1h", "4h", "1d"];

/** What can be run on: stored history, and of live markets the newest bars in timeframes that their feed can be put together to. */
export function offered(markets: readonly Market[]): Market[] {
  const stored = markets.filter((m) => !m.live && m.bars > 0), have = new Set(stored.map(keyOf));
  const live = markets.filter((m) => m.live).flatMap((m) => LIVE_TIMEFRAMES.filter((tf) => minutes(tf) >= minutes(m.timeframe)).map((timeframe) => ({ ...m, timeframe })));
  return [...stored, ...live.filter((m) => !have.has(keyOf(m)))];
}

const dayMs = (day: string): number | undefined => (/^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : undefined);
const minutes = (tf: string): number => Number(tf.slice(0, -1)) * ({ s: 1 / 60, m: 1, h: 60, d: 1440, w: 10080 }[tf.slice(-1)] ?? NaN);

/** What goes to POST /backtests, or what is missing. values: those that differ from the defaults. */
export function requestOf(strategyId: string, version: number | null, header: ScriptHeader, setup: Setup, values: Values, markets: readonly Market[]): { request: BacktestRequest } | { missing: string } {
  const main = markets.find((m) => keyOf(m) === setup.market);
  if (!main) return { missing: "Choose the history to run on." };
  const data: BacktestRequest["data"] = [{ venue: main.venue, symbol: main.symbol, timeframe: main.timeframe }];
  for (const s of otherStreams(header, values)) {
    const fits = markets.filter((m) => m.symbol === s.symbol && (!s.timeframe || minutes(m.timeframe) <= minutes(s.timeframe)));
    const best = fits.sort((a, b) => Number(b.venue === main.venue) - Number(a.venue === main.venue) || minutes(b.timeframe) - minutes(a.timeframe))[0];
    if (!best) return { missing: `The script's stream “${s.stream}” wants ${s.symbol}${s.timeframe ? ` ${s.timeframe}` : ""}, and there is no such history.` };
    data.push({ stream: s.stream, venue: best.venue, symbol: best.symbol, timeframe: best.timeframe });
  }
  const detail = markets.find((m) => keyOf(m) === setup.detail);
  if (detail) data.push({ role: "detail", venue: detail.venue, symbol: detail.symbol, timeframe: detail.timeframe });
  const from = dayMs(setup.from), to = dayMs(setup.to);
  if (from !== undefined && to !== undefined && from >= to) return { missing: "The first day must be before the last." };
  const config: Config = {
    cash: setup.cash.trim(), fee: setup.fee.trim() || "0", slippage_pct: setup.slippage.trim() || "0", leverage: setup.leverage.trim() || "1", fill_model: setup.model, seed: Math.trunc(Number(setup.seed)) || 0,
    ...(setup.single ? { single_path: true } : {}), ...(from !== undefined ? { from_ms: from } : {}), ...(to !== undefined ? { to_ms: to } : {}),
  };
  return { request: { strategy_id: strategyId, ...(version ? { version } : {}), data, params: values, config, ...(setup.funding ? { funding: setup.funding } : {}), ...(setup.signals ? { signals: setup.signals } : {}) } };
}

const FILE_MAX = 131_072;

function TextFile(props: { label: string; hint: string; name: string; onText: (text: string, name: string) => void }): JSX.Element {
  const [error, setError] = createSignal("");
  const id = `file-${props.label.replace(/\W+/g, "-").toLowerCase()}`;
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input id={id} type="file" class="studio-file" accept=".csv,.txt,.jsonl,.json" onChange={(e) => {
        const file = e.currentTarget.files?.[0];
        setError("");
        if (!file) return props.onText("", "");
        if (file.size > FILE_MAX) return setError(`${file.name} has ${formatCount(Math.ceil(file.size / 1024))} KiB; at most 128.`);
        void file.text().then((text) => props.onText(text, file.name));
      }} />
      <span class="hint">{props.name ? `Taken: ${props.name}` : props.hint}</span>
      <Show when={error()}><span class="error" role="alert">{error()}</span></Show>
    </div>
  );
}

export function SetupForm(props: { setup: Setup; onSetup: (s: Setup) => void; markets: readonly Market[]; problem: Problem | null; header: ScriptHeader }): JSX.Element {
  const set = (part: Partial<Setup>): void => props.onSetup({ ...props.setup, ...part });
  const main: Accessor<Market | undefined> = createMemo(() => props.markets.find((m) => keyOf(m) === props.setup.market));
  const finer = createMemo(() => props.markets.filter((m) => main() && m.symbol === main()!.symbol && minutes(m.timeframe) < minutes(main()!.timeframe)));
  const wantsSignals = () => props.header.callbacks.includes("on_signal");
  return (
    <Show when={props.markets.length} fallback={<Note tone="warn" title="There is no history to test on">The operator imports it with <code>perigee import</code>; it then appears here for everybody.</Note>}>
      <div class="studio-fields">
        <Select label="History" value={props.setup.market} onValue={(market) => set({ market, detail: "" })} problem={props.problem} pointer="/data/0"
          options={props.markets.map((m) => ({ value: keyOf(m), label: `${m.symbol} ${m.timeframe}, ${m.venue} (${m.live ? "newest bars" : `${formatCount(m.bars)} bars`})` }))}
          hint={main()?.live ? "A live market: its newest bars, at most 5,000" : main() ? `${formatDate(main()!.from_ms)} to ${formatDate(main()!.to_ms)}` : undefined} />
        <TextField label="From" type="date" value={props.setup.from} onValue={(from) => set({ from })} hint="Empty: from the beginning" />
        <TextField label="To" type="date" value={props.setup.to} onValue={(to) => set({ to })} hint="Empty: to the end" />
        <TextField label="Cash" numeric value={props.setup.cash} onValue={(cash) => set({ cash })} problem={props.problem} pointer="/config/cash" />
        <TextField label="Fee" numeric value={props.setup.fee} onValue={(fee) => set({ fee })} hint="Share of notional a side: 0.001 is 0.1 %" problem={props.problem} pointer="/config/fee" />
        <TextField label="Slippage" numeric unit="%" value={props.setup.slippage} onValue={(slippage) => set({ slippage })} hint="Of market orders and stops" problem={props.problem} pointer="/config/slippage_pct" />
        <TextField label="Leverage" numeric value={props.setup.leverage} onValue={(leverage) => set({ leverage })} problem={props.problem} pointer="/config/leverage" />
        <Select label="Fill model" value={props.setup.model} onValue={(m) => set({ model: m as Setup["model"] })} problem={props.problem} pointer="/config/fill_model"
          options={[{ value: "strict", label: "strict – believe this one" }, { value: "classic", label: "classic – touching a limit fills it" }, { value: "compat-backtesting", label: "as backtesting.py" }, { value: "compat-backtrader", label: "as backtrader" }]}
          hint="strict: a limit fills when the price trades through it" />
      </div>
      <details class="studio-more">
        <summary>Finer data, funding, signals, seed</summary>
        <div class="studio-fields">
          <Select label="Inside of bars" value={props.setup.detail} onValue={(detail) => set({ detail })} options={[{ value: "", label: finer().length ? "unknown: three guesses" : "no finer history of this symbol" }, ...finer().map((m) => ({ value: keyOf(m), label: `${m.timeframe} bars, ${m.venue}` }))]} hint="Finer bars say in which order prices came" />
          <TextField label="Seed" numeric value={props.setup.seed} onValue={(seed) => set({ seed })} hint="Of ctx:rand(): the same seed, the same run" problem={props.problem} pointer="/config/seed" />
          <TextFile label="Funding" name={props.setup.fundingName} hint="CSV with time,rate" onText={(funding, fundingName) => set({ funding, fundingName })} />
          <Show when={wantsSignals()}><TextFile label="Signals" name={props.setup.signalsName} hint="CSV, or a JSON object a line, for on_signal" onText={(signals, signalsName) => set({ signals, signalsName })} /></Show>
          <Checkbox label="One path only" hint="Three times as fast, without the adverse and favourable guess" checked={props.setup.single} onChecked={(single) => set({ single })} />
        </div>
      </details>
      <For each={otherStreams(props.header, {})}>{(s) => <p class="small muted">Stream <code>{s.stream}</code> runs on {s.symbol}{s.timeframe ? ` ${s.timeframe}` : ""} from the same history.</p>}</For>
    </Show>
  );
}
