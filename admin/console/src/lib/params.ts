// A script's parameters: the form's texts, checked as the engine checks them, become the values that the API takes. Text that is a
// number goes as the JSON number that it is; out of range is said, never clamped.
import { cmp, parse } from "./decimal";

export interface ParamSpec {
  name: string;
  kind: "int" | "num" | "pct" | "money" | "bool" | "enum" | "text" | "tf" | "symbol" | "time" | string;
  default: number | string | boolean;
  min?: number;
  max?: number;
  step?: number;
  choices?: string[];
  label?: string;
  about?: string;
  group?: string;
  opt?: boolean;
  live?: boolean;
}
export type ParamValue = number | string | boolean;
export type ParamTexts = Record<string, string>;

export interface ScriptHeader {
  name?: string;
  about?: string;
  params?: ParamSpec[];
  max_notional?: number | string | null;
  data?: Record<string, { symbol?: string; tf?: string }>;
  [more: string]: unknown;
}

const NUMERIC = new Set(["int", "num", "pct", "money"]);
export const isNumeric = (p: ParamSpec): boolean => NUMERIC.has(p.kind);

/** What the fields show at first: what is set, else the default. */
export function toTexts(specs: readonly ParamSpec[], values: Record<string, ParamValue>): ParamTexts {
  return Object.fromEntries(specs.map((p) => [p.name, String(values[p.name] ?? p.default)]));
}

const number = (x: number): string => String(x);

/** Why a field's text is refused; undefined: it is not. */
export function checkParam(p: ParamSpec, text: string): string | undefined {
  const t = text.trim();
  if (isNumeric(p)) {
    const d = parse(t);
    if (!d) return p.kind === "int" ? "a whole number" : "a number, such as 1.5";
    if (p.kind === "int" && cmp(d, { units: d.units / 10n ** BigInt(d.scale), scale: 0 }) !== 0) return "a whole number";
    if (p.min !== undefined && cmp(d, parse(number(p.min))!) < 0) return `at least ${number(p.min)}`;
    if (p.max !== undefined && cmp(d, parse(number(p.max))!) > 0) return `at most ${number(p.max)}`;
    return undefined;
  }
  if (p.kind === "tf" && !/^[1-9]\d*(s|m|h|d|w)$/.test(t)) return "a timeframe such as 15m, 4h, 1d";
  if (p.kind === "time" && !/^([01]\d|2[0-3]):[0-5]\d$/.test(t)) return "a time of the day such as 17:00";
  if (p.kind === "enum" && p.choices && !p.choices.includes(t)) return `one of ${p.choices.join(", ")}`;
  if (p.kind === "symbol" && !t) return "a symbol";
  return undefined;
}

function toValue(p: ParamSpec, text: string): ParamValue {
  if (p.kind === "bool") return text === "true";
  return isNumeric(p) ? Number(text) : text.trim(); // parameters are doubles in the script, too
}

/** Those that differ from `before` (or from the defaults), and what is wrong. */
export function toValues(specs: readonly ParamSpec[], texts: ParamTexts, before: Record<string, ParamValue> = {}): { values: Record<string, ParamValue>; errors: Record<string, string> } {
  const values: Record<string, ParamValue> = {}, errors: Record<string, string> = {};
  for (const p of specs) {
    const text = texts[p.name] ?? String(p.default), error = checkParam(p, text);
    if (error) errors[p.name] = error;
    else if (toValue(p, text) !== toValue(p, String(before[p.name] ?? p.default))) values[p.name] = toValue(p, text); // what is set may be a number or its text
  }
  return { values, errors };
}

/** In the header's order of groups. */
export function groupsOf(specs: readonly ParamSpec[]): { name: string; params: ParamSpec[] }[] {
  const groups = new Map<string, ParamSpec[]>();
  for (const p of specs) groups.set(p.group ?? "", [...(groups.get(p.group ?? "") ?? []), p]);
  return [...groups].map(([name, params]) => ({ name, params }));
}

export const hintOfParam = (p: ParamSpec): string => {
  const range = p.min !== undefined && p.max !== undefined ? `${p.min} to ${p.max}` : p.min !== undefined ? `from ${p.min}` : p.max !== undefined ? `up to ${p.max}` : "";
  return [range, `default ${p.default}`].filter(Boolean).join(", ");
};
