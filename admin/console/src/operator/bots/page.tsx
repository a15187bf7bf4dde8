// Anybody's bot: how it fares, its orders and why, what it decided and logged, how it failed; and what an operator may do to it.
import { A, useParams, useSearchParams } from "@solidjs/router";
import { createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { formatCount, formatDate, formatTime } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, Checkbox, ConfirmDialog, Empty, Load, Money, Note, PageHead, Panel, Price, Quantity, Select, Stat, Table, Tabs, Time, toast, toastProblem, type Column } from "~/ui";
import { createPages } from "~/ui/pages";
import { may } from "../lib/may";
import { BotState, HALT_MODES, Id } from "../lib/parts";
import { Decisions } from "./decisions";
import { WhyDrawer } from "./why";

type Bot = Schemas["Bot"];
type Order = Schemas["BotOrder"];

const path = (id: string) => ({ path: { bot_id: id } });

// ---- what may be done

function StopDialog(props: { bot: Bot; onClose: () => void; done: () => void }): JSX.Element {
  const [close, setClose] = createSignal(false);
  const act = async (): Promise<void> => {
    await ok(api.POST("/api/v1/admin/bots/{bot_id}/force-stop", { params: path(props.bot.id), body: { close: close() } }));
    toast(`${props.bot.name} is being stopped`, "warn");
    props.done();
  };
  return (
    <ConfirmDialog title={`Stop ${props.bot.name}`} confirm="Force stop" danger action={act} onClose={props.onClose}>
      <p>Its open orders are cancelled and its script runs no more. {props.bot.owner ?? "Its owner"} sees that an operator stopped it and can start it again.</p>
      <Checkbox label="Close its positions too" hint="At the market, at once" checked={close()} onChecked={setClose} />
    </ConfirmDialog>
  );
}

function HaltDialog(props: { bot: Bot; onClose: () => void; done: () => void }): JSX.Element {
  const [mode, setMode] = createSignal<Schemas["HaltMode"]>("silent");
  const act = async (): Promise<void> => {
    await ok(api.POST("/api/v1/admin/halt", { body: { level: "bot", id: props.bot.id, mode: mode() } }));
    toast(`${props.bot.name} is halted`, "warn");
    props.done();
  };
  return (
    <ConfirmDialog title={`Halt ${props.bot.name}`} confirm="Halt now" danger action={act} onClose={props.onClose}>
      <Select label="How" value={mode()} onValue={(v) => setMode(v as Schemas["HaltMode"])} options={HALT_MODES} hint={HALT_MODES.find((m) => m.value === mode())?.text} />
    </ConfirmDialog>
  );
}

const HELD = ["quarantined", "dead", "retired"];

function Actions(props: { bot: Bot; done: () => void }): JSX.Element {
  const [dialog, setDialog] = createSignal<"" | "stop" | "halt">("");
  const run = async (what: "restart" | "release", said: string): Promise<void> => {
    try {
      if (what === "restart") await ok(api.POST("/api/v1/admin/bots/{bot_id}/restart", { params: path(props.bot.id) }));
      else await ok(api.POST("/api/v1/admin/bots/{bot_id}/release", { params: path(props.bot.id) }));
      toast(said);
    } catch (e) {
      toastProblem("That was refused", e);
    }
    props.done();
  };
  return (
    <>
      <Show when={may("halt") && props.bot.state !== "halted"}><Button icon="stop" onClick={() => setDialog("halt")}>Halt</Button></Show>
      <Show when={may("bots")}>
        <Show when={HELD.includes(props.bot.state)} fallback={<Button icon="reload" disabled={props.bot.state === "stopped"} onClick={() => void run("restart", "It is opened anew from its journal")}>Restart</Button>}>
          <Button kind="primary" onClick={() => void run("release", "Its owner can start it again")}>Release</Button>
        </Show>
        <Show when={props.bot.state !== "stopped" && !HELD.includes(props.bot.state)}><Button kind="danger" icon="square" onClick={() => setDialog("stop")}>Force stop</Button></Show>
      </Show>
      <Show when={dialog() === "stop"}><StopDialog bot={props.bot} onClose={() => setDialog("")} done={props.done} /></Show>
      <Show when={dialog() === "halt"}><HaltDialog bot={props.bot} onClose={() => setDialog("")} done={props.done} /></Show>
    </>
  );
}

// ---- how it fares

