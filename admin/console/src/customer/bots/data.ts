// Everything of one bot that its page shows, kept up to date: read once subscribed, then changed by events; read again where events
// were missed or tell too little.
import { createMemo, createSignal, onCleanup, type Accessor } from "solid-js";
import { createStore, produce, reconcile } from "solid-js/store";
import { api, ok, okTagged, type Schemas } from "~/api/client";
import { useChannel, type LiveEvent } from "~/api/live";
import type { ScriptHeader } from "~/lib/params";
import { createResource } from "~/lib/resource";
import { candle, type Candle, type Point } from "~/ui/chart";
import { applyToBot } from "./list";
import type { Bot } from "./state";

export type Order = Schemas["BotOrder"];
export type Fill = Schemas["BotFill"];
export type Trade = Schemas["BotTrade"];
export type Log = Schemas["BotLog"];
export type Decision = Schemas["BotDecision"];

const PLOT_POINTS = 5000, BARS = 1000, FILLS = 400;
const LOADED_MAX = 2000; // rows of a list that was gone back in; it begins anew beyond

/** The newest points, cut a tenth at a time: a chart draws anew what begins elsewhere than before. */
const newest = <T,>(points: readonly T[]): readonly T[] => (points.length > PLOT_POINTS * 1.1 ? points.slice(-PLOT_POINTS) : points);

/** A list of the bot, newest first: the first page again after events, more on request. A bot that trades all day costs its page no more
 *  than one that began now: what was not asked for goes as new ones come. */
export interface Listing<T> {
  items: Accessor<readonly T[]>;
  state: Accessor<"loading" | "ready" | "errored">;
  error: Accessor<unknown>;
  more: Accessor<{ busy: boolean; load: () => void } | null>;
  refresh: () => void;
}

function createListing<T extends object>(page: (cursor: string | undefined) => Promise<{ items: T[]; next_cursor: string | null }>, name: "id" | "number", wanted: Accessor<boolean>, keep = 0): Listing<T> {
  const key = (row: T): unknown => (row as Record<string, unknown>)[name];
  const [rows, setRows] = createStore<{ list: T[] }>({ list: [] });
  const items = createMemo((): readonly T[] => [...rows.list]);
  const setItems = (list: readonly T[]): void => setRows("list", reconcile([...list], { key: name })); // rows that stayed the same are the same
  const [cursor, setCursor] = createSignal<string | null>(null);
  const [busy, setBusy] = createSignal(false);
  let back = false; // more than the first page was asked for
  const [first, { refetch }] = createResource(() => wanted() || undefined, async () => {
    const p = await page(undefined);
    // What was asked for beyond the first page stays, as long as nothing lies between.
    const fresh = new Set(p.items.map(key)), old = items().filter((r) => !fresh.has(key(r)));
    const joined = old.length < items().length && p.items.length + old.length <= (back ? LOADED_MAX : Infinity);
    if (joined && back) setItems([...p.items, ...old]);
    else {
      back = false;
      setItems(joined ? [...p.items, ...old].slice(0, Math.max(keep, p.items.length)) : p.items);
      setCursor(p.next_cursor);
    }
    return true;
  });
  const load = async (): Promise<void> => {
    setBusy(true);
    try {
      const p = await page(cursor() ?? undefined);
      const have = new Set(items().map(key));
      back = true;
      setItems([...items(), ...p.items.filter((r) => !have.has(key(r)))]);
      setCursor(p.next_cursor);
    } finally {
      setBusy(false);
    }
  };
  return {
    items, error: () => first.error as unknown, refresh: () => void refetch(),
    state: () => (first.state === "errored" ? "errored" : first.latest ? "ready" : "loading"),
    more: () => (cursor() ? { busy: busy(), load: () => void load() } : null),
  };
}

/** At most once in so many ms, the last call included. */
function calm(run: () => void, ms: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined, last = 0;
  onCleanup(() => clearTimeout(timer));
  return () => {
    clearTimeout(timer);
    const wait = Math.max(0, last + ms - Date.now());
    timer = setTimeout(() => {
      last = Date.now();
      run();
    }, wait);
  };
}

export type Tab = "orders" | "trades" | "decisions" | "logs" | "stats" | "setup" | "whatif";

