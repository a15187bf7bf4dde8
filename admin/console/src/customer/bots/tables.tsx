// What the bot did, as tables: orders, trades, decisions, logs, figures. Everything that was decided can be asked "why?".
import { createSignal, For, Show, type JSX } from "solid-js";
import { formatDecimal, formatDuration } from "~/lib/format";
import { Ago, Badge, Button, Empty, ErrorState, Load, Money, Percent, Price, Quantity, Segmented, Skeleton, Stat, Table, Time, type BadgeTone, type Column } from "~/ui";
import type { BotData, Decision, Listing, Order, Trade } from "./data";
import { orderRef, orderTone, orderWords } from "./state";

type Ask = (ref: string) => void;

export function WhyButton(props: { onClick: () => void; label: string }): JSX.Element {
  return <button type="button" class="why-link" onClick={() => props.onClick()}>why?<span class="sr"> {props.label}</span></button>;
}

function Listed<T>(props: { of: Listing<T>; children: JSX.Element }): JSX.Element {
  return (
    <Show when={props.of.state() !== "errored"} fallback={<div style={{ padding: "16px" }}><ErrorState error={props.of.error()} onRetry={props.of.refresh} /></div>}>
      <Show when={props.of.state() === "ready" || props.of.items().length} fallback={<div style={{ padding: "16px" }}><Skeleton lines={6} /></div>}>{props.children}</Show>
    </Show>
  );
}

export function Orders(props: { data: BotData; onWhy: Ask }): JSX.Element {
  const [working, setWorking] = createSignal<"all" | "working">("all");
  const rows = () => props.data.orders.items().filter((o) => working() === "all" || o.ended_ms == null);
  const columns: readonly Column<Order>[] = [
    { id: "time", label: "Decided", kind: "number", right: false, value: (o) => o.decided_ms, cell: (o) => <Time ms={o.decided_ms} /> },
    { id: "what", label: "Order", lead: true, value: (o) => orderWords(o), cell: (o) => <span class="nowrap"><span class={o.side === "buy" ? "up strong" : "down strong"}>{o.side}</span> <Quantity value={o.qty} /> <span class="muted">{o.symbol}</span></span> },
    { id: "type", label: "Type", value: (o) => o.type, cell: (o) => <span class="nowrap">{o.type}{o.reduce ? <span class="muted small"> reduce</span> : ""}</span> },
    { id: "price", label: "Limit / trigger", kind: "decimal", value: (o) => o.limit ?? o.trigger, cell: (o) => <Price value={o.limit ?? o.trigger} /> },
    { id: "filled", label: "Filled", kind: "decimal", value: (o) => o.filled, cell: (o) => <Quantity value={o.filled} /> },
    { id: "avg", label: "Average", kind: "decimal", value: (o) => o.avg_price, cell: (o) => <Price value={o.avg_price} /> },
    { id: "status", label: "Status", value: (o) => `${o.status} ${o.reason ?? ""}`, cell: (o) => <span class="row"><Badge tone={orderTone(o.status)}>{o.status}</Badge><Show when={o.reason && o.reason !== "NONE"}><span class="small muted">{o.reason}</span></Show></span> },
    { id: "tag", label: "Tag", value: (o) => o.tag },
    { id: "why", label: "Why", bare: true, right: true, value: () => "", cell: (o) => <WhyButton onClick={() => props.onWhy(o.id)} label={`this order: ${orderWords(o)}`} /> },
  ];
  return (
    <Listed of={props.data.orders}>
      <Table label="Orders" rows={rows()} columns={columns} key={(o) => o.id} search="Search orders" csvName={`orders-${props.data.id}`} pageSize={50} more={props.data.orders.more()}
        tools={<Segmented label="Which" items={[{ value: "all", label: "All" }, { value: "working", label: "Working" }]} value={working()} onValue={setWorking} />}
        empty={<Empty icon="list" title={working() === "working" ? "No working orders" : "No orders yet"} text="As soon as its script asks for one it stands here, with the reason a click away." />} />
    </Listed>
  );
}

