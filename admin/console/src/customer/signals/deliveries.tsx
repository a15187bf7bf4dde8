// The last deliveries of a hook: what was posted, what each rule said, who heard it and which orders followed.
import { A } from "@solidjs/router";
import { createMemo, createSignal, For, onCleanup, Show, type JSX } from "solid-js";
import { all, api, ok, type Schemas } from "~/api/client";
import { useChannel } from "~/api/live";
import { commandWords } from "~/customer/bots/tables";
import { orderRef } from "~/customer/bots/state";
import { formatDuration, formatNumber } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Badge, Dialog, Empty, Load, Panel, Segmented, Skeleton, Table, Time, type Column } from "~/ui";
import { createQuery } from "~/ui/routing";
import { ratesOf, signalWords, STATES, type Delivery, type State } from "./model";
import { Fields, pretty, Rates, StageLog, Verdict } from "./parts";
import type { HookHandle } from "./page";

type Receipt = Schemas["Receipt"];
const SHOWN = 100;
type Which = "all" | "passed" | "not";
const PASSED: readonly State[] = ["delivered", "accepted"];

export function Deliveries(props: { of: HookHandle }): JSX.Element {
  const path = { hook: props.of.hook().id };
  const [list, { refetch }] = createResource(async () => (await ok(api.GET("/api/v1/hooks/{hook}/deliveries", { params: { path, query: { limit: SHOWN } } }))).items);
  const [which, setWhich] = createSignal<Which>("all");
  const [chosen, setChosen] = createQuery("delivery");
  let soon: ReturnType<typeof setTimeout> | undefined;
  const again = (): void => {
    clearTimeout(soon);
    soon = setTimeout(() => void refetch(), 250);
  };
  useChannel("signals", { reload: again, events: (events) => events.some((e) => (e.data as { hook_id?: string }).hook_id === path.hook) && again() });
  const timer = setInterval(() => !document.hidden && again(), 4000); // what is turned away is told by no event
  onCleanup(() => {
    clearInterval(timer);
    clearTimeout(soon);
  });
  const known = (): readonly Delivery[] => list.latest ?? [];
  const rows = createMemo(() => known().filter((d) => which() === "all" || PASSED.includes(d.state) === (which() === "passed")));
  const scores = (d: Delivery) => d.log.filter((s) => s.score !== undefined);
  const columns: readonly Column<Delivery>[] = [
    { id: "time", label: "Came", kind: "number", right: false, value: (d) => d.received_at_ms, cell: (d) => <Time ms={d.received_at_ms} /> },
    { id: "signal", label: "Signal", lead: true, value: (d) => signalWords(d.signal), cell: (d) => <button type="button" class="link strong nowrap" onClick={() => setChosen(d.id)}>{signalWords(d.signal) || "unreadable"}<span class="sr"> of {new Date(d.received_at_ms).toISOString()}</span></button> },
    { id: "state", label: "Verdict", value: (d) => STATES[d.state].label, cell: (d) => <Verdict state={d.state} /> },
    { id: "reason", label: "Why", value: (d) => d.reason, cell: (d) => <span class="small break">{d.reason || <span class="muted">–</span>}</span> },
    { id: "scores", label: "Scores", value: (d) => scores(d).map((s) => s.score).join(" "), cell: (d) => <Show when={scores(d).length} fallback={<span class="muted">–</span>}><span class="sig-sizing small"><For each={scores(d)}>{(s) => <span class="nowrap">{s.stage} <strong class="num">{formatNumber(s.score, 2)}</strong></span>}</For></span></Show> },
    { id: "bots", label: "Bots", kind: "number", value: (d) => d.bots, cell: (d) => <span class="num">{d.bots || "–"}</span> },
  ];
  const one = () => known().find((d) => d.id === chosen());
  return (
    <>
      <Panel flush label="Deliveries">
        <Load of={list} retry={() => void refetch()} what="The deliveries cannot be listed" skeleton={<div class="pad"><Skeleton lines={6} height={22} /></div>}>
          {(all) => (
            <Show when={all().length} fallback={<Empty icon="signal" title="Nothing was posted yet" text="As soon as something is posted to its address it stands here, with what your rules said of it. Try one under Message first: nothing is acted upon there." />}>
              <Table label="Deliveries" rows={rows()} columns={columns} key={(d) => d.id} pageSize={25} search="Search deliveries" csvName="deliveries" selected={(d) => d.id === chosen()} onRow={(d) => setChosen(d.id)}
                tools={<><Segmented label="Which" items={[{ value: "all", label: "All" }, { value: "passed", label: "Passed" }, { value: "not", label: `Not ${ratesOf(all()).total - ratesOf(all()).passed || ""}`.trim() }]} value={which()} onValue={setWhich} /><Rates list={all()} /></>}
                empty={<Empty icon="signal" title="None of these" />} />
            </Show>
          )}
        </Load>
      </Panel>
      <Show when={one()}>{(d) => <Drawer delivery={d()} onClose={() => setChosen(undefined)} />}</Show>
    </>
  );
}

