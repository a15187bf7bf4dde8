// "What if?": the bot's run up to a moment, and from there with other parameters or another version, on the same bars, on paper, made in a
// jail; what it would have come to stands beside what it came to. Earlier ones are kept with the bot.
import { createEffect, createMemo, createSignal, For, on, onCleanup, Show, type JSX } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { api, ok, type Schemas } from "~/api/client";
import { useChannel } from "~/api/live";
import { ParamForm } from "~/customer/params/form";
import { useAction } from "~/lib/action";
import { parse, sub, toText } from "~/lib/decimal";
import { formatCount, formatDateTime, formatDecimal } from "~/lib/format";
import { toTexts, toValues, type ParamTexts } from "~/lib/params";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, Empty, ErrorNote, Load, Money, Note, Panel, Percent, Select, Skeleton, Stat, toastProblem } from "~/ui";
import { Chart, type ChartSeries, type Point } from "~/ui/chart";
import type { BotData } from "./data";
import "./whatif.css";

type Replay = Schemas["Replay"];
type Figures = Schemas["RunFigures"];

const open = (r: Replay): boolean => r.state === "queued" || r.state === "running";
const HOW = {
  nothing: "Nothing was changed: both are the same run.",
  live: "The parameters changed under the running script, as their owner would change them.",
  restart: "The changed script took over, with its state, as a reload does.",
} as const;

/** What was asked for, in a line. */
function wishWords(r: Replay): string {
  const q = r.request as { from_ms?: number; params?: Record<string, unknown>; version?: number };
  const what = [q.version ? `version ${q.version}` : "", ...Object.entries(q.params ?? {}).map(([k, v]) => `${k} = ${String(v)}`)].filter(Boolean).join(", ");
  return `${what || "nothing changed"}, from ${formatDateTime(q.from_ms)}`;
}

function Row(props: { name: string; live: JSX.Element; forked: JSX.Element; better?: JSX.Element }): JSX.Element {
  return <tr><th scope="row">{props.name}</th><td class="right">{props.live}</td><td class="right strong">{props.forked}</td><td class="right">{props.better}</td></tr>;
}

const less = (a: string | undefined, b: string | undefined): string | null => {
  const x = parse(a ?? ""), y = parse(b ?? "");
  return x && y ? toText(sub(x, y)) : null;
};

function Outcome(props: { replay: Replay }): JSX.Element {
  const r = () => props.replay.result!;
  const live = () => r().live as Figures, forked = () => r().forked as Figures;
  const series = createMemo((): ChartSeries[] => {
    const points = (r().equity ?? []) as [number, number, number][];
    const line = (at: 1 | 2): Point[] => points.map((p) => ({ time: p[0], value: p[at] }));
    return [
      { id: "live", kind: "line", title: "as it was", color: "--text-3", places: 2, data: line(1) },
      { id: "forked", kind: "line", title: "what if", color: "--chart-1", places: 2, data: line(2) },
    ];
  });
  const gained = () => less(forked().pnl, live().pnl);
  return (
    <div class="stack">
      <Show when={r().same} fallback={<Note tone="info" title={HOW[r().how ?? "nothing"]}><p class="small">They part at {formatDateTime(r().difference?.time_ms)}. Prices are those that were: what its orders would have moved is not in them.</p></Note>}>
        <Note tone="good" title="It decides the same from there on"><p class="small">{HOW[r().how ?? "nothing"]} Every decision is the live one.</p></Note>
      </Show>
      <div class="tiles">
        <Stat name="Difference" note="of the profit since then"><Money value={gained()} signed /></Stat>
        <Stat name="As it was" note={`${formatCount(live().trades)} trades`}><Money value={live().pnl} signed /></Stat>
        <Stat name="What if" note={`${formatCount(forked().trades)} trades`}><Money value={forked().pnl} signed /></Stat>
      </div>
      <Show when={(r().equity ?? []).length > 1}><Chart label="Equity as it was and as it would have been" height={260} series={series()} fit /></Show>
      <div class="whatif-scroll" tabindex="0" role="region" aria-label="Figures of both">
        <table class="mini whatif-figures">
          <thead><tr><th scope="col">Since {formatDateTime(r().at_ms ?? r().from_ms)}</th><th scope="col" class="right">As it was</th><th scope="col" class="right">What if</th><th scope="col" class="right">Difference</th></tr></thead>
          <tbody>
            <Row name="Profit" live={<Money value={live().pnl} signed />} forked={<Money value={forked().pnl} signed />} better={<Money value={gained()} signed />} />
            <Row name="Equity at the end" live={<Money value={live().equity_end} />} forked={<Money value={forked().equity_end} />} better={<Money value={less(forked().equity_end, live().equity_end)} signed />} />
            <Row name="Deepest fall" live={<Percent value={live().max_drawdown_pct} />} forked={<Percent value={forked().max_drawdown_pct} />} />
            <Row name="Trades" live={formatCount(live().trades)} forked={formatCount(forked().trades)} better={formatDecimal(String(forked().trades - live().trades), { signed: true })} />
            <Row name="Won" live={formatCount(live().wins)} forked={formatCount(forked().wins)} />
            <Row name="Fills" live={formatCount(live().fills)} forked={formatCount(forked().fills)} better={formatDecimal(String(forked().fills - live().fills), { signed: true })} />
            <Row name="Fees" live={<Money value={live().fees} />} forked={<Money value={forked().fees} />} better={<Money value={less(forked().fees, live().fees)} signed />} />
          </tbody>
        </table>
      </div>
      <Show when={r().difference}>
        {(d) => (
          <details>
            <summary>The first decision that differs</summary>
            <div class="cols-2 pad-top">
              <div class="stack-s"><span class="tiny muted">As it was</span><code class="small break">{d().live || "nothing"}</code></div>
              <div class="stack-s"><span class="tiny muted">What if</span><code class="small break">{d().forked || "nothing"}</code></div>
            </div>
          </details>
        )}
      </Show>
      <Show when={r().left_out}><p class="small muted">{formatCount(r().left_out)} decisions of the core about the live run were not repeated: they answered what only that run did.</p></Show>
    </div>
  );
}

