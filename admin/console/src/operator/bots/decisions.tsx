// The journal's records of a bot, in words: what its script asked for, what the core imposed or refused and by which limit.
import { createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { Badge, Empty, Load, Panel, Select, Table, Time, type BadgeTone, type Column } from "~/ui";
import { createPages } from "~/ui/pages";

type Decision = Schemas["BotDecision"];
type Command = Schemas["BotCommand"];

const TONES: Record<string, BadgeTone> = { deny: "bad", halt: "bad", quarantine: "bad", risk: "warn", imposed: "warn", commands: "accent", run: "good", resume: "good" };
const KINDS: Schemas["BotDecisionKind"][] = ["commands", "deny", "imposed", "risk", "halt", "run", "resume", "stop", "version", "params", "limits", "signal", "clock", "quarantine"];

function command(c: Command): string {
  const price = c.limit ?? c.trigger;
  return [c.kind === "submit" ? "" : c.kind, c.side, c.type, c.qty, c.symbol, price && `at ${price}`, c.sl && `sl ${c.sl}`, c.tp && `tp ${c.tp}`, c.close ? "closing" : c.reduce ? "reducing" : "", c.tag && `“${c.tag}”`, `#${c.order}`, c.reason && `(${c.reason})`].filter(Boolean).join(" ");
}

export function DecisionWords(props: { of: Decision }): JSX.Element {
  const d = () => props.of;
  const words = () => [
    d().code, d().rule && `rule ${d().rule}`, d().level && `of the ${d().level}`, d().value && d().limit && `${d().value} where ${d().limit} is allowed`, d().text, d().reason,
    d().version && `version ${d().version}${d().version_before ? ` after ${d().version_before}` : ""}`, d().order && !d().commands && `order #${d().order}`, d().action, d().source && `from ${d().source}`,
    d().params && `parameters ${JSON.stringify(d().params)}`, d().settings && JSON.stringify(d().settings), d().line && `line ${d().line}`,
  ].filter(Boolean).join(", ");
  return (
    <div class="stack-s">
      <Show when={words()}><span class="break">{words()}</span></Show>
      <For each={d().commands}>{(c) => <span class="break num">{command(c)}</span>}</For>
    </div>
  );
}

const columns: readonly Column<Decision>[] = [
  { id: "time", label: "When", value: (d) => d.time_ms, cell: (d) => <Time ms={d.time_ms} /> },
  { id: "kind", label: "What", value: (d) => d.kind, lead: true, cell: (d) => <span class="row"><Badge tone={TONES[d.kind] ?? "neutral"}>{d.kind}</Badge><Show when={d.by}><span class="small muted">{d.by}</span></Show></span> },
  { id: "words", label: "In words", value: (d) => d.code ?? d.reason ?? "", sortable: false, cell: (d) => <DecisionWords of={d} /> },
  { id: "run", label: "Run", value: (d) => d.run, kind: "number" },
];

export function Decisions(props: { id: string }): JSX.Element {
  const [kind, setKind] = createSignal("");
  const pages = createPages(() => ({ id: props.id, kind: kind() }), (p, cursor) =>
    ok(api.GET("/api/v1/admin/bots/{bot_id}/decisions", { params: { path: { bot_id: p.id }, query: { limit: 100, cursor, kind: (p.kind || undefined) as Schemas["BotDecisionKind"] | undefined } } })));
  return (
    <Panel flush>
      <div class="table-tools"><Select hideLabel label="Kind" value={kind()} onValue={setKind} options={[{ value: "", label: "All kinds" }, ...KINDS.map((k) => ({ value: k, label: k }))]} /></div>
      <Load of={pages.of} retry={pages.reload}>
        {() => <Table label="Decisions" rows={pages.rows()} columns={columns} key={(d) => String(d.id)} more={pages.more()} empty={<Empty icon="question" title="Nothing was decided yet" />} />}
      </Load>
    </Panel>
  );
}
