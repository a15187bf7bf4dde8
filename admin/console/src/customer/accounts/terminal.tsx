// An account at a terminal of MetaTrader: whether its expert comes, what it says the account has, what it was handed and what became of that,
// where its signals go, its keys, and the expert to download.
import { createSignal, Show, type JSX } from "solid-js";
import { A } from "@solidjs/router";
import { all, api, ok, type Schemas } from "~/api/client";
import { createResource } from "~/lib/resource";
import { every } from "~/lib/throttle";
import { Ago, Badge, Button, ConfirmDialog, Empty, Load, Money, Note, Panel, Price, Select, Skeleton, Stat, Table, Time, toast, toastProblem, type BadgeTone, type Column } from "~/ui";
import { createPages } from "~/ui/pages";
import { Expert, Keys } from "./terminal_keys";
import { nameOfVenue } from "./venues";

type Link = Schemas["EaLink"];
type Command = Schemas["EaCommand"];
type Position = Schemas["EaPosition"];

const STATES: Record<Link["state"], { label: string; tone: BadgeTone; about: string }> = {
  never: { label: "Never came", tone: "neutral", about: "No expert has shown these keys yet." },
  away: { label: "Away", tone: "bad", about: "It has said nothing for fifteen seconds or more. Bots on this account send nothing while it is away." },
  connected: { label: "Connected", tone: "good", about: "" },
};

// Handed out and not answered: after its lease and the time that an answer may take nobody knows any more.
const ANSWER_MS = 20_000;
type Fate = Command["state"] | "unknown";
const FATES: Record<Fate, { label: string; tone: BadgeTone; about: string }> = {
  leased: { label: "Under way", tone: "info", about: "The terminal has it and has not answered yet." },
  unknown: { label: "Unknown", tone: "warn", about: "Handed out and not answered in time. It counts as executed until the terminal says otherwise, and is asked about by name." },
  unsure: { label: "Unknown", tone: "warn", about: "Begun, and the terminal does not know the end. It counts as executed until the terminal says otherwise, and is asked about by name." },
  done: { label: "Done", tone: "good", about: "The broker has taken it." },
  refused: { label: "Refused", tone: "bad", about: "Terminal or broker did not, and will not." },
  missed: { label: "Too late", tone: "neutral", about: "It reached the terminal after its time and was left." },
};
const fateOf = (c: Pick<Command, "state" | "leased_at_ms">, now: number): Fate => (c.state === "leased" && now - c.leased_at_ms > ANSWER_MS ? "unknown" : c.state);

/** "buy 0.1 EURUSD, limit 1.08": a command as the expert reads it. */
function commandWords(c: Record<string, unknown>): string {
  const at = [c.price && `at ${String(c.price)}`, c.trigger && `from ${String(c.trigger)}`].filter(Boolean).join(" ");
  if (c.do === "cancel") return `cancel ${c.symbol ? `in ${String(c.symbol)}` : ""} ${c.ticket ? `#${String(c.ticket)}` : ""}`.replace(/\s+/g, " ").trim();
  return [c.side, c.volume, c.symbol, String(c.type ?? "").replace("_", "-"), at, c.reduce ? "(only closes)" : ""].filter(Boolean).join(" ");
}

function Facts(props: { link: Link }): JSX.Element {
  const l = () => props.link;
  return (
    <dl class="facts">
      <dt>Account</dt><dd>{l().login ? <>{l().login} <span class="muted">at {l().server}</span></> : <span class="muted">that of the first terminal to come</span>}</dd>
      <Show when={l().version}>
        <dt>Terminal</dt><dd>{l().platform.toUpperCase()}, expert {l().version}</dd>
        <dt>Kind</dt><dd class="row"><Badge plain tone={l().real ? "bad" : "info"}>{l().real ? "real money" : "demo"}</Badge>{l().hedging ? "hedging" : "netting"}, in {l().currency}</dd>
        <dt>Trading</dt><dd>{l().trading ? "allowed" : <span class="warn">not allowed: algorithmic trading is off in the terminal, or the broker has locked the account</span>}</dd>
        <dt>Symbols</dt><dd>{l().symbols}</dd>
      </Show>
      <dt>Last heard</dt><dd>{l().heard_at_ms ? <Ago ms={l().heard_at_ms} /> : <span class="muted">not since the service began</span>}</dd>
      <dt>Sequence</dt><dd>{l().sequence}</dd>
    </dl>
  );
}

