// Which trades are meant: kept in the address, so that a view can be sent on and the back button works. Trades and analytics share it.
import { useSearchParams } from "@solidjs/router";
import { createMemo, Show, type JSX } from "solid-js";
import { api, all, ok } from "~/api/client";
import { createResource } from "~/lib/resource";
import { Button, Select, TextField } from "~/ui";

export interface TradeFilter {
  bot_id?: string;
  strategy_id?: string;
  account_id?: string;
  symbol?: string;
  side?: "long" | "short";
  result?: "win" | "loss";
  from_ms?: number;
  to_ms?: number;
}
type Field = "bot" | "strategy" | "account" | "symbol" | "side" | "result" | "time";
const KEYS = ["bot_id", "strategy_id", "account_id", "symbol", "side", "result", "from", "to"] as const;

const DAY = 86_400_000;
const dayMs = (text: unknown): number | undefined => {
  const ms = typeof text === "string" && /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return Number.isFinite(ms) ? ms : undefined;
};

export function useTradeFilter() {
  const [search, setSearch] = useSearchParams();
  const text = (k: (typeof KEYS)[number]): string => (typeof search[k] === "string" ? (search[k] as string) : "");
  const filter = createMemo((): TradeFilter => {
    const f: Record<string, string | number> = {};
    for (const k of ["bot_id", "strategy_id", "account_id", "symbol"] as const) if (text(k)) f[k] = text(k);
    if (text("side") === "long" || text("side") === "short") f.side = text("side");
    if (text("result") === "win" || text("result") === "loss") f.result = text("result");
    const from = dayMs(text("from")), to = dayMs(text("to"));
    if (from !== undefined) f.from_ms = from;
    if (to !== undefined) f.to_ms = to + DAY; // the day that is named belongs to it
    return f as TradeFilter;
  }, undefined, { equals: (a, b) => JSON.stringify(a) === JSON.stringify(b) });
  const set = (k: (typeof KEYS)[number], v: string): void => setSearch({ [k]: v || undefined }, { replace: true });
  const clear = (): void => setSearch(Object.fromEntries(KEYS.map((k) => [k, undefined])), { replace: true });
  return { filter, text, set, clear, any: () => KEYS.some((k) => text(k) !== "") };
}

export type TradeFilters = ReturnType<typeof useTradeFilter>;

export function FilterBar(props: { of: TradeFilters; fields: readonly Field[] }): JSX.Element {
  const f = props.of;
  const [names] = createResource(async () => {
    const [bots, accounts] = await Promise.all([
      all((cursor) => ok(api.GET("/api/v1/bots", { params: { query: { limit: 200, cursor } } })), 2000),
      all((cursor) => ok(api.GET("/api/v1/accounts", { params: { query: { limit: 200, cursor } } })), 1000),
    ]);
    const strategies = await all((cursor) => ok(api.GET("/api/v1/strategies", { params: { query: { limit: 200, cursor } } })), 1000);
    return { bots, accounts, strategies, symbols: [...new Set(bots.flatMap((b) => b.pairs ?? [b.symbol]))].sort() };
  });
  const has = (x: Field): boolean => props.fields.includes(x);
  const options = (list: { id: string; name: string }[] | undefined, all: string) => [{ value: "", label: all }, ...(list ?? []).map((x) => ({ value: x.id, label: x.name }))];
  return (
    <section class="panel filters" aria-label="Filters">
      <Show when={has("bot")}><Select label="Bot" value={f.text("bot_id")} onValue={(v) => f.set("bot_id", v)} options={options(names.latest?.bots, "All bots")} /></Show>
      <Show when={has("symbol")}><Select label="Symbol" value={f.text("symbol")} onValue={(v) => f.set("symbol", v)} options={[{ value: "", label: "All symbols" }, ...(names.latest?.symbols ?? []).map((s) => ({ value: s, label: s }))]} /></Show>
      <Show when={has("strategy")}><Select label="Strategy" value={f.text("strategy_id")} onValue={(v) => f.set("strategy_id", v)} options={options(names.latest?.strategies, "All strategies")} /></Show>
      <Show when={has("account")}><Select label="Account" value={f.text("account_id")} onValue={(v) => f.set("account_id", v)} options={options(names.latest?.accounts, "All accounts")} /></Show>
      <Show when={has("side")}><Select label="Side" value={f.text("side")} onValue={(v) => f.set("side", v)} options={[{ value: "", label: "Both" }, { value: "long", label: "Long" }, { value: "short", label: "Short" }]} /></Show>
      <Show when={has("result")}><Select label="Result" value={f.text("result")} onValue={(v) => f.set("result", v)} options={[{ value: "", label: "All" }, { value: "win", label: "Won" }, { value: "loss", label: "Not won" }]} /></Show>
      <Show when={has("time")}>
        <TextField label="From (UTC)" type="date" value={f.text("from")} onValue={(v) => f.set("from", v)} max={f.text("to") || undefined} />
        <TextField label="To (UTC)" type="date" value={f.text("to")} onValue={(v) => f.set("to", v)} min={f.text("from") || undefined} />
      </Show>
      <Show when={f.any()}><div class="field"><span class="label" aria-hidden="true">&nbsp;</span><Button kind="quiet" icon="close" onClick={f.clear}>Clear</Button></div></Show>
    </section>
  );
}