function Overview(props: { bot: Bot }): JSX.Element {
  const b = () => props.bot;
  return (
    <div class="stack">
      <Show when={b().live} fallback={<Note>It does not run now: figures of past runs are in its orders, decisions and logs.</Note>}>
        {(l) => (
          <>
            <div class="tiles">
              <Stat name="Equity"><Money value={l().equity} /></Stat>
              <Stat name="P&L of the run"><Money value={l().pnl} signed /></Stat>
              <Stat name="Working orders">{l().open_orders}</Stat>
              <Stat name="Asked, executed, denied">{formatCount(l().intents)} · {formatCount(l().fills)} · {formatCount(l().denials)}</Stat>
              <Stat name="Errors of its script">{formatCount(l().errors)}</Stat>
              <Stat name="Last instant" note={[l().instant_ms ? formatDate(l().instant_ms) : "", l().host].filter(Boolean).join(", ")}>{formatTime(l().instant_ms)}</Stat>
            </div>
            <Panel title="Positions" flush>
              <Table label="Positions" rows={l().positions} key={(p) => `${p.symbol}${p.qty}`} empty={<p class="empty">No position is open.</p>} columns={[
                { id: "symbol", label: "Symbol", value: (p) => p.symbol, lead: true },
                { id: "qty", label: "Quantity", value: (p) => p.qty, kind: "decimal", cell: (p) => <Quantity value={p.qty} signed /> },
                { id: "avg", label: "Average", value: (p) => p.avg_price, kind: "decimal", cell: (p) => <Price value={p.avg_price} /> },
                { id: "upnl", label: "Unrealised", value: (p) => p.unrealised, kind: "decimal", cell: (p) => <Money value={p.unrealised} signed /> },
              ]} />
            </Panel>
          </>
        )}
      </Show>
      <div class="op-grid">
        <Panel title="Set up as">
          <dl class="facts">
            <dt>Owner</dt><dd><A href={`/users?q=${encodeURIComponent(b().owner ?? "")}`}>{b().owner ?? <Id id={b().tenant_id} />}</A></dd>
            <dt>Market</dt><dd>{b().symbol} {b().timeframe}{b().venue ? `, ${b().venue}` : ""}</dd>
            <dt>Account</dt><dd><Id id={b().account_id} /> <Badge plain tone={b().paper ? "info" : "warn"}>{b().paper ? "PAPER" : "VENUE"}</Badge></dd>
            <dt>Strategy</dt><dd><Id id={b().strategy_id} /> {b().version ? `version ${b().version}` : "the active version"}{b().live?.version ? `, runs ${b().live!.version}` : ""}</dd>
            <dt>Strikes</dt><dd>{b().strikes ?? 0} of 3{b().retries ? `, ${b().retries} retries` : ""}</dd>
            <dt>Id</dt><dd><Id id={b().id} /></dd>
          </dl>
        </Panel>
        <Panel title="Parameters and limits">
          <div class="stack">
            <Values of={b().params ?? {}} empty="The script's defaults." />
            <Values of={b().settings ?? {}} empty="No limits of its own." />
          </div>
        </Panel>
      </div>
    </div>
  );
}

export function Values(props: { of: Record<string, unknown>; empty?: string }): JSX.Element {
  return (
    <Show when={Object.keys(props.of).length} fallback={<p class="small muted">{props.empty ?? "None."}</p>}>
      <div class="op-values"><For each={Object.entries(props.of)}>{([k, v]) => <div><span class="muted">{k === "open_ms" ? "opened" : k.replace(/_ms$/, "")}</span><span class="num">{typeof v === "number" && k.endsWith("_ms") ? <Time ms={v} /> : typeof v === "object" ? JSON.stringify(v) : String(v)}</span></div>}</For></div>
    </Show>
  );
}

// ---- orders, logs, failures

const tone = (status: string) => (/fill/i.test(status) ? "good" : /reject|den/i.test(status) ? "bad" : /cancel|expire/i.test(status) ? "neutral" : /unknown/i.test(status) ? "warn" : "info") as "good" | "bad" | "neutral" | "warn" | "info";

function Orders(props: { id: string }): JSX.Element {
  const pages = createPages(() => props.id, (id, cursor) => ok(api.GET("/api/v1/admin/bots/{bot_id}/orders", { params: { ...path(id), query: { limit: 100, cursor } } })));
  const [why, setWhy] = createSignal<Order | null>(null);
  const columns: readonly Column<Order>[] = [
    { id: "time", label: "Decided", value: (o) => o.decided_ms ?? 0, cell: (o) => <Time ms={o.decided_ms} /> },
    { id: "what", label: "Order", value: (o) => `${o.side} ${o.type}`, lead: true, cell: (o) => <span class="row"><span class={o.side === "buy" ? "up" : "down"}>{o.side}</span> {o.type} {o.symbol}<Show when={o.tag}><span class="muted small">{o.tag}</span></Show></span> },
    { id: "qty", label: "Quantity", value: (o) => o.qty, kind: "decimal", cell: (o) => <Quantity value={o.qty} /> },
    { id: "price", label: "Price", value: (o) => o.avg_price ?? o.limit ?? o.trigger, kind: "decimal", cell: (o) => <Price value={o.avg_price ?? o.limit ?? o.trigger} /> },
    { id: "status", label: "Status", value: (o) => o.status, cell: (o) => <span class="row"><Badge tone={tone(o.status)}>{o.status.toLowerCase()}</Badge><Show when={o.reason}><span class="small muted">{o.reason}</span></Show></span> },
    { id: "why", label: "Why", value: () => "", bare: true, cell: (o) => <Button small icon="question" onClick={() => setWhy(o)}>Why?</Button> },
  ];
  return (
    <Panel flush>
      <Load of={pages.of} retry={pages.reload}>
        {() => <Table label="Orders" rows={pages.rows()} columns={columns} key={(o) => o.id} more={pages.more()} csvName="orders" empty={<Empty icon="trades" title="No orders" text="Its script has asked for none." />} />}
      </Load>
      <Show when={why()}>{(o) => <WhyDrawer botId={props.id} order={o()} onClose={() => setWhy(null)} />}</Show>
    </Panel>
  );
}

