// What rules would have said to signals of the last day, beside what became of them: of the stages of a hook, or of a rule that is being written.
import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { Badge, Empty, Panel, Segmented, Table, type Column } from "~/ui";
import { saidWords, signalWords, type Delivery } from "./model";
import { Verdict } from "./parts";

type DryRun = Schemas["DryRun"];
type Item = DryRun["items"][number];
export type Tried = { done: DryRun; came: Map<string, Delivery> };

/** With the deliveries that its verdicts are of. */
export async function withDeliveries(hook: string, done: DryRun): Promise<Tried> {
  const came = await ok(api.GET("/api/v1/hooks/{hook}/deliveries", { params: { path: { hook }, query: { limit: 200 } } }));
  return { done, came: new Map(came.items.map((d) => [d.id, d])) };
}

export function TriedVerdicts(props: { of: Tried }): JSX.Element {
  const [which, setWhich] = createSignal<"changed" | "all">("changed");
  const before = (i: Item): boolean => i.state === "delivered";
  const changed = createMemo(() => props.of.done.items.filter((i) => before(i) !== i.accept));
  const rows = () => [...(which() === "changed" ? changed() : props.of.done.items)].reverse(); // they come oldest first
  const signal = (i: Item): string => signalWords(props.of.came.get(i.delivery_id)?.signal ?? {}) || i.delivery_id;
  const why = (i: Item): string => (i.accept ? i.log.map((s) => saidWords(s)).filter(Boolean).join("; ") : `${i.log.at(-1)?.stage ?? ""}: ${i.reason}`);
  const passedBefore = () => props.of.done.items.filter(before).length;
  const columns: readonly Column<Item>[] = [
    { id: "signal", label: "Signal", lead: true, value: signal, cell: (i) => <span class="strong">{signal(i)}</span> },
    { id: "was", label: "Was", value: (i) => i.state, cell: (i) => <Verdict state={i.state as Delivery["state"]} /> },
    { id: "now", label: "Would be", value: (i) => (i.accept ? "passed" : "rejected"), cell: (i) => <span class="row"><Verdict state={i.accept ? "delivered" : "rejected"} /><Show when={before(i) !== i.accept}><Badge plain tone="accent">changed</Badge></Show></span> },
    { id: "why", label: "Why", value: why, cell: (i) => <span class="small break" classList={{ muted: i.accept }}>{why(i) || "–"}</span> },
    { id: "scores", label: "Scores", value: (i) => i.log.map((s) => s.score ?? "").join(" "), cell: (i) => <span class="sig-sizing small"><For each={i.log.filter((s) => s.score !== undefined)}>{(s) => <span class="nowrap">{s.stage} <strong class="num">{s.score!.toFixed(2)}</strong></span>}</For></span> },
  ];
  return (
    <Panel flush title="The signals of the last day" actions={<Show when={props.of.done.items.length}><Segmented label="Which" items={[{ value: "changed", label: `Changed ${changed().length}` }, { value: "all", label: `All ${props.of.done.items.length}` }]} value={which()} onValue={setWhich} /></Show>}>
      <Show when={props.of.done.items.length} fallback={<Empty icon="signal" title="No signals in the last day" text="There is nothing to try them on yet." />}>
        <p class="sig-sum" role="status">{props.of.done.accepted} of {props.of.done.items.length} would pass; {passedBefore()} did. {changed().length === 0 ? "No verdict would be another." : `${changed().length} ${changed().length === 1 ? "verdict" : "verdicts"} would be another.`}</p>
        <Table label="Verdicts" rows={rows()} columns={columns} key={(i) => i.delivery_id} pageSize={25} empty={<Empty icon="check" title="No verdict changes" text="Choose All to see them." />} />
      </Show>
    </Panel>
  );
}
