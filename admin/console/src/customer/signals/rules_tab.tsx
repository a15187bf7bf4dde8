// The stages of a hook, and what they would have said to the signals of the last day before they are saved.
import { A } from "@solidjs/router";
import { createMemo, createResource, createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { useAction } from "~/lib/action";
import { Badge, Button, Empty, ErrorNote, Load, Note, Panel, Segmented, Skeleton, Table, toast, type Column } from "~/ui";
import { saidWords, signalWords, type Delivery, type Rule, type Stage } from "./model";
import type { HookHandle } from "./page";
import { Verdict } from "./parts";
import { createStages, StagesForm } from "./stages_form";

type DryRun = Schemas["DryRun"];
type Item = DryRun["items"][number];

export const readRules = async (): Promise<Rule[]> => (await ok(api.GET("/api/v1/rules"))).items;

export function RulesTab(props: { of: HookHandle }): JSX.Element {
  const [rules, { refetch }] = createResource(readRules);
  return <Load of={rules} retry={() => void refetch()} what="The rules cannot be listed" skeleton={<Skeleton lines={6} height={24} />}>{(list) => <Editing of={props.of} rules={list()} />}</Load>;
}

function Editing(props: { of: HookHandle; rules: Rule[] }): JSX.Element {
  const stages = createStages((props.of.settings().stages ?? []) as Stage[], props.rules);
  const [global] = createResource(() => ok(api.GET("/api/v1/signals/stages")).catch(() => null));
  const save = useAction(async () => {
    await props.of.patchSettings({ stages: stages.stages().length ? stages.stages() : undefined });
    stages.saved();
    toast("Rules saved", "good", "The next signal meets them.");
  });
  const dry = useAction(async () => {
    const done = await ok(api.POST("/api/v1/hooks/{hook}/dry-run", { params: { path: { hook: props.of.hook().id } }, body: { stages: stages.stages() } }));
    const came = await ok(api.GET("/api/v1/hooks/{hook}/deliveries", { params: { path: { hook: props.of.hook().id }, query: { limit: 200 } } }));
    setResult({ done, came: new Map(came.items.map((d) => [d.id, d])) });
  });
  const [result, setResult] = createSignal<{ done: DryRun; came: Map<string, Delivery> } | null>(null);
  return (
    <div class="stack">
      <Show when={global.latest?.stages.length}><Note tone="info"><p>Before these, every signal of all your hooks passes {global.latest!.stages.map((s) => String((s as { name?: string; rule?: string }).name ?? (s as { rule?: string }).rule)).join(", ")}. <A href="/signals/rules">Rules of all hooks</A></p></Note></Show>
      <Panel title="Rules, in the order in which they are asked" actions={<Show when={stages.changed()}><Badge tone="warn">not saved</Badge></Show>}>
        <div class="stack">
          <StagesForm of={stages} problem={save.problem() ?? dry.problem()} pointer={save.problem() ? "/settings/stages" : "/stages"} />
          <ErrorNote problem={save.problem()} what="The rules were not saved" />
          <div class="row">
            <Button kind="primary" busy={save.busy()} disabled={!stages.changed() || stages.wrong()} onClick={() => void save.run()}>{stages.changed() ? "Save the rules" : "Nothing changed"}</Button>
            <Show when={stages.changed()}><Button onClick={() => stages.reset()}>Discard</Button></Show>
            <Button icon="history" busy={dry.busy()} disabled={stages.wrong()} onClick={() => void dry.run()}>Try on the last day's signals</Button>
          </div>
        </div>
      </Panel>
      <ErrorNote problem={dry.problem()} what="They could not be tried" />
      <Show when={result()}>{(r) => <Difference done={r().done} came={r().came} />}</Show>
    </div>
  );
}

function Difference(props: { done: DryRun; came: Map<string, Delivery> }): JSX.Element {
  const [which, setWhich] = createSignal<"changed" | "all">("changed");
  const before = (i: Item): boolean => i.state === "delivered";
  const changed = createMemo(() => props.done.items.filter((i) => before(i) !== i.accept));
  const rows = () => [...(which() === "changed" ? changed() : props.done.items)].reverse(); // they come oldest first
  const signal = (i: Item): string => signalWords(props.came.get(i.delivery_id)?.signal ?? {}) || i.delivery_id;
  const why = (i: Item): string => (i.accept ? i.log.map((s) => saidWords(s)).filter(Boolean).join("; ") : `${i.log.at(-1)?.stage ?? ""}: ${i.reason}`);
  const passedBefore = () => props.done.items.filter(before).length;
  const columns: readonly Column<Item>[] = [
    { id: "signal", label: "Signal", lead: true, value: signal, cell: (i) => <span class="strong">{signal(i)}</span> },
    { id: "was", label: "Was", value: (i) => i.state, cell: (i) => <Verdict state={i.state as Delivery["state"]} /> },
    { id: "now", label: "Would be", value: (i) => (i.accept ? "passed" : "rejected"), cell: (i) => <span class="row"><Verdict state={i.accept ? "delivered" : "rejected"} /><Show when={before(i) !== i.accept}><Badge plain tone="accent">changed</Badge></Show></span> },
    { id: "why", label: "Why", value: why, cell: (i) => <span class="small break" classList={{ muted: i.accept }}>{why(i) || "–"}</span> },
    { id: "scores", label: "Scores", value: (i) => i.log.map((s) => s.score ?? "").join(" "), cell: (i) => <span class="sig-sizing small"><For each={i.log.filter((s) => s.score !== undefined)}>{(s) => <span class="nowrap">{s.stage} <strong class="num">{s.score!.toFixed(2)}</strong></span>}</For></span> },
  ];
  return (
    <Panel flush title="The signals of the last day" actions={<Show when={props.done.items.length}><Segmented label="Which" items={[{ value: "changed", label: `Changed ${changed().length}` }, { value: "all", label: `All ${props.done.items.length}` }]} value={which()} onValue={setWhich} /></Show>}>
      <Show when={props.done.items.length} fallback={<Empty icon="signal" title="No signals in the last day" text="There is nothing to try them on yet." />}>
        <p class="sig-sum" role="status">{props.done.accepted} of {props.done.items.length} would pass; {passedBefore()} did. {changed().length === 0 ? "No verdict would be another." : `${changed().length} ${changed().length === 1 ? "verdict" : "verdicts"} would be another.`}</p>
        <Table label="Verdicts" rows={rows()} columns={columns} key={(i) => i.delivery_id} pageSize={25} empty={<Empty icon="check" title="No verdict changes" text="Choose All to see them." />} />
      </Show>
    </Panel>
  );
}
