// "Why?" – of an order, or of something that was denied. The service makes the run again from its journal up to the decision, and tells
// what the script saw, had in its variables and asked for; here that is read as an answer first, and stepped through like a debugger.
import { createMemo, createSignal, For, Match, onCleanup, Show, Switch, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { Problem, toProblem } from "~/api/problem";
import { useChannel } from "~/api/live";
import { formatDateTime, formatDecimal, formatNumber } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Badge, Dialog, ErrorNote, Icon, Money, Note, Price, Quantity, Skeleton, Time } from "~/ui";
import { CODES } from "./codes";
import type { BotData, Decision } from "./data";
import { orderTone, orderWords } from "./state";
import { Stepper } from "./stepper";
import { askingStep, differences, flat, moments, type Explanation } from "./trace";
import "./why.css";

type Replayed = Omit<NonNullable<Schemas["OrderWhy"]["replay"]>, "explanation"> & { explanation?: Explanation | null };

interface Answer {
  by: "script" | "engine" | "core" | "checks";
  decided_ms: number;
  order: Schemas["BotOrder"] | null;
  fills: Schemas["BotFill"][];
  denials: Decision[];
  replay: Replayed | null;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

// What never became an order has none to ask about: its instant is replayed.
async function ofDenial(data: BotData, id: number, given: () => boolean): Promise<Answer> {
  const d = data.denials.items().find((x) => x.id === id) ?? data.decisions.items().find((x) => x.id === id);
  if (!d) throw new Problem(404, "not_found", "It is not among the decisions that are loaded", "Load more decisions, then ask again.");
  let r = await ok(api.POST("/api/v1/bots/{bot_id}/replay", { params: { path: data.path }, body: { run: d.run, to_ms: d.time_ms, explain_ms: d.time_ms } }));
  for (let wait = 150; r.state === "queued" || r.state === "running"; wait = Math.min(wait * 1.5, 1500)) {
    await pause(wait);
    if (given()) throw new Problem(0, "cancelled", "Cancelled", "");
    r = await ok(api.GET("/api/v1/bots/{bot_id}/replays/{replay_id}", { params: { path: { ...data.path, replay_id: r.id } } }));
  }
  if (r.state !== "done" || !r.result) throw new Problem(409, "conflict", "The run could not be made again", r.error ?? "");
  return { by: "checks", decided_ms: d.time_ms, order: null, fills: [], denials: [d], replay: { run: r.result.run, same: r.result.same ?? true, explanation: r.result.explanation ?? null } as Replayed };
}

export function Why(props: { data: BotData; of: string; onClose: () => void }): JSX.Element {
  let over = false;
  const [progress, setProgress] = createSignal(0);
  const denial = /^denial:(\d+)$/.exec(props.of);
  const path = { ...props.data.path, order_id: props.of };
  const [answer, { refetch }] = createResource(async (): Promise<Answer> => {
    if (denial) return ofDenial(props.data, Number(denial[1]), () => over);
    return (await ok(api.GET("/api/v1/bots/{bot_id}/orders/{order_id}/why", { params: { path } }))) as Answer;
  });
  useChannel(`bot:${props.data.id}`, { events: (events) => {
    const told = events.filter((e) => e.type === "why" && (e.data as { order: string }).order === props.of).at(-1);
    if (told) setProgress((told.data as { progress: number }).progress);
  } });
  onCleanup(() => {
    over = true;
    // Whoever closes it does not wait for it any more.
    if (answer.loading && !denial) void ok(api.DELETE("/api/v1/bots/{bot_id}/orders/{order_id}/why", { params: { path } })).catch(() => undefined);
  });
  const title = (): string => {
    const a = answer.latest;
    if (a?.order) return `Why: ${orderWords(a.order)}`;
    if (a) return "Why was it denied?";
    return "Why?";
  };
  return (
    <Dialog drawer class="why" title={title()} onClose={props.onClose}>
      <Switch>
        <Match when={answer.state === "errored"}><ErrorNote problem={toProblem(answer.error)} what="It cannot be explained" onRetry={() => void refetch()} /></Match>
        <Match when={answer.latest}>{(a) => <Explained data={props.data} answer={a()} />}</Match>
        <Match when={true}>
          <p class="row" role="status"><span class="spinner" aria-hidden="true" />Making the run again from its journal, up to this decision…{progress() > 0 ? ` ${Math.round(progress() * 100)} %` : ""}</p>
          <Skeleton lines={3} height={22} /><Skeleton lines={1} height={260} />
        </Match>
      </Switch>
    </Dialog>
  );
}

const CALLBACKS: Record<string, string> = { on_bar: "a bar ended", on_data: "a bar of another stream ended", on_fill: "an order was filled", on_order: "an order changed", on_signal: "a signal came", on_timer: "a timer rang", on_tick: "a trade happened", on_position: "its position changed", on_init: "it began", on_day: "the risk day turned", on_risk: "something was denied or halted", on_params: "its parameters changed", on_stop: "it was told to stop" };

function Sentence(props: { answer: Answer; source: string | null }): JSX.Element {
  const a = () => props.answer, e = () => a().replay?.explanation;
  const bar = () => e()?.bars[0] as { stream?: string; close?: string; symbol?: string } | undefined;
  const line = createMemo(() => {
    const steps = moments(e()?.trace ?? []), at = askingStep(steps, props.source, a().order?.tag);
    return at >= 0 ? steps[at]!.line : undefined;
  });
  return (
    <div class="why-answer stack-s">
      <Switch>
        <Match when={a().by === "core"}><p>Its script did not ask for it: <strong>the core imposed it</strong>{a().order?.reason && a().order!.reason !== "NONE" ? <>, with the reason <code>{a().order!.reason}</code></> : null}. Kill switch, limits and flattening act without asking scripts.</p></Match>
        <Match when={a().by === "engine"}><p>The engine made it <strong>together with order #{a().order?.parent ?? "?"}</strong>, as the stop or take-profit that its script gave that order. What led to that one is below.</p></Match>
        <Match when={true}>
          <p>
            {formatDateTime(a().decided_ms)}: <Show when={e()?.callback} fallback={<>its script asked for it</>}>{(c) => <>{CALLBACKS[c()] ?? "its script was called"}, and <code>{c()}</code> asked for it<Show when={line()}>{(n) => <> in line <strong class="num">{n()}</strong></>}</Show></>}</Show>
            <Show when={a().order?.tag}>{(t) => <>, tagged “{t()}”</>}</Show>.
            <Show when={bar()?.close}>{(c) => <> {bar()!.symbol} had closed at <strong class="num">{formatDecimal(c())}</strong>.</>}</Show>
          </p>
        </Match>
      </Switch>
      <For each={a().denials}>{(d) => <Denial decision={d} />}</For>
      <Show when={a().replay}>
        {(r) => <div class="row"><Show when={r().same} fallback={<Badge tone="bad">The replay differs from the record</Badge>}><Badge tone="good">Made again: it decided exactly as recorded</Badge></Show></div>}
      </Show>
      <Show when={a().replay && !a().replay!.same && (a().replay!.failure || a().replay!.difference)}><Note tone="warn"><p class="break">{a().replay!.failure ?? JSON.stringify(a().replay!.difference)}</p></Note></Show>
    </div>
  );
}

function Denial(props: { decision: Decision }): JSX.Element {
  const d = () => props.decision;
  return (
    <Note tone="bad" title={<>Denied: <code>{d().code}</code></>}>
      <Show when={d().code && CODES[d().code!]}>{(t) => <p>{t()}</p>}</Show>
      <dl class="denial small">
        <Show when={d().text}><dt class="muted">What</dt><dd class="break">{d().text}</dd></Show>
        <Show when={d().level}><dt class="muted">Whose limit</dt><dd>{d().level}{d().rule ? `, rule ${d().rule}` : ""}</dd></Show>
        <Show when={d().value}><dt class="muted">It was</dt><dd class="num strong">{formatDecimal(d().value)}</dd></Show>
        <Show when={d().limit}><dt class="muted">Against</dt><dd class="num strong">{formatDecimal(d().limit)}</dd></Show>
        <Show when={d().until_ms}><dt class="muted">Until</dt><dd><Time ms={d().until_ms} /></dd></Show>
        <Show when={d().by}><dt class="muted">By</dt><dd>{d().by === "checks" ? "the checks beside its script, before it was an order" : "the core, before anything was sent"}</dd></Show>
      </dl>
    </Note>
  );
}

function Fate(props: { answer: Answer }): JSX.Element {
  const o = () => props.answer.order;
  return (
    <Show when={o()}>
      {(order) => (
        <section>
          <h3>What became of it</h3>
          <ol class="timeline">
            <li class="info"><div>Decided, for <Quantity value={order().qty} /> {order().symbol}{order().limit ? <> at <Price value={order().limit} /></> : ""}{order().trigger ? <>, triggered at <Price value={order().trigger} /></> : ""}</div><div class="when"><Time ms={order().decided_ms} /></div></li>
            <For each={props.answer.fills}>
              {(f) => <li class="good"><div>Filled <Quantity value={f.qty} /> at <Price value={f.price} /> <span class="muted small">{f.maker ? "maker" : "taker"}, fee <Money value={f.fee} />{f.slippage && f.slippage !== "0" ? <>, slippage <Money value={f.slippage} /></> : ""}{f.ambiguous ? ", the bar alone does not tell the order of prices" : ""}</span></div><div class="when"><Time ms={f.time_ms} /></div></li>}
            </For>
            <li class={orderTone(order().status)}><div class="row"><Badge tone={orderTone(order().status)}>{order().status}</Badge><Show when={order().reason && order().reason !== "NONE"}><span>{order().reason}</span></Show></div><div class="when"><Time ms={order().ended_ms ?? order().updated_ms} /></div></li>
          </ol>
        </section>
      )}
    </Show>
  );
}

function Inputs(props: { e: Explanation }): JSX.Element {
  const now = createMemo(() => flat(props.e.indicators)), before = createMemo(() => flat(props.e.indicators_before));
  type Bar = { stream: string; symbol: string; open_ms: number; open: string; high: string; low: string; close: string; volume: number | null };
  return (
    <section>
      <h3>What it saw</h3>
      <For each={props.e.bars as unknown as Bar[]}>
        {(b) => <p class="small"><span class="muted">{b.stream} · {b.symbol} from {formatDateTime(b.open_ms)}:</span> O {formatDecimal(b.open)} H {formatDecimal(b.high)} L {formatDecimal(b.low)} C <strong>{formatDecimal(b.close)}</strong></p>}
      </For>
      <Show when={Object.keys(now()).length} fallback={<p class="small muted">It declares no indicators.</p>}>
        <table class="mini">
          <thead><tr><th scope="col">Indicator</th><th scope="col" class="right">a bar before</th><th scope="col" class="right">now</th><th scope="col" class="right"><span class="sr">change</span></th></tr></thead>
          <tbody>
            <For each={Object.entries(now())}>
              {([name, v]) => {
                const b = before()[name];
                const up = v != null && b != null ? Math.sign(v - b) : 0;
                return <tr><td class="mono">{name}</td><td class="right muted">{formatNumber(b, 6)}</td><td class="right strong">{formatNumber(v, 6)}</td><td class={`right ${up > 0 ? "up" : up < 0 ? "down" : "muted"}`}>{up > 0 ? "▲" : up < 0 ? "▼" : "="}<span class="sr">{up > 0 ? "rose" : up < 0 ? "fell" : "the same"}</span></td></tr>;
              }}
            </For>
          </tbody>
        </table>
      </Show>
    </section>
  );
}

function Changes(props: { title: string; before: Record<string, unknown> | null | undefined; after: Record<string, unknown> | null | undefined; none: string }): JSX.Element {
  const list = createMemo(() => differences(props.before, props.after));
  return (
    <section>
      <h3>{props.title}</h3>
      <Show when={list().length} fallback={<p class="small muted">{props.none}</p>}>
        <table class="mini">
          <thead><tr><th scope="col">Name</th><th scope="col" class="right">before</th><th scope="col" class="right">after</th></tr></thead>
          <tbody><For each={list()}>{(d) => <tr classList={{ changed: d.changed }}><td class="mono">{d.name}</td><td class="right muted">{d.before ?? "–"}</td><td class="right" classList={{ strong: d.changed }}>{d.after ?? "–"}</td></tr>}</For></tbody>
        </table>
      </Show>
    </section>
  );
}

function Facts(props: { title: string; of: Record<string, unknown> | undefined }): JSX.Element {
  const entries = () => Object.entries(props.of ?? {});
  return (
    <Show when={entries().length}>
      <details><summary>{props.title}</summary><table class="mini"><tbody><For each={entries()}>{([k, v]) => <tr><td class="mono">{k}</td><td class="right">{typeof v === "object" ? JSON.stringify(v) : String(v)}</td></tr>}</For></tbody></table></details>
    </Show>
  );
}

function Explained(props: { answer: Answer; data: BotData }): JSX.Element {
  const e = () => props.answer.replay?.explanation ?? null;
  // The text of the version that decided, which need not be the one that runs now.
  const version = () => props.answer.order?.version ?? props.data.bot().live?.version;
  const [source] = createResource(() => (e()?.trace.length && version()) || undefined, async (v) => {
    if (props.data.script.latest?.version === v && props.data.script.latest.source) return props.data.script.latest.source;
    const found = await ok(api.GET("/api/v1/strategies/{strategy_id}/versions/{version}", { params: { path: { strategy_id: props.data.bot().strategy_id, version: v } } })).catch(() => null);
    return found?.source ?? null;
  });
  type Other = { id: number; side?: string; symbol: string; type: string; status: string; qty: string; limit: string | null; trigger: string | null };
  return (
    <>
      <Sentence answer={props.answer} source={source.latest ?? null} />
      <div class="why-cols">
        <Fate answer={props.answer} />
        <Show when={e()}>{(x) => <Inputs e={x()} />}</Show>
      </div>
      <Show when={e()}>
        {(x) => (
          <>
            <Show when={x().trace.length} fallback={<Show when={props.answer.by === "script"}><Note title="No step of its own led to it"><p>A ladder that its script set up earlier placed it as part of what the engine keeps placed; the state and orders around it are below.</p></Note></Show>}>
              <Show when={!props.data.offered()} fallback={<Note title="The steps through its text are not shown"><p>Its script is one of this installation's own, and its text stays with the operators. What it saw, had in its memory and asked for is yours to see.</p></Note>}>
                <section>
                  <h3>How it decided, step by step</h3>
                  <Stepper trace={x().trace} source={source.latest ?? null} cut={x().cut} tag={props.answer.order?.tag} />
                </section>
              </Show>
            </Show>
            <div class="why-cols">
              <Changes title="Its memory (ctx.state)" before={x().state_before} after={x().state_after} none="It keeps nothing." />
              <section>
                <h3>What it did in this instant</h3>
                <Show when={x().commands.length} fallback={<p class="small muted">Nothing.</p>}><ul class="stack-s small mono"><For each={x().commands}>{(c) => <li class="break"><Icon name="right" size={12} class="inline" /> {c}</li>}</For></ul></Show>
                <For each={(x().denied ?? []) as { code?: string; text?: string }[]}>{(d) => <p class="small down break">denied: {d.code} {d.text}</p>}</For>
              </section>
            </div>
            <div class="why-cols">
              <div class="stack-s">
                <Facts title="Parameters" of={x().params} />
                <Facts title="Its account" of={x().account} />
              </div>
              <div class="stack-s">
                <Show when={(x().orders ?? []).length}>
                  <details><summary>Its other orders then ({(x().orders ?? []).length})</summary><table class="mini"><tbody><For each={(x().orders ?? []) as unknown as Other[]}>{(o) => <tr><td class="num">#{o.id}</td><td>{orderWords(o)}</td><td class="right">{o.status}</td></tr>}</For></tbody></table></details>
                </Show>
                <Show when={(x().positions ?? []).length}>
                  <details><summary>Its positions then</summary><table class="mini"><tbody><For each={(x().positions ?? []) as unknown as { symbol: string; qty: string; avg: string }[]}>{(p) => <tr><td>{p.symbol}</td><td class="right">{formatDecimal(p.qty, { signed: true })}</td><td class="right">at {formatDecimal(p.avg)}</td></tr>}</For></tbody></table></details>
                </Show>
              </div>
            </div>
          </>
        )}
      </Show>
      <Show when={!e() && props.answer.by !== "core"}><Note tone="warn"><p>The instant itself could not be told: its records are gone, or the replay ended before.</p></Note></Show>
    </>
  );
}