export function createBot(id: string, tab: Accessor<Tab>) {
  const path = { bot_id: id };
  const [state, setState] = createStore<{ bot: Bot | null; etag: string }>({ bot: null, etag: "" });
  const [loaded, { refetch }] = createResource(async () => {
    const { data, etag } = await okTagged(api.GET("/api/v1/bots/{bot_id}", { params: { path } }));
    setState({ etag });
    setState("bot", reconcile(data, { key: "id" }));
    return true;
  });
  const known = (): boolean => state.bot !== null;
  const bot = (): Bot => state.bot!;
  const setBot = (changed: Bot): void => {
    setState("bot", reconcile(changed, { key: "id" }));
    void refetch();
  };

  const query = (cursor: string | undefined, limit = 100) => ({ params: { path, query: { limit, cursor } } });
  const orders = createListing<Order>((c) => ok(api.GET("/api/v1/bots/{bot_id}/orders", query(c))), "id", () => true);
  const fills = createListing<Fill>((c) => ok(api.GET("/api/v1/bots/{bot_id}/fills", query(c, 200))), "number", () => true, FILLS);
  const trades = createListing<Trade>((c) => ok(api.GET("/api/v1/bots/{bot_id}/trades", query(c))), "number", () => tab() === "trades");
  const decisions = createListing<Decision>((c) => ok(api.GET("/api/v1/bots/{bot_id}/decisions", query(c))), "id", () => tab() === "decisions");
  const denials = createListing<Decision>((c) => ok(api.GET("/api/v1/bots/{bot_id}/decisions", { params: { path, query: { limit: 100, cursor: c, kind: "deny" } } })), "id", () => true);
  const logs = createListing<Log>((c) => ok(api.GET("/api/v1/bots/{bot_id}/logs", query(c, 200))), "number", () => tab() === "logs");
  const [stats, { refetch: statsAgain }] = createResource(() => ok(api.GET("/api/v1/bots/{bot_id}/stats", { params: { path } })));

  // ---- what the chart draws
  const [bars, setBars] = createSignal<readonly Candle[]>([]);
  const [equity, setEquity] = createSignal<readonly Point[]>([]);
  const [plots, setPlots] = createSignal<ReadonlyMap<string, readonly Point[]>>(new Map());
  const [barsRead, { refetch: barsAgain }] = createResource(() => known() && { symbol: bot().symbol, timeframe: bot().timeframe, venue: bot().venue }, async ({ symbol, timeframe, venue }) => {
    const list = await ok(api.GET("/api/v1/markets/{symbol}/bars", { params: { path: { symbol }, query: { timeframe, venue, limit: BARS } } }));
    setBars(list.items.map(candle));
    return true;
  });
  const [, { refetch: equityAgain }] = createResource(async () => {
    const e = await ok(api.GET("/api/v1/bots/{bot_id}/equity", { params: { path, query: { points: 1000 } } }));
    setEquity(e.items.map((p) => ({ time: p.time_ms, value: Number(p.equity) })));
    return true;
  });

  // ---- events
  const botAgain = calm(() => void refetch(), 1000);
  const listsAgain = calm(() => {
    orders.refresh();
    fills.refresh();
    if (tab() === "trades") trades.refresh();
  }, 1500);
  const figuresAgain = calm(() => void statsAgain(), 5000); // the service adds up all trades for them
  const deniedAgain = calm(() => denials.refresh(), 1500);
  const logsAgain = calm(() => logs.refresh(), 1000);
  const decisionsAgain = calm(() => decisions.refresh(), 2000);
  const addPoints = (events: LiveEvent[]): void => {
    const e = events.filter((x) => x.type === "equity").map((x) => x.data as { equity: string; time: number });
    if (e.length) setEquity((list) => newest([...list.filter((p) => p.time < e[0]!.time), ...e.map((p) => ({ time: p.time, value: Number(p.equity) }))]));
    const p = events.filter((x) => x.type === "plot").map((x) => x.data as { name: string; value: number; time: number });
    if (!p.length) return;
    setPlots((before) => {
      const next = new Map(before);
      for (const point of p) next.set(point.name, newest([...(next.get(point.name) ?? []), { time: point.time, value: point.value }]));
      return next;
    });
  };
  // Plots are told as they come and kept nowhere: those of before are made again, by a replay of the bars that are shown.
  const [plotsState, setPlotsState] = createSignal<"none" | "busy" | "done">("none");
  const loadPlots = async (): Promise<void> => {
    setPlotsState("busy");
    try {
      const from = Math.max(bars()[0]?.time ?? 1, 1);
      let r = await ok(api.POST("/api/v1/bots/{bot_id}/replay", { params: { path }, body: { from_ms: from, plots: true, verify: true } }));
      for (let wait = 150; r.state === "queued" || r.state === "running"; wait = Math.min(wait * 1.5, 2000)) {
        await new Promise((done) => setTimeout(done, wait));
        r = await ok(api.GET("/api/v1/bots/{bot_id}/replays/{replay_id}", { params: { path: { ...path, replay_id: r.id } } }));
      }
      if (r.state !== "done") throw new Error(r.error ?? "The run could not be made again.");
      setPlots((now) => {
        const next = new Map(now);
        for (const [name, points] of Object.entries(r.result?.plots ?? {})) {
          const told = next.get(name) ?? [], first = told[0]?.time ?? Infinity;
          next.set(name, [...points.map(([time, value]): Point => ({ time: time!, value: value! })).filter((p) => p.time < first), ...told].slice(-PLOT_POINTS));
        }
        return next;
      });
      setPlotsState("done");
    } catch (e) {
      setPlotsState("none");
      throw e;
    }
  };
  useChannel(`bot:${id}`, {
    reload: () => {
      void refetch();
      listsAgain();
      figuresAgain();
      deniedAgain();
      void equityAgain();
    },
    events: (events) => {
      if (state.bot) setState("bot", produce((b) => events.forEach((e) => applyToBot(b!, e))));
      addPoints(events);
      const types = new Set(events.map((e) => e.type));
      if (["status", "reload", "fill", "canary"].some((t) => types.has(t))) botAgain();
      if (types.has("order") || types.has("fill")) listsAgain();
      if (types.has("fill")) figuresAgain();
      if (types.has("denied")) deniedAgain();
      if (types.has("log") && tab() === "logs") logsAgain();
      if (tab() === "decisions" && ["order", "denied", "status", "reload"].some((t) => types.has(t))) decisionsAgain();
    },
  });
  // The market's channel has a name once the bot is known.
  const followMarket = (): void => {
    const b = bot();
    useChannel(`market:${b.symbol}:${b.timeframe}`, {
      reload: () => barsRead.state === "ready" && void barsAgain(),
      events: (events) => {
        const fresh = events.filter((e) => e.type === "bar" && (e.data as { venue?: string }).venue === b.venue).map((e) => candle(e.data as Parameters<typeof candle>[0]));
        if (fresh.length) setBars((list) => newest([...list.filter((x) => x.time < fresh[0]!.time), ...fresh]));
      },
    });
  };
  const slow = setInterval(() => !document.hidden && botAgain(), 15_000);
  onCleanup(() => clearInterval(slow));

  // ---- its script: header for the form, source for "why"
  const [script] = createResource(() => known() && { strategy_id: bot().strategy_id, version: bot().live?.version ?? bot().version ?? null }, async ({ strategy_id, version }) => {
    const known = version ?? (await ok(api.GET("/api/v1/strategies/{strategy_id}", { params: { path: { strategy_id } } }))).active_version ?? 1;
    return await ok(api.GET("/api/v1/strategies/{strategy_id}/versions/{version}", { params: { path: { strategy_id, version: known } } })).catch(() => null); // deleted, it may be
  });
  const header = (): ScriptHeader | null => (script.latest?.header as ScriptHeader | null | undefined) ?? null;

  /** One of the installation's: its header is told, its text is not. */
  const offered = (): boolean => !!script.latest && script.latest.source === undefined;

  return { offered, id, path, loaded, bot, setBot, etag: () => state.etag, refresh: () => void refetch(), orders, fills, trades, decisions, denials, logs, stats, bars, barsRead, equity, plots, script, header, followMarket, plotsState, loadPlots };
}
export type BotData = ReturnType<typeof createBot>;