const positions: readonly Column<Position>[] = [
  { id: "symbol", label: "Symbol", value: (p) => p.symbol, lead: true, cell: (p) => <span class="strong">{p.symbol}</span> },
  { id: "side", label: "Side", value: (p) => p.side, cell: (p) => <span class={p.side === "buy" ? "up" : "down"}>{p.side}</span> },
  { id: "volume", label: "Lots", kind: "decimal", value: (p) => p.volume, cell: (p) => <span class="num">{p.volume}</span> },
  { id: "price", label: "Price", kind: "decimal", value: (p) => p.price, cell: (p) => <Price value={p.price} /> },
  { id: "profit", label: "Profit", kind: "decimal", value: (p) => p.profit, cell: (p) => <Money value={p.profit} signed /> },
  { id: "ticket", label: "Ticket", value: (p) => p.ticket, cell: (p) => <code class="small">{p.ticket}</code> },
];

function Holdings(props: { link: Link }): JSX.Element {
  return (
    <Panel flush title="As the terminal says" actions={<Show when={props.link.state === "away"}><Badge tone="warn">not of now</Badge></Show>}>
      <Show when={props.link.account} fallback={<Empty icon="account" title="No report yet" text="Balance, equity and positions stand here once the terminal has reported since the service began." />}>
        {(m) => (
          <>
            <div class="ea-money">
              <Stat name="Balance"><Money value={m().balance} currency={props.link.currency} /></Stat>
              <Stat name="Equity"><Money value={m().equity} currency={props.link.currency} /></Stat>
              <Stat name="Margin"><Money value={m().margin} currency={props.link.currency} /></Stat>
              <Stat name="Free"><Money value={m().free} currency={props.link.currency} /></Stat>
            </div>
            <Table label="Positions in the terminal" rows={props.link.positions} columns={positions} key={(p) => p.ticket} pageSize={20} empty={<p class="pad muted">It holds no positions.</p>} />
          </>
        )}
      </Show>
    </Panel>
  );
}

function Commands(props: { account: string; link: Link; tick: number }): JSX.Element {
  const pages = createPages(() => props.account, (account_id, cursor) => ok(api.GET("/api/v1/accounts/{account_id}/ea/commands", { params: { path: { account_id }, query: { limit: 100, cursor } } })));
  every(4000, pages.reload);
  const now = (): number => (props.tick, Date.now());
  const n = () => props.link.commands;
  const columns: readonly Column<Command>[] = [
    { id: "at", label: "Handed out", kind: "number", right: false, value: (c) => c.leased_at_ms, cell: (c) => <Time ms={c.leased_at_ms} /> },
    { id: "what", label: "Command", lead: true, value: (c) => commandWords(c.command), cell: (c) => <span class="stack-0"><span class="strong">{commandWords(c.command)}</span><code class="tiny muted break">{c.name}</code></span> },
    { id: "state", label: "Outcome", value: (c) => FATES[fateOf(c, now())].label, cell: (c) => <Badge tone={FATES[fateOf(c, now())].tone} pulse={fateOf(c, now()) === "leased"} title={FATES[fateOf(c, now())].about}>{FATES[fateOf(c, now())].label}</Badge> },
    { id: "why", label: "What it said", value: (c) => c.text, cell: (c) => <span class="small break">{[c.text, c.code ? `(${c.code})` : ""].filter(Boolean).join(" ") || <span class="muted">{FATES[fateOf(c, now())].about}</span>}</span> },
    { id: "ticket", label: "Ticket", value: (c) => c.ticket, cell: (c) => (c.ticket ? <code class="small">{c.ticket}</code> : <span class="muted">–</span>) },
  ];
  return (
    <Panel flush title="Commands">
      <div class="ea-now">
        <span class="row"><Badge tone={n().waiting ? "info" : "neutral"}>{n().waiting} waiting</Badge><Badge tone={n().out ? "info" : "neutral"} pulse={n().out > 0}>{n().out} under way</Badge><Badge tone={n().unknown ? "warn" : "neutral"}>{n().unknown} unknown</Badge></span>
        <span class="small muted">Since the service began: {n().handed} handed out, {n().done} done, {n().refused} refused, {n().dropped} never fetched.</span>
      </div>
      <Show when={n().unknown}><div class="pad"><Note tone="warn" title="Nobody knows what became of some"><p class="small">They count as executed and are asked about by name at each report. Nothing is sent twice; look into the terminal. If it stays unclear, an operator decides.</p></Note></div></Show>
      <Load of={pages.of} retry={pages.reload} what="The commands cannot be listed" skeleton={<div class="pad"><Skeleton lines={4} height={22} /></div>}>
        {() => <Table label="Commands" rows={pages.rows()} columns={columns} key={(c) => c.name} pageSize={20} more={pages.more()} csvName="commands" empty={<Empty icon="list" title="Nothing was handed out" text="Orders and cancels of bots on this account wait until the terminal asks, and stand here with its answer." />} />}
      </Load>
    </Panel>
  );
}

