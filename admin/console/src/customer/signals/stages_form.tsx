// The stages that a signal passes: rules in an order, each with its settings, as a form from the rule's header.
import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { createStore, produce } from "solid-js/store";
import type { Problem } from "~/api/problem";
import { ParamForm } from "~/customer/params/form";
import { Badge, Button, Empty, Field, Select, TextField } from "~/ui";
import { draftOfStage, mapOf, nameFor, specsOf, stagesOf, type Rule, type Stage, type StageDraft } from "./model";

const MOST = 8;

/** What is edited, and what would be sent. */
export function createStages(given: readonly Stage[], rules: readonly Rule[]) {
  const [drafts, setDrafts] = createStore<StageDraft[]>(given.map((s) => draftOfStage(s, rules.find((r) => r.name === s.rule))));
  const made = createMemo(() => stagesOf(drafts, rules));
  const [before, setBefore] = createSignal(JSON.stringify(stagesOf(drafts, rules).stages));
  return {
    drafts, setDrafts, rules, stages: () => made().stages, wrong: () => made().wrong,
    changed: () => JSON.stringify(made().stages) !== before(),
    saved: () => void setBefore(JSON.stringify(made().stages)),
    reset: () => setDrafts((JSON.parse(before()) as Stage[]).map((s) => draftOfStage(s, rules.find((r) => r.name === s.rule)))),
  };
}
export type Stages = ReturnType<typeof createStages>;

/** pointer: where the stages lie in what is sent, for the problem's errors. */
export function StagesForm(props: { of: Stages; problem?: Problem | null; pointer: string }): JSX.Element {
  const s = () => props.of;
  const [choice, setChoice] = createSignal("");
  const usable = () => s().rules.filter((r) => !r.own || r.active_version);
  const add = (): void => {
    const rule = s().rules.find((r) => r.name === (choice() || usable()[0]?.name));
    if (!rule) return;
    s().setDrafts(produce((list) => list.push({ ...draftOfStage({ rule: rule.name }, rule), name: nameFor(rule.name, list) })));
  };
  const move = (i: number, by: number): void => {
    s().setDrafts(produce((list) => {
      const [one] = list.splice(i, 1);
      list.splice(i + by, 0, one!);
    }));
  };
  return (
    <div class="stack">
      <Show when={s().drafts.length} fallback={<Empty icon="shield" title="No rules" text="Every signal that can be read passes. Add a rule, and it is asked about each before a bot hears of it." />}>
        <ol class="sig-stages">
          <For each={s().drafts}>
            {(d, i) => <StageCard of={s()} draft={d} index={i()} problem={props.problem} pointer={`${props.pointer}/${i()}`} onMove={(by) => move(i(), by)} onRemove={() => s().setDrafts((list) => list.filter((x) => x.key !== d.key))} />}
          </For>
        </ol>
      </Show>
      <div class="sig-add">
        <Select label="Rule" hideLabel value={choice() || (usable()[0]?.name ?? "")} onValue={setChoice} options={usable().map((r) => ({ value: r.name, label: `${r.title ?? r.name}${r.own ? " (mine)" : ""}` }))} />
        <Button icon="plus" disabled={s().drafts.length >= MOST || !usable().length} onClick={add}>Add rule</Button>
      </div>
    </div>
  );
}

function StageCard(props: { of: Stages; draft: StageDraft; index: number; problem?: Problem | null; pointer: string; onMove: (by: number) => void; onRemove: () => void }): JSX.Element {
  const d = () => props.draft;
  const rule = () => props.of.rules.find((r) => r.name === d().rule);
  const form = createMemo(() => specsOf(rule()));
  const row = (): number => props.of.drafts.findIndex((x) => x.key === d().key);
  const said = () => props.problem?.errors.filter((e) => e.pointer === props.pointer || e.pointer.startsWith(`${props.pointer}/`)) ?? [];
  const title = () => rule()?.title ?? d().rule;
  return (
    <li class="sig-stage">
      <header class="row-between">
        <span class="row"><span class="sig-number num" aria-hidden="true">{props.index + 1}</span><span class="strong">{title()}</span><Show when={rule()?.own}><Badge plain tone="accent">mine</Badge></Show><Show when={rule()?.held}><Badge tone="bad">in quarantine</Badge></Show><Show when={!rule()}><Badge tone="bad">there is no such rule</Badge></Show></span>
        <span class="row">
          <Button small kind="quiet" icon="up" iconOnly disabled={props.index === 0} onClick={() => props.onMove(-1)}>Ask {title()} earlier</Button>
          <Button small kind="quiet" icon="down" iconOnly disabled={props.index === props.of.drafts.length - 1} onClick={() => props.onMove(1)}>Ask {title()} later</Button>
          <Button small kind="quiet" icon="trash" iconOnly onClick={() => props.onRemove()}>Remove {title()}</Button>
        </span>
      </header>
      <div class="stack-s">
        <Show when={rule()?.about}><p class="small muted">{rule()!.about}</p></Show>
        <Show when={rule()?.held}>{(why) => <p class="small down break">It is not asked and refuses everything: {why()}.</p>}</Show>
        <Show when={said().length}><ul class="small down"><For each={said()}>{(e) => <li>{e.detail}</li>}</For></ul></Show>
        <Show when={form().specs.length || form().maps.length}>
          <details class="sig-settings" open={props.of.drafts.length <= 3}>
            <summary>Settings</summary>
            <div class="stack">
              <Show when={form().specs.length}><ParamForm specs={form().specs} texts={d().texts} onText={(name, text) => props.of.setDrafts(row(), "texts", name, text)} /></Show>
              <For each={form().maps}>
                {(m) => (
                  <Field label={m.name} hint={<>{m.about}<br />A line for each: <code>their name = own name</code></>} error={mapOf(d().maps[m.name] ?? "").error}>
                    {(p) => <textarea {...p} class="textarea mono" rows={4} spellcheck={false} value={d().maps[m.name] ?? ""} onInput={(e) => props.of.setDrafts(row(), "maps", m.name, e.currentTarget.value)} />}
                  </Field>
                )}
              </For>
              <div class="sig-form"><TextField label="Called" hint="In logs, and for scores that later rules read. Empty: as the rule." value={d().name} onValue={(v) => props.of.setDrafts(row(), "name", v)} maxLength={63} /></div>
            </div>
          </details>
        </Show>
      </div>
    </li>
  );
}