export function Trades(props: { data: BotData; onWhy: Ask }): JSX.Element {
  const columns: readonly Column<Trade>[] = [
    { id: "exit", label: "Closed", kind: "number", right: false, value: (t) => t.exit_ms, cell: (t) => <Time ms={t.exit_ms} /> },
    { id: "side", label: "Trade", lead: true, value: (t) => `${t.side} ${t.symbol}`, cell: (t) => <span class="nowrap"><span class={t.side === "long" ? "up strong" : "down strong"}>{t.side}</span> <Quantity value={t.qty} /> <span class="muted">{t.symbol}</span></span> },
    { id: "entry", label: "Entry", kind: "decimal", value: (t) => t.entry_price, cell: (t) => <Price value={t.entry_price} /> },
    { id: "out", label: "Exit", kind: "decimal", value: (t) => t.exit_price, cell: (t) => <Price value={t.exit_price} /> },
    { id: "held", label: "Held", kind: "number", value: (t) => (t.exit_ms ?? 0) - (t.entry_ms ?? 0), cell: (t) => <span class="num">{formatDuration((t.exit_ms ?? 0) - (t.entry_ms ?? 0))}</span> },
    { id: "pnl", label: "P&L", kind: "decimal", value: (t) => t.pnl, cell: (t) => <Money value={t.pnl} signed /> },
    { id: "fees", label: "Fees", kind: "decimal", value: (t) => t.fees, cell: (t) => <Money value={t.fees} /> },
    { id: "tags", label: "Tags", value: (t) => `${t.tag ?? ""} ${t.exit_tag ?? ""}`.trim(), cell: (t) => <span class="small muted nowrap">{[t.tag, t.exit_tag].filter(Boolean).join(" → ")}</span> },
    { id: "why", label: "Why", bare: true, right: true, value: () => "", cell: (t) => (
      <span class="nowrap"><Show when={orderRef(t.run, t.entry_order)}>{(ref) => <button type="button" class="why-link" onClick={() => props.onWhy(ref())}>in?<span class="sr"> why it went in</span></button>}</Show>
        <Show when={orderRef(t.run, t.exit_order)}>{(ref) => <button type="button" class="why-link" onClick={() => props.onWhy(ref())}>out?<span class="sr"> why it went out</span></button>}</Show></span>
    ) },
  ];
  return (
    <Listed of={props.data.trades}>
      <Table label="Trades" rows={props.data.trades.items()} columns={columns} key={(t) => String(t.number)} search="Search trades" csvName={`trades-${props.data.id}`} pageSize={50} more={props.data.trades.more()}
        empty={<Empty icon="trades" title="No trades yet" text="A trade is a round trip: from flat, or from one side, back again." />} />
    </Listed>
  );
}

const KINDS: Record<string, { label: string; tone: BadgeTone }> = {
  run: { label: "Run", tone: "good" }, resume: { label: "Resume", tone: "good" }, commands: { label: "Orders", tone: "accent" }, imposed: { label: "Core", tone: "warn" }, params: { label: "Parameters", tone: "info" },
  version: { label: "Version", tone: "info" }, signal: { label: "Signal", tone: "info" }, stop: { label: "Stop", tone: "neutral" }, deny: { label: "Denied", tone: "bad" }, halt: { label: "Halt", tone: "bad" },
  quarantine: { label: "Quarantine", tone: "bad" }, risk: { label: "Risk", tone: "bad" }, limits: { label: "Limits", tone: "info" }, clock: { label: "Timer", tone: "neutral" },
};

export function commandWords(c: NonNullable<Decision["commands"]>[number]): string {
  const rest = orderWords(c);
  return c.kind === "funding" ? `funding at rate ${c.rate}` : `${c.kind} ${c.order ? `#${c.order} ` : ""}${rest}${c.tag ? ` “${c.tag}”` : ""}${c.reason ? ` (${c.reason})` : ""}`;
}

export function decisionWords(d: Decision): string {
  switch (d.kind) {
    case "run": return `Began${d.version ? ` with version ${d.version}` : ""}.`;
    case "resume": return "Went on from its journal.";
    case "commands": case "imposed": return (d.commands ?? []).map(commandWords).join("; ");
    case "deny": return d.text ?? `${d.code}: ${d.rule ?? ""} ${d.value ?? ""} against ${d.limit ?? ""}`;
    case "params": return `Now ${Object.entries(d.params ?? {}).map(([k, v]) => `${k} = ${String(v)}`).join(", ")}.`;
    case "version": return `Version ${d.version_before ?? "?"} → ${d.version ?? "?"}.`;
    case "signal": return `${d.action ?? "signal"} ${d.symbol ?? ""} from ${d.source ?? "?"}`;
    case "limits": return `Limits: ${Object.entries(d.settings ?? {}).map(([k, v]) => `${k} ${typeof v === "object" ? JSON.stringify(v) : String(v)}`).join(", ") || "none"}.`;
    default: return d.text ?? d.reason ?? "";
  }
}