function SignalsTo(props: { account: string; link: Link; onChanged: () => void }): JSX.Element {
  const [hooks] = createResource(() => all((cursor) => ok(api.GET("/api/v1/hooks", { params: { query: { limit: 200, cursor } } })), 200));
  const set = async (id: string): Promise<void> => {
    try {
      await ok(api.PUT("/api/v1/accounts/{account_id}/ea/hook", { params: { path: { account_id: props.account } }, body: { hook_id: id || null } }));
      toast(id ? "Its signals go there from now on" : "Its signals are not taken any more");
    } catch (e) {
      toastProblem("It could not be changed", e);
    }
    props.onChanged();
  };
  return (
    <Panel title="Its signals">
      <Load of={hooks} what="The hooks cannot be listed" skeleton={<Skeleton lines={2} />}>
        {(list) => (
          <div class="stack-s">
            <Select label="Go to the hook" value={props.link.hook_id ?? ""} onValue={(v) => void set(v)} options={[{ value: "", label: "none: they are refused" }, ...list().map((h) => ({ value: h.id, label: h.name }))]} hint="Of experts and indicators that call PerigeeSignal(…). The hook's rules judge them, its bots hear them." />
            <Show when={props.link.hook_id} fallback={<Show when={!list().length}><p class="small"><A href="/signals">Make a hook</A></p></Show>}>{(id) => <p class="small"><A href={`/signals/hooks/${id()}`}>What came, and who listens</A></p>}</Show>
          </div>
        )}
      </Load>
    </Panel>
  );
}

export function Terminal(props: { account: Schemas["Account"] }): JSX.Element {
  const id = () => props.account.id;
  const [link, { refetch }] = createResource(id, (account_id) => ok(api.GET("/api/v1/accounts/{account_id}/ea", { params: { path: { account_id } } })));
  const [renewing, setRenewing] = createSignal(false);
  const [keys, setKeys] = createSignal<Schemas["EaKeys"] | null>(null);
  const [tick, setTick] = createSignal(0);
  every(2000, () => {
    void refetch();
    setTick((n) => n + 1);
  });
  const platform = (): 4 | 5 => (props.account.venue === "mt4-ea" ? 4 : 5);
  return (
    <Load of={link} retry={() => void refetch()} what="The terminal cannot be shown">
      {(l) => (
        <div class="stack">
          <div class="cols-2">
            <Panel title={<span class="row">{nameOfVenue(props.account.venue)}<Badge tone={STATES[l().state].tone} pulse={l().state === "connected"}>{STATES[l().state].label}</Badge></span>} actions={<Button small icon="key" onClick={() => setRenewing(true)}>New keys</Button>}>
              <div class="stack">
                <Show when={STATES[l().state].about}><Note tone={l().state === "away" ? "bad" : "info"}><p class="small">{STATES[l().state].about}</p></Note></Show>
                <Facts link={l()} />
              </div>
            </Panel>
            <Show when={l().state === "never"} fallback={<SignalsTo account={id()} link={l()} onChanged={() => void refetch()} />}><Panel title="The expert"><Expert platform={platform()} /></Panel></Show>
          </div>
          <Show when={l().state !== "never"}>
            <Holdings link={l()} />
            <Commands account={id()} link={l()} tick={tick()} />
            <details class="panel ea-expert"><summary>The expert: files and how it is set up</summary><div class="body"><Expert platform={platform()} /></div></details>
          </Show>
          <Show when={renewing()}>
            <ConfirmDialog danger title="New keys?" confirm="Make new keys" onClose={() => setRenewing(false)} action={async () => setKeys(await ok(api.POST("/api/v1/accounts/{account_id}/ea/token", { params: { path: { account_id: id() } } })))}>
              <p>The present ones end at once: the expert is refused until it has the new address and secret. Another login may come with them.</p>
            </ConfirmDialog>
          </Show>
          <Show when={keys()}>{(k) => <Keys renewed title="New keys" keys={k()} onClose={() => { setKeys(null); void refetch(); }} />}</Show>
        </div>
      )}
    </Load>
  );
}
