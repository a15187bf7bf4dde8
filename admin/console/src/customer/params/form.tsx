// The form of a script's parameters, made from its header: groups, labels, ranges, defaults. The page owns the texts.
//
//   const [texts, setTexts] = createStore<ParamTexts>(toTexts(specs, bot.params));
//   <ParamForm specs={specs} texts={texts} onText={setTexts} problem={problem()} pointer="/params" only={(p) => p.live} />
import { For, Match, Show, Switch, type JSX } from "solid-js";
import type { Problem } from "~/api/problem";
import { checkParam, groupsOf, hintOfParam, isNumeric, type ParamSpec, type ParamTexts } from "~/lib/params";
import { Badge, Checkbox, Select, TextField } from "~/ui";
import "./form.css";

export interface ParamFormProps {
  specs: readonly ParamSpec[];
  texts: ParamTexts;
  onText: (name: string, text: string) => void;
  problem?: Problem | null;
  /** Where the values lie in what is sent: "/params". */
  pointer?: string;
  /** Those that can be changed now; the others are shown as they are. */
  editable?: (p: ParamSpec) => boolean;
  /** Mark those that may change while the bot runs. */
  markLive?: boolean;
}

export function ParamForm(props: ParamFormProps): JSX.Element {
  return (
    <div class="stack">
      <For each={groupsOf(props.specs)}>
        {(group) => (
          <fieldset class="param-group">
            <Show when={group.name}><legend>{group.name}</legend></Show>
            <div class="param-grid"><For each={group.params}>{(p) => <ParamField {...props} param={p} />}</For></div>
          </fieldset>
        )}
      </For>
      <Show when={props.specs.length === 0}><p class="muted">This script has no parameters.</p></Show>
    </div>
  );
}

function ParamField(props: ParamFormProps & { param: ParamSpec }): JSX.Element {
  const p = () => props.param;
  const text = (): string => props.texts[p().name] ?? String(p().default);
  const off = (): boolean => props.editable !== undefined && !props.editable(p());
  const set = (value: string): void => props.onText(p().name, value);
  const label = (): JSX.Element => <span class="row">{p().label ?? p().name}<Show when={props.markLive && p().live}><Badge plain tone="info">live</Badge></Show></span>;
  const error = (): string | undefined => {
    const told = props.problem?.field(`${props.pointer ?? "/params"}/${p().name}`), own = checkParam(p(), text());
    return own ? `Must be ${own}` : told;
  };
  const common = () => ({ label: label(), hint: <><Show when={p().about}>{p().about}<br /></Show><code>{p().name}</code> · {hintOfParam(p())}</>, error: error() });
  return (
    <Switch fallback={<TextField {...common()} value={text()} onValue={set} disabled={off()} numeric={isNumeric(p())} unit={p().kind === "pct" ? "%" : undefined} spellcheck={false} autocomplete="off" />}>
      <Match when={p().kind === "bool"}><Checkbox label={label()} hint={<><Show when={p().about}>{p().about}<br /></Show><code>{p().name}</code> · default {p().default ? "on" : "off"}</>} checked={text() === "true"} onChecked={(on) => set(String(on))} disabled={off()} /></Match>
      <Match when={p().kind === "enum"}><Select {...common()} value={text()} onValue={set} disabled={off()} options={(p().choices ?? []).map((c) => ({ value: c, label: c }))} /></Match>
    </Switch>
  );
}
