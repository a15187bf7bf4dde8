// A state in a word, with its colour and, beside it, its reason: colour alone never tells.
import { Show, type JSX } from "solid-js";

export type BadgeTone = "good" | "bad" | "warn" | "info" | "accent" | "neutral";

export function Badge(props: { tone?: BadgeTone; pulse?: boolean; plain?: boolean; title?: string; children: JSX.Element }): JSX.Element {
  return <span class={`badge ${props.tone ?? "neutral"}`} classList={{ pulse: props.pulse, plain: props.plain }} title={props.title}>{props.children}</span>;
}

export function StateBadge(props: { state: string; tone: BadgeTone; reason?: string | null; pulse?: boolean }): JSX.Element {
  return (
    <span class="row">
      <Badge tone={props.tone} pulse={props.pulse}>{props.state}</Badge>
      <Show when={props.reason}><span class="small muted">{props.reason}</span></Show>
    </span>
  );
}

/** Where an account's orders go must be unmistakable: paper and testnet never look like money. */
export function ModeBadge(props: { mode: "paper" | "testnet" | "live" | string }): JSX.Element {
  return <Badge plain tone={props.mode === "live" ? "bad" : props.mode === "testnet" ? "warn" : "info"}>{props.mode === "live" ? "LIVE MONEY" : props.mode.toUpperCase()}</Badge>;
}
