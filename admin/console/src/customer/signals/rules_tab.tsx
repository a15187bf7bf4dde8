// The stages of a hook, and what they would have said to the signals of the last day before they are saved.
import { A } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { Badge, Button, ErrorNote, Load, Note, Panel, Skeleton, toast } from "~/ui";
import { TriedVerdicts, withDeliveries, type Tried } from "./dry_run";
import { type Rule, type Stage } from "./model";
import type { HookHandle } from "./page";
import { createStages, StagesForm } from "./stages_form";

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
    const hook = props.of.hook().id;
    setResult(await withDeliveries(hook, await ok(api.POST("/api/v1/hooks/{hook}/dry-run", { params: { path: { hook } }, body: { stages: stages.stages() } }))));
  });
  const [result, setResult] = createSignal<Tried | null>(null);
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
      <Show when={result()}>{(r) => <TriedVerdicts of={r()} />}</Show>
    </div>
  );
}
