// A field of a form: label, hint and error belong to it for screen readers as well. `error` is text, or a Problem whose `pointer`
// names this field.
//
//   <Field label="Name" hint="Shown in lists" problem={form.problem()} pointer="/name">
//     {(p) => <input {...p} class="input" value={name()} onInput={(e) => setName(e.currentTarget.value)} />}
//   </Field>
import { createUniqueId, For, Show, splitProps, type JSX } from "solid-js";
import type { Problem } from "~/api/problem";
import { Icon } from "./icons";

export interface ControlProps {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": "true" | undefined;
  required?: boolean;
}

interface FieldProps {
  label: JSX.Element;
  hint?: JSX.Element;
  error?: string;
  problem?: Problem | null;
  pointer?: string;
  required?: boolean;
  hideLabel?: boolean;
}

export function Field(props: FieldProps & { children: (control: ControlProps) => JSX.Element }): JSX.Element {
  const id = createUniqueId();
  const error = () => props.error || (props.problem && props.pointer ? props.problem.field(props.pointer) : undefined);
  const control: ControlProps = {
    id,
    get "aria-describedby"() {
      return [props.hint ? `${id}-hint` : "", error() ? `${id}-error` : ""].filter(Boolean).join(" ") || undefined;
    },
    get "aria-invalid"() {
      return error() ? ("true" as const) : undefined;
    },
    get required() {
      return props.required;
    },
  };
  return (
    <div class="field">
      <label for={id} classList={{ sr: props.hideLabel }}>{props.label}</label>
      {props.children(control)}
      <Show when={props.hint}><span class="hint" id={`${id}-hint`}>{props.hint}</span></Show>
      <Show when={error()}>
        <span class="error" id={`${id}-error`}><Icon name="warn" size={14} /><span>{error()}</span></span>
      </Show>
    </div>
  );
}

type Common = Omit<FieldProps, "children">;
const FIELD = ["label", "hint", "error", "problem", "pointer", "required", "hideLabel"] as const;

export function TextField(props: Common & { value: string; onValue: (value: string) => void; unit?: string; numeric?: boolean } & Omit<JSX.InputHTMLAttributes<HTMLInputElement>, "value">): JSX.Element {
  const [field, own, rest] = splitProps(props, FIELD, ["value", "onValue", "unit", "numeric", "class"]);
  return (
    <Field {...field}>
      {(p) => {
        const input = () => <input {...rest} {...p} class={`input ${own.numeric ? "num" : ""} ${own.class ?? ""}`} inputmode={own.numeric ? "decimal" : rest.inputmode} value={own.value} onInput={(e) => own.onValue(e.currentTarget.value)} />;
        return <Show when={own.unit} fallback={input()}><div class="affix">{input()}<span class="unit">{own.unit}</span></div></Show>;
      }}
    </Field>
  );
}

export interface Option {
  value: string;
  label: string;
  disabled?: boolean;
}

export function Select(props: Common & { value: string; onValue: (value: string) => void; options: readonly Option[]; disabled?: boolean }): JSX.Element {
  const [field, own] = splitProps(props, FIELD, ["value", "onValue", "options", "disabled"]);
  return (
    <Field {...field}>
      {(p) => (
        <select {...p} class="select" disabled={own.disabled} value={own.value} onChange={(e) => own.onValue(e.currentTarget.value)}>
          <For each={own.options}>{(o) => <option value={o.value} disabled={o.disabled} selected={o.value === own.value}>{o.label}</option>}</For>
        </select>
      )}
    </Field>
  );
}

export function Checkbox(props: { label: JSX.Element; hint?: JSX.Element; checked: boolean; onChecked: (checked: boolean) => void; disabled?: boolean }): JSX.Element {
  return (
    <label class="check">
      <input type="checkbox" checked={props.checked} disabled={props.disabled} onChange={(e) => props.onChecked(e.currentTarget.checked)} />
      <span class="stack-0"><span>{props.label}</span><Show when={props.hint}><span class="small muted">{props.hint}</span></Show></span>
    </label>
  );
}