function Logs(props: { id: string }): JSX.Element {
  const [level, setLevel] = createSignal<"debug" | "info" | "warn" | "error">("debug");
  const pages = createPages(() => ({ id: props.id, level: level() }), (p, cursor) => ok(api.GET("/api/v1/admin/bots/{bot_id}/logs", { params: { ...path(p.id), query: { limit: 200, cursor, level: p.level } } })));
  return (
    <Panel flush>
      <div class="table-tools">
        <Select hideLabel label="Level" value={level()} onValue={(v) => setLevel(v as "info")} options={[{ value: "debug", label: "All lines" }, { value: "info", label: "Info and worse" }, { value: "warn", label: "Warnings and errors" }, { value: "error", label: "Errors" }]} />
        <span class="grow" /><Button small kind="quiet" icon="reload" onClick={pages.reload}>Read again</Button>
      </div>
      <Load of={pages.of} retry={pages.reload}>
        {() => (
          <Show when={pages.rows().length} fallback={<Empty icon="list" title="Nothing was logged" />}>
            <ul class="op-logs"><For each={pages.rows()}>{(l) => <li class={l.level}><Time ms={l.time_ms} /><span class="level">{l.level}</span><span class="text">{l.text}</span></li>}</For></ul>
            <Show when={pages.more()}>{(m) => <div class="table-foot"><Button small busy={m().busy} onClick={() => m().load()}>Load more</Button></div>}</Show>
          </Show>
        )}
      </Load>
    </Panel>
  );
}

function Failures(props: { id: string }): JSX.Element {
  const pages = createPages(() => props.id, (id, cursor) => ok(api.GET("/api/v1/admin/bots/{bot_id}/failures", { params: { ...path(id), query: { limit: 100, cursor } } })));
  return (
    <Panel flush>
      <Load of={pages.of} retry={pages.reload}>
        {() => <Table label="Failures" rows={pages.rows()} key={(f) => f.id} more={pages.more()} empty={<Empty icon="check" title="It has not failed" />} columns={[
          { id: "time", label: "When", value: (f) => f.at_ms, cell: (f) => <Time ms={f.at_ms} /> },
          { id: "what", label: "What", value: (f) => f.what, lead: true, cell: (f) => f.what.replace(/-/g, " ") },
          { id: "strikes", label: "Strikes", value: (f) => f.strikes, kind: "number" },
          { id: "detail", label: "Said", value: (f) => f.detail, cell: (f) => <code class="small break">{f.detail}</code> },
        ]} />}
      </Load>
    </Panel>
  );
}

const TABS = [{ value: "overview", label: "Overview" }, { value: "orders", label: "Orders" }, { value: "decisions", label: "Decisions" }, { value: "logs", label: "Logs" }, { value: "failures", label: "Failures" }];

export default function BotPage(): JSX.Element {
  const params = useParams<{ id: string }>();
  const [search, setSearch] = useSearchParams<{ tab?: string }>();
  const tab = () => search.tab ?? "overview";
  const [bot, { refetch }] = createResource(() => params.id, (id) => ok(api.GET("/api/v1/admin/bots/{bot_id}", { params: path(id) })));
  return (
    <Load of={bot} retry={() => void refetch()}>
      {(b) => (
        <>
          <PageHead title={b().name} up={{ href: "/bots", label: "Bots" }} heading={<>{b().name}<BotState state={b().state} /></>}>
            <Button kind="quiet" icon="reload" iconOnly onClick={() => void refetch()}>Read again</Button>
            <Actions bot={b()} done={() => void refetch()} />
          </PageHead>
          <div class="stack">
            <p class="muted">{b().reason} <Ago ms={b().since_ms} /></p>
            <Tabs label="Of this bot" items={TABS} value={tab()} onValue={(v) => setSearch({ tab: v === "overview" ? undefined : v }, { replace: true })}>
              <div style={{ "padding-top": "16px" }}>
                <Show when={tab() === "overview"}><Overview bot={b()} /></Show>
                <Show when={tab() === "orders"}><Orders id={params.id} /></Show>
                <Show when={tab() === "decisions"}><Decisions id={params.id} /></Show>
                <Show when={tab() === "logs"}><Logs id={params.id} /></Show>
                <Show when={tab() === "failures"}><Failures id={params.id} /></Show>
              </div>
            </Tabs>
          </div>
        </>
      )}
    </Load>
  );
}