export function Decisions(props: { data: BotData; onWhy: Ask }): JSX.Element {
  const [kind, setKind] = createSignal("all");
  const source = () => (kind() === "deny" ? props.data.denials : props.data.decisions);
  const shown = () => source().items().filter((d) => kind() === "all" || kind() === "deny" || (kind() === "orders" ? d.kind === "commands" || d.kind === "imposed" : !["commands", "imposed", "deny", "clock"].includes(d.kind)));
  const first = (d: Decision) => (d.kind === "deny" ? (d.order ? orderRef(d.run, d.order) : `denial:${d.id}`) : d.kind === "commands" ? orderRef(d.run, d.commands?.find((c) => c.kind === "submit")?.order) : null);
  return (
    <Listed of={source()}>
      <div class="table-tools"><Segmented label="Which" items={[{ value: "all", label: "All" }, { value: "orders", label: "Orders" }, { value: "deny", label: "Denials" }, { value: "rest", label: "The rest" }]} value={kind()} onValue={setKind} /></div>
      <Show when={shown().length} fallback={<Empty icon="history" title={kind() === "deny" ? "Nothing was denied" : "Nothing decided yet"} />}>
        <ol class="timeline" style={{ padding: "16px" }}>
          <For each={shown()}>
            {(d) => {
              const k = KINDS[d.kind] ?? { label: d.kind, tone: "neutral" as const };
              return (
                <li class={k.tone}>
                  <div class="row"><Badge plain tone={k.tone}>{k.label}</Badge><Show when={d.code}><code class="small">{d.code}</code></Show><span class="when"><Time ms={d.time_ms} /></span><Show when={first(d)}>{(ref) => <WhyButton onClick={() => props.onWhy(ref())} label={decisionWords(d)} />}</Show></div>
                  <div class="break">{decisionWords(d)}</div>
                </li>
              );
            }}
          </For>
        </ol>
      </Show>
      <Show when={source().more()}>{(m) => <div class="table-foot"><span /><Button small busy={m().busy} onClick={() => m().load()}>Load more</Button></div>}</Show>
    </Listed>
  );
}

const LEVELS: Record<string, BadgeTone> = { debug: "neutral", info: "info", warn: "warn", error: "bad" };

export function Logs(props: { data: BotData }): JSX.Element {
  const [level, setLevel] = createSignal("debug");
  const order = ["debug", "info", "warn", "error"];
  const shown = () => props.data.logs.items().filter((l) => order.indexOf(l.level) >= order.indexOf(level()));
  return (
    <Listed of={props.data.logs}>
      <div class="table-tools"><Segmented label="Level" items={[{ value: "debug", label: "All" }, { value: "info", label: "Info" }, { value: "warn", label: "Warnings" }, { value: "error", label: "Errors" }]} value={level()} onValue={setLevel} /></div>
      <Show when={shown().length} fallback={<Empty icon="list" title="Nothing logged" text={<>Its script writes here with <code>ctx:log</code>.</>} />}>
        <For each={shown()}>{(l) => <div class="log-line"><span class="small muted"><Time ms={l.time_ms} /></span><Badge plain tone={LEVELS[l.level] ?? "neutral"}>{l.level}</Badge><span class="text mono">{l.text}</span></div>}</For>
      </Show>
      <Show when={props.data.logs.more()}>{(m) => <div class="table-foot"><span /><Button small busy={m().busy} onClick={() => m().load()}>Load more</Button></div>}</Show>
    </Listed>
  );
}

export function Stats(props: { data: BotData }): JSX.Element {
  return (
    <div style={{ padding: "16px" }}>
      <Load of={props.data.stats}>
        {(s) => (
          <div class="tiles">
            <Stat name="Trades" note={s().from_ms ? <>since <Ago ms={s().from_ms} /></> : undefined}>{s().trades}</Stat>
            <Stat name="Won" note={`${s().wins} of ${s().trades}`}><Percent value={s().win_rate_pct} places={1} /></Stat>
            <Stat name="P&L of closed trades"><Money value={s().pnl} signed /></Stat>
            <Stat name="Profit factor" note="gains per loss">{s().profit_factor == null ? "–" : formatDecimal(s().profit_factor!.toFixed(2))}</Stat>
            <Stat name="Per trade"><Money value={s().expectancy} signed /></Stat>
            <Stat name="Best"><Money value={s().best} signed /></Stat>
            <Stat name="Worst"><Money value={s().worst} signed /></Stat>
            <Stat name="Fees"><Money value={s().fees} /></Stat>
            <Stat name="Deepest drawdown" note="of the latest run"><Money value={s().max_drawdown} /> <span class="note"><Percent value={s().max_drawdown_pct} /></span></Stat>
          </div>
        )}
      </Load>
    </div>
  );
}