export function WhatIf(props: { data: BotData }): JSX.Element {
  const d = props.data;
  const specs = () => d.header()?.params ?? [];
  const [texts, setTexts] = createStore<ParamTexts>({});
  createEffect(on(() => [specs(), d.bot().revision] as const, () => setTexts(reconcile(toTexts(specs(), d.bot().params ?? {})))));
  const change = () => toValues(specs(), texts, d.bot().params ?? {});
  // Where it forks: an instant that the run has, as far back as the equity curve goes.
  const times = createMemo(() => [...new Set(d.equity().map((p) => p.time))].filter((t) => t > 0));
  const [at, setAt] = createSignal<number | null>(null); // place in times; null: the middle, until somebody chooses
  const place = () => Math.min(at() ?? Math.floor(times().length / 2), Math.max(times().length - 1, 0));
  const moment = () => times()[place()];
  const [version, setVersion] = createSignal("");
  const [versions] = createResource(() => d.bot().strategy_id, (strategy_id) => ok(api.GET("/api/v1/strategies/{strategy_id}/versions", { params: { path: { strategy_id }, query: { limit: 50 } } })).catch(() => null));

  const path = (id: string) => ({ path: { ...d.path, replay_id: id } });
  const [list, { refetch }] = createResource(async () => (await ok(api.GET("/api/v1/bots/{bot_id}/replays", { params: { path: d.path, query: { limit: 50 } } }))).items.filter((r) => r.kind === "what_if"));
  const [shownId, setShown] = createSignal<string | null>(null);
  const [shown, { refetch: shownAgain, mutate }] = createResource(shownId, (id) => ok(api.GET("/api/v1/bots/{bot_id}/replays/{replay_id}", { params: path(id) })));
  const again = (): void => {
    void refetch();
    if (shownId()) void shownAgain();
  };
  const [progress, setProgress] = createSignal(0);
  useChannel(`bot:${d.id}`, { events: (events) => {
    const told = events.filter((e) => e.type === "replay" && (e.data as { id: string }).id === shownId()).at(-1)?.data as { state: string; progress?: number } | undefined;
    if (!told) return;
    setProgress(told.progress ?? 0);
    if (told.state !== "queued" && told.state !== "running") again();
  } });
  // What is told on the stream may be told before the page listens.
  const timer = setInterval(() => shown.state === "ready" && open(shown()) && again(), 1500);
  onCleanup(() => clearInterval(timer));

  const ask = useAction(async () => {
    setProgress(0);
    const made = await ok(api.POST("/api/v1/bots/{bot_id}/what-if", { params: { path: d.path }, body: { from_ms: moment()!, params: change().values, ...(version() ? { version: Number(version()) } : {}) } }));
    mutate(made);
    setShown(made.id);
    void refetch();
  });
  const forget = async (r: Replay): Promise<void> => {
    try {
      await ok(api.DELETE("/api/v1/bots/{bot_id}/replays/{replay_id}", { params: path(r.id) }));
      if (shownId() === r.id) setShown(null);
    } catch (e) {
      toastProblem("It could not be removed", e);
    }
    void refetch();
  };
  const ready = () => times().length > 1 && !!d.header();
  return (
    <div class="stack pad">
      <p class="muted">Up to a moment exactly what happened; from there with other parameters or another version, on the same bars and on paper. Nothing of it reaches the bot.</p>
      <Show when={ready()} fallback={<Empty icon="clock" title="Nothing to go back to yet" text="A run has to have seen a few bars first." />}>
        <form class="stack" onSubmit={ask.submit}>
          <Panel title="From when">
            <div class="whatif-when">
              <input type="range" min={0} max={Math.max(times().length - 2, 0)} value={place()} aria-label="From when" aria-valuetext={formatDateTime(moment())} onInput={(e) => setAt(Number(e.currentTarget.value))} />
              <span class="num nowrap">{formatDateTime(moment())}</span>
            </div>
          </Panel>
          <Panel title="With what">
            <div class="stack">
              <Show when={(versions.latest?.items.length ?? 0) > 1}>
                <div class="param-grid"><Select label="Version" value={version()} onValue={setVersion} options={[{ value: "", label: "As it ran" }, ...(versions.latest?.items ?? []).filter((v) => v.state === "proven").map((v) => ({ value: String(v.version), label: `Version ${v.version}${v.active ? " (active)" : ""}${v.comment ? ` · ${v.comment}` : ""}` }))]} /></div>
              </Show>
              <ParamForm specs={specs()} texts={texts} onText={(name, text) => setTexts(name, text)} problem={ask.problem()} />
              <ErrorNote problem={ask.problem()} what="It could not be tried" />
              <div class="row">
                <Button type="submit" kind="primary" icon="play" busy={ask.busy()} disabled={Object.keys(change().errors).length > 0 || (!version() && !Object.keys(change().values).length)}>What if?</Button>
                <span class="small muted">{Object.keys(change().values).length || version() ? "It takes a moment: the run is made again from its journal." : "Change something first."}</span>
              </div>
            </div>
          </Panel>
        </form>
      </Show>
      <Show when={shownId()}>
        <Panel title={shown.latest ? wishWords(shown.latest) : "What if"}>
          <Load of={shown} retry={() => void shownAgain()}>
            {(r) => (
              <Show when={!open(r())} fallback={<div class="stack-s" role="status"><p class="row"><span class="spinner" aria-hidden="true" />Making the run again{progress() > 0 ? `: ${Math.round(progress() * 100)} %` : "…"}</p><Skeleton lines={4} /></div>}>
                <Show when={r().state === "done" && r().result} fallback={<Note tone="bad" title={r().state === "cancelled" ? "It was ended before it was done" : "It could not be made"}><p class="break">{r().error}</p></Note>}><Outcome replay={r()} /></Show>
              </Show>
            )}
          </Load>
        </Panel>
      </Show>
      <Show when={list.latest?.length}>
        <Panel title="Asked before" flush>
          <ul class="whatif-list">
            <For each={list.latest}>
              {(r) => (
                <li classList={{ chosen: r.id === shownId() }}>
                  <button type="button" aria-pressed={r.id === shownId()} onClick={() => setShown(r.id)}><span class="grow break">{wishWords(r)}</span><Show when={r.state !== "done"}><Badge tone={r.state === "failed" ? "bad" : "info"}>{r.state}</Badge></Show><span class="small muted nowrap"><Ago ms={r.created_at_ms} /></span></button>
                  <Button small kind="quiet" icon="trash" iconOnly onClick={() => void forget(r)}>Remove</Button>
                </li>
              )}
            </For>
          </ul>
        </Panel>
      </Show>
    </div>
  );
}