function Drawer(props: { delivery: Delivery; onClose: () => void }): JSX.Element {
  const d = () => props.delivery;
  return (
    <Dialog drawer title={<span class="row">{signalWords(d().signal) || "Unreadable message"}<Verdict state={d().state} /></span>} onClose={props.onClose}>
      <p>{d().reason || STATES[d().state].about}</p>
      <dl class="facts">
        <dt>Came</dt><dd><Time ms={d().received_at_ms} /></dd>
        <dt>From</dt><dd><code>{d().address || "–"}</code></dd>
        <dt>Worked off</dt><dd>{d().done_at_ms ? `${formatDuration(d().done_at_ms! - d().received_at_ms)} later` : "not yet"}</dd>
        <dt>Delivery</dt><dd><code class="small">{d().id}</code></dd>
      </dl>
      <Show when={d().state !== "refused" && d().state !== "duplicate"}>
        <h3>What the rules said</h3>
        <StageLog log={d().log} />
      </Show>
      <Show when={d().bots > 0}>
        <h3>Who heard it</h3>
        <Receipts delivery={d()} />
      </Show>
      <Show when={Object.keys(d().signal).length}><h3>The signal</h3><Fields signal={d().signal} /></Show>
      <h3>As it was posted</h3>
      <Show when={d().body} fallback={<p class="muted small">It is not kept: it may hold a secret that is nearly right.</p>}><pre class="sig-pre" tabindex="0" aria-label="Message as it was posted">{pretty(d().body)}</pre></Show>
    </Dialog>
  );
}

// ---- receipts

function Receipts(props: { delivery: Delivery }): JSX.Element {
  const path = { hook: props.delivery.hook_id, delivery_id: props.delivery.id };
  const [list, { refetch }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/hooks/{hook}/deliveries/{delivery_id}/receipts", { params: { path, query: { limit: 200, cursor } } })), 1000));
  const [bots] = createResource(() => all((cursor) => ok(api.GET("/api/v1/bots", { params: { query: { limit: 200, cursor } } }))));
  const [accounts] = createResource(() => all((cursor) => ok(api.GET("/api/v1/accounts", { params: { query: { limit: 200, cursor } } }))));
  const bot = (r: Receipt) => bots.latest?.find((b) => b.id === r.bot_id);
  // A bot that waits hears it in its next instant.
  const timer = setInterval(() => list.latest?.some((r) => r.state === "waiting") && void refetch(), 2000);
  onCleanup(() => clearInterval(timer));
  const tone = { waiting: "info", delivered: "good", expired: "warn" } as const;
  const columns: readonly Column<Receipt>[] = [
    { id: "bot", label: "Bot", lead: true, value: (r) => bot(r)?.name ?? r.bot_id, cell: (r) => <Show when={bot(r)} fallback={<span class="muted">{r.account_id ? r.bot_id : "a bot of somebody else"}</span>}>{(b) => <A href={`/bots/${b().id}`}>{b().name}</A>}</Show> },
    { id: "account", label: "Account", value: (r) => accounts.latest?.find((a) => a.id === r.account_id)?.name ?? r.account_id ?? "–" },
    { id: "state", label: "Heard", value: (r) => r.state, cell: (r) => <Badge tone={tone[r.state]}>{r.state === "delivered" ? "heard" : r.state === "expired" ? "too late" : "waits"}</Badge> },
    { id: "orders", label: "What followed", bare: true, value: () => "", cell: (r) => <Show when={bot(r) && r.delivered_ms !== null} fallback={<span class="muted">–</span>}><Followed bot={r.bot_id} signal={r.signal_id} at={r.delivered_ms!} /></Show> },
  ];
  return (
    <Load of={list} retry={() => void refetch()}>
      {(rows) => <div class="sig-receipts"><Table label="Receipts" rows={rows()} columns={columns} key={(r) => r.signal_id} pageSize={10} empty={<p class="muted small">The bots are gone.</p>} /></div>}
    </Load>
  );
}

/** What the bot did in the instant in which it heard: its orders, each with its why, and what was denied. */
function Followed(props: { bot: string; signal: string; at: number }): JSX.Element {
  const [found] = createResource(() => ok(api.GET("/api/v1/bots/{bot_id}/decisions", { params: { path: { bot_id: props.bot }, query: { from_ms: props.at, to_ms: props.at + 1, limit: 50 } } })));
  const orders = () => (found.latest?.items ?? []).flatMap((x) => (x.kind === "commands" ? (x.commands ?? []).map((c) => ({ ref: c.kind === "submit" ? orderRef(x.run, c.order) : null, words: commandWords(c) })) : []));
  const denied = () => (found.latest?.items ?? []).filter((x) => x.kind === "deny");
  return (
    <Load of={found} skeleton={<Skeleton lines={1} />}>
      {() => (
        <Show when={orders().length || denied().length} fallback={<span class="muted small">no order</span>}>
          <ul class="small">
            <For each={orders()}>{(o) => <li><Show when={o.ref} fallback={o.words}>{(ref) => <A href={`/bots/${props.bot}?why=${ref()}`}>{o.words}</A>}</Show></li>}</For>
            <For each={denied()}>{(x) => <li><A class="down" href={`/bots/${props.bot}?tab=decisions`}>denied: {x.code}</A></li>}</For>
          </ul>
        </Show>
      )}
    </Load>
  );
}

