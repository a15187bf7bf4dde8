// How the service does: hosts, latencies, queues, storage, feeds, venues. Live, every two seconds.
import { A } from "@solidjs/router";
import { createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { useChannel } from "~/api/live";
import { formatCount } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Load, Note, PageHead, Panel, SkeletonTiles, Stat, Table, Time, type BadgeTone, type Column } from "~/ui";
import { BotState, formatBytes, formatMs, Id } from "../lib/parts";

type System = Schemas["System"];
type Host = Schemas["SystemHost"];
type Feed = Schemas["SystemFeed"];
type Venue = Schemas["SystemVenue"];

const hosts: readonly Column<Host>[] = [
  { id: "host", label: "Host", value: (h) => h.host, cell: (h) => `Host ${h.host}`, lead: true },
  { id: "state", label: "State", value: (h) => String(h.up), cell: (h) => <Badge tone={h.up ? "good" : "bad"}>{h.up ? "up" : "starting"}</Badge> },
  { id: "kind", label: "For", value: (h) => h.kind, cell: (h) => (h.kind === "own" ? "one tenant" : h.kind === "slow" ? "slow scripts" : "all") },
  { id: "pid", label: "Process", value: (h) => h.pid ?? 0, kind: "number", cell: (h) => <span class="num">{h.pid ?? "–"}</span> },
  { id: "tenants", label: "Tenants", value: (h) => h.tenants, kind: "number" },
  { id: "bots", label: "Bots open", value: (h) => h.bots_open, kind: "number", cell: (h) => `${h.bots_open} / ${h.bots}` },
  { id: "memory", label: "Memory", value: (h) => h.memory_bytes ?? 0, kind: "number", cell: (h) => formatBytes(h.memory_bytes) },
  { id: "instant", label: "Last instant", value: (h) => h.instant_ms, kind: "number", cell: (h) => formatMs(h.instant_ms) },
  { id: "queue", label: "Behind", value: (h) => h.queue, kind: "number" },
  { id: "restarts", label: "Restarts", value: (h) => h.restarts, kind: "number" },
];

const FEEDS: Record<Feed["state"], BadgeTone> = { running: "good", waiting: "warn", ended: "neutral", failing: "bad" };
const feeds: readonly Column<Feed>[] = [
  { id: "venue", label: "Venue", value: (f) => f.venue, lead: true },
  { id: "state", label: "State", value: (f) => f.state, cell: (f) => <Badge tone={FEEDS[f.state]}>{f.state}</Badge> },
  { id: "kind", label: "Source", value: (f) => f.kind },
  { id: "time", label: "Market time", value: (f) => f.time_ms ?? 0, cell: (f) => <Time ms={f.time_ms} /> },
  { id: "series", label: "Series", value: (f) => f.series, kind: "number" },
  { id: "bars", label: "Bars", value: (f) => f.bars, kind: "number", cell: (f) => formatCount(f.bars) },
  { id: "notes", label: "Notes", value: (f) => Object.keys(f.notes).length, sortable: false, cell: (f) => Object.entries(f.notes).map(([k, n]) => `${k} ${n}`).join(", ") || "–" },
];

const venues: readonly Column<Venue>[] = [
  { id: "account", label: "Account", value: (v) => v.account_id, cell: (v) => <Id id={v.account_id} />, lead: true },
  { id: "state", label: "Session", value: (v) => v.state, cell: (v) => <Badge tone={/ready/i.test(v.state) ? "good" : "warn"}>{v.state.toLowerCase()}</Badge> },
  { id: "why", label: "Why", value: (v) => v.why || v.differs, cell: (v) => v.why || v.differs || "–" },
  { id: "bots", label: "Bots", value: (v) => v.bots, kind: "number" },
  { id: "strangers", label: "Not ours", value: (v) => v.strangers, kind: "number" },
  { id: "compared", label: "Compared", value: (v) => v.compared_at_ms ?? 0, cell: (v) => <Ago ms={v.compared_at_ms} /> },
];

const LATENCIES: { key: "callbacks" | "order_send" | "journal_commit" | "control_commit" | "loop_turn"; label: string; about: string }[] = [
  { key: "callbacks", label: "Callbacks", about: "from an instant shown to a host until all its scripts answered" },
  { key: "order_send", label: "Intent to venue", about: "through the journal, to the session with the venue" },
  { key: "journal_commit", label: "Journal commit", about: "a batch of the journal, to the end of its sync" },
  { key: "control_commit", label: "Control commit", about: "the same of users, bots, scripts" },
  { key: "loop_turn", label: "Loop turn", about: "nobody else is answered meanwhile" },
];

function Latency(props: { of: System["latency"] }): JSX.Element {
  const rows = () => LATENCIES.flatMap((l) => (props.of[l.key] ? [{ ...l, d: props.of[l.key]! }] : []));
  return (
    <Panel title="Latency" flush>
      <Table label="Latency" rows={rows()} key={(r) => r.key} columns={[
        { id: "what", label: "What", value: (r) => r.label, lead: true, cell: (r) => <span title={r.about}>{r.label}</span> },
        { id: "count", label: "Count", value: (r) => r.d.count, kind: "number", cell: (r) => formatCount(r.d.count) },
        { id: "mean", label: "Mean", value: (r) => r.d.mean_ms ?? 0, kind: "number", cell: (r) => formatMs(r.d.mean_ms) },
        { id: "p50", label: "p50 ≤", value: (r) => r.d.p50_ms ?? 0, kind: "number", cell: (r) => formatMs(r.d.p50_ms) },
        { id: "p95", label: "p95 ≤", value: (r) => r.d.p95_ms ?? 0, kind: "number", cell: (r) => formatMs(r.d.p95_ms) },
        { id: "p99", label: "p99 ≤", value: (r) => r.d.p99_ms ?? 0, kind: "number", cell: (r) => formatMs(r.d.p99_ms) },
      ]} />
      <p class="small muted" style={{ padding: "8px 16px" }}>Since the start; shares are told by the bound below which they lie. Longest loop turn {formatMs(props.of.loop_turn_longest_ms)}.</p>
    </Panel>
  );
}

