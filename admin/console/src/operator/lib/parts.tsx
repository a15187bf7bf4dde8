// What several of the operators' pages show alike.
import { A, useSearchParams } from "@solidjs/router";
import { createSignal, createUniqueId, onCleanup, Show, type JSX } from "solid-js";
import type { Schemas } from "~/api/client";
import { formatDecimal, DASH } from "~/lib/format";
import { Badge, type BadgeTone } from "~/ui";

const STATES: Record<string, BadgeTone> = { running: "good", starting: "info", stopping: "info", paused: "neutral", stopped: "neutral", retrying: "warn", halted: "bad", quarantined: "bad", dead: "bad", retired: "bad" };
export function BotState(props: { state: string }): JSX.Element {
  return <Badge tone={STATES[props.state] ?? "neutral"} pulse={props.state === "starting" || props.state === "stopping"}>{props.state}</Badge>;
}

const USERS: Record<string, BadgeTone> = { active: "good", unverified: "warn", suspended: "bad", erased: "neutral" };
export function UserState(props: { state: string }): JSX.Element {
  return <Badge tone={USERS[props.state] ?? "neutral"}>{props.state}</Badge>;
}

const ROLES: Record<string, BadgeTone> = { support: "info", admin: "accent", super_admin: "accent" };
export function Role(props: { role: string }): JSX.Element {
  return <Show when={props.role !== "user"} fallback={<span class="muted">customer</span>}><Badge plain tone={ROLES[props.role] ?? "neutral"}>{props.role.replace("_", " ")}</Badge></Show>;
}

export function BotLink(props: { id: string; name: string }): JSX.Element {
  return <A class="op-name" href={`/bots/${props.id}`}>{props.name}</A>;
}

const SIZES = ["B", "KB", "MB", "GB", "TB"];
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes == null) return DASH;
  let n = bytes, i = 0;
  while (n >= 1024 && i < SIZES.length - 1) n /= 1024, i++;
  return `${formatDecimal(n.toFixed(n < 10 && i > 0 ? 1 : 0))} ${SIZES[i]}`;
}
/** "0.5 ms", "150 ms". */
export const formatMs = (ms: number | null | undefined): string => (ms == null ? DASH : `${formatDecimal(ms >= 10 ? ms.toFixed(0) : ms >= 1 ? ms.toFixed(1) : ms.toFixed(3))} ms`);

/** A search that the service does: told when the typing pauses, kept in the address as ?q=. */
export function SearchBox(props: { label: string; placeholder?: string }): JSX.Element {
  const id = createUniqueId();
  const [params, setParams] = useSearchParams<{ q?: string }>();
  const [text, setText] = createSignal(params.q ?? "");
  let timer: ReturnType<typeof setTimeout> | undefined;
  onCleanup(() => clearTimeout(timer));
  const typed = (value: string): void => {
    setText(value);
    clearTimeout(timer);
    timer = setTimeout(() => setParams({ q: value.trim() || undefined }, { replace: true }), 250);
  };
  return (
    <>
      <label class="sr" for={id}>{props.label}</label>
      <input id={id} type="search" class="input" placeholder={props.placeholder ?? props.label} value={text()} onInput={(e) => typed(e.currentTarget.value)} />
    </>
  );
}

/** A choice among the tools of a table, kept in the address. */
export function Filter(props: { name: string; label: string; options: readonly { value: string; label: string }[] }): JSX.Element {
  const id = createUniqueId();
  const [params, setParams] = useSearchParams();
  return (
    <span class="op-filter">
      <label class="sr" for={id}>{props.label}</label>
      <select id={id} class="select" value={(params[props.name] as string | undefined) ?? ""} onChange={(e) => setParams({ [props.name]: e.currentTarget.value || undefined }, { replace: true })}>
        {props.options.map((o) => <option value={o.value} selected={o.value === (params[props.name] ?? "")}>{o.label}</option>)}
      </select>
    </span>
  );
}

export const HALT_MODES: { value: Schemas["HaltMode"]; label: string; text: string }[] = [
  { value: "reduce", label: "Open nothing new", text: "Orders that open or enlarge a position are refused. Exits and stops go on." },
  { value: "silent", label: "No orders at all", text: "Nothing is sent, exits neither. Open positions stay as they are." },
  { value: "flatten", label: "Close everything", text: "Open orders are cancelled and every position is closed at the market." },
];
export const haltMode = (mode: string): string => HALT_MODES.find((m) => m.value === mode)?.label ?? mode;

/** "usr_…" and the like, where a name is missing. */
export function Id(props: { id: string | null | undefined }): JSX.Element {
  return <Show when={props.id} fallback={DASH}><code class="tiny">{props.id}</code></Show>;
}
