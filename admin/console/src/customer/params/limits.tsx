// Limits that hold whatever a script asks for, as fields: over all bots of an account, or of one bot. The page owns the texts; empty is
// no limit (or the usual one).
import { For, Show, type JSX } from "solid-js";
import type { Problem } from "~/api/problem";
import { parse, sign } from "~/lib/decimal";
import { TextField } from "~/ui";
import "./form.css";

export interface LimitField {
  key: string;
  label: string;
  hint: string;
  /** Money and shares are text in the API, counts are numbers. */
  kind: "money" | "decimal" | "count";
}

/** Of accounts and of bots. */
export const LIMITS: readonly LimitField[] = [
  { key: "max_order", label: "Largest order", hint: "Refuses with MAX_ORDER. Empty: none.", kind: "money" },
  { key: "max_position", label: "Largest position of a symbol", hint: "With the orders that could add to it. Empty: none.", kind: "money" },
  { key: "max_exposure", label: "Largest exposure", hint: "All symbols together. Empty: none.", kind: "money" },
  { key: "day_loss", label: "Loss of a day", hint: "Then only closing, until the UTC day turns. Empty: none.", kind: "money" },
  { key: "max_drawdown", label: "Loss from the peak", hint: "Then only closing. Empty: none.", kind: "money" },
  { key: "max_leverage", label: "Leverage", hint: "1 to 1000. Empty: none but the margin.", kind: "decimal" },
  { key: "max_open", label: "Working orders", hint: "At one time. Empty: 200.", kind: "count" },
];

/** Of a bot beside those. */
export const FINE_LIMITS: readonly LimitField[] = [
  { key: "collar", label: "Distance from the price", hint: "Of a limit or a trigger, as a share of 1. Empty: 0.5; 0: any.", kind: "decimal" },
  { key: "rate_burst", label: "Orders at once", hint: "Empty: 100; 0: any number.", kind: "count" },
  { key: "rate_period_ms", label: "One more each (ms)", hint: "Empty: 100.", kind: "count" },
  { key: "fuse_orders", label: "Fuse: orders in a minute", hint: "More mean that a check has failed: all is halted. Empty: 10,000.", kind: "count" },
  { key: "fuse_notional", label: "Fuse: their value", hint: "The same, of the value in a minute. Empty: none.", kind: "money" },
];

export type LimitTexts = Record<string, string>;

export const limitTexts = (fields: readonly LimitField[], settings: Record<string, unknown> | null | undefined): LimitTexts =>
  Object.fromEntries(fields.map((f) => [f.key, settings?.[f.key] == null ? "" : String(settings[f.key])]));

/** Why a field's text is refused; undefined: it is not. */
export function limitWrong(f: LimitField, text: string): string | undefined {
  const t = text.trim(), d = parse(t);
  if (!t) return undefined;
  if (f.kind === "count") return /^\d{1,8}$/.test(t) ? undefined : "Must be a whole number";
  return !d ? "Must be a number" : sign(d) < 0 ? "Must not be below 0" : undefined;
}

/** As the API takes it; null: no limit. */
export const limitValue = (f: LimitField, text: string): string | number | null => (text.trim() === "" ? null : f.kind === "count" ? Number(text.trim()) : text.trim());

export function LimitFields(props: { fields: readonly LimitField[]; texts: LimitTexts; onText: (key: string, text: string) => void; currency: string; problem?: Problem | null }): JSX.Element {
  return (
    <div class="param-grid">
      <For each={props.fields}>
        {(f) => <TextField label={f.label} hint={f.hint} numeric unit={f.kind === "money" ? props.currency : undefined} autocomplete="off" value={props.texts[f.key] ?? ""} onValue={(v) => props.onText(f.key, v)} error={limitWrong(f, props.texts[f.key] ?? "")} problem={props.problem} pointer={`/settings/${f.key}`} />}
      </For>
    </div>
  );
}

/** What pauses entries after closed trades, in words: set by programs (PATCH /bots/{id}), shown here. */
export function Protections(props: { list: readonly { kind: string; pause_s: number; window_s?: number; trades?: number; profit_pct?: string; drawdown_pct?: string; per_symbol?: boolean }[] }): JSX.Element {
  const span = (s: number): string => (s % 86400 === 0 ? `${s / 86400} d` : s % 3600 === 0 ? `${s / 3600} h` : s % 60 === 0 ? `${s / 60} min` : `${s} s`);
  const words = (p: (typeof props.list)[number]): string => ({
    cooldown: "after any trade of a symbol", stop_guard: `after ${p.trades ?? "some"} stop losses in ${span(p.window_s ?? 0)}`,
    low_profit: `when a symbol's trades in ${span(p.window_s ?? 0)} earned less than ${p.profit_pct ?? 0} %`, window_drawdown: `when trades fell by more than ${p.drawdown_pct ?? "?"} % in ${span(p.window_s ?? 0)}`,
  })[p.kind] ?? p.kind;
  return (
    <Show when={props.list.length}>
      <div class="stack-s">
        <strong class="small">No entries for a while</strong>
        <ul class="small stack-s"><For each={props.list}>{(p) => <li>{span(p.pause_s)}, {words(p)}</li>}</For></ul>
      </div>
    </Show>
  );
}