function Storage(props: { of: System }): JSX.Element {
  const rows = () => Object.entries(props.of.storage).map(([name, file]) => ({ name, file }));
  return (
    <Panel title="Storage" flush>
      <Table label="Storage" rows={rows()} key={(r) => r.name} columns={[
        { id: "file", label: "File", value: (r) => r.name, lead: true, cell: (r) => <span class="row">{r.name}<Show when={r.file.refusing}><Badge tone="bad">{r.file.readonly ? "read only" : "refusing"}</Badge></Show></span> },
        { id: "size", label: "Size", value: (r) => r.file.file_bytes, kind: "number", cell: (r) => formatBytes(r.file.file_bytes) },
        { id: "log", label: "Log", value: (r) => r.file.log_bytes, kind: "number", cell: (r) => formatBytes(r.file.log_bytes) },
        { id: "waiting", label: "Queue", value: (r) => r.file.waiting, kind: "number" },
        { id: "commits", label: "Commits", value: (r) => r.file.commits, kind: "number", cell: (r) => formatCount(r.file.commits) },
        { id: "failures", label: "Failures", value: (r) => r.file.failures, kind: "number", cell: (r) => formatCount(r.file.failures) },
      ]} />
      <p class="small muted" style={{ padding: "8px 16px" }}>Log: written and durable, not moved into the file yet.</p>
    </Panel>
  );
}

export default function SystemPage(): JSX.Element {
  const [first, { refetch }] = createResource(() => ok(api.GET("/api/v1/admin/system")));
  const [live, setLive] = createSignal<System | null>(null);
  useChannel("system", { reload: () => void refetch(), events: (events) => setLive(events.at(-1)!.data as System) });
  const newest = (s: System): System => (live() && live()!.at_ms >= s.at_ms ? live()! : s);
  return (
    <>
      <PageHead title="System" />
      <Load of={first} retry={() => void refetch()} skeleton={<SkeletonTiles count={8} />}>
        {(read) => {
          const s = () => newest(read());
          const refusing = () => Object.entries(s().storage).filter(([, f]) => f.refusing).map(([name]) => name);
          return (
            <div class="stack">
              <Show when={refusing().length}><Note tone="bad" title={`The disk refuses writes to ${refusing().join(", ")}`}>Reading goes on; orders that need the journal are not sent.</Note></Show>
              <div class="tiles">
                <Stat name="Bots open" note={<>{s().bots?.opening ?? 0} opening</>}>{formatCount(s().bots?.open)}</Stat>
                <Stat name="Orders asked for" note={<>{formatCount(s().bots?.denials)} denied</>}>{formatCount(s().bots?.intents)}</Stat>
                <Stat name="Executions">{formatCount(s().bots?.fills)}</Stat>
                <Stat name="Live pages" note={<>{formatCount(s().stream.dropped)} too slow</>}>{formatCount(s().stream.clients)}</Stat>
                <Stat name="Proofs and backtests" note={<>{s().jobs.waiting} waiting</>}>{s().jobs.running}</Stat>
                <Stat name="Disk free">{formatBytes(s().free_bytes)}</Stat>
                <Stat name="Core memory" note={<>version {s().version}</>}>{formatBytes(s().memory_bytes)}</Stat>
                <Stat name="Trouble" note="divergences, host restarts, quarantines">{(s().bots?.divergences ?? 0) + (s().bots?.host_restarts ?? 0) + (s().bots?.quarantined ?? 0)}</Stat>
              </div>
              <Show when={Object.keys(s().bots?.states ?? {}).length}>
                <div class="row"><For each={Object.entries(s().bots!.states)}>{([state, n]) => <A href={`/bots?state=${state}`} class="row"><BotState state={state} /><span class="num">{n}</span></A>}</For></div>
              </Show>
              <Show when={s().hosts}>{(list) => <Panel title="Hosts" flush><Table label="Hosts" rows={list()} columns={hosts} key={(h) => String(h.host)} empty={<p class="empty">No bot needs one.</p>} /></Panel>}</Show>
              <div class="op-grid"><Latency of={s().latency} /><Storage of={s()} /></div>
              <Show when={s().feeds}>{(list) => <Panel title="Market data" flush><Table label="Market data" rows={list()} columns={feeds} key={(f) => f.venue} empty={<p class="empty">No feed is configured (serve --feed).</p>} /></Panel>}</Show>
              <Show when={s().venues?.length}><Panel title="Accounts at venues" flush><Table label="Accounts at venues" rows={s().venues!} columns={venues} key={(v) => v.account_id} /></Panel></Show>
            </div>
          );
        }}
      </Load>
    </>
  );
}
