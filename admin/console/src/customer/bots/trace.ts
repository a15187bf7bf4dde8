// The steps of a decision as a debugger shows them: the line at each step, the variables so far, what the step changed.
import type { Schemas } from "~/api/client";

export type Explanation = Schemas["Explanation"];
type Step = Explanation["trace"][number];

export interface Moment {
  line: number;
  callback?: string;
  /** Everything known before this line, by name; in the order in which it came. */
  vars: ReadonlyMap<string, string>;
  changed: ReadonlySet<string>;
}

/** A callback begins with nothing; a function's variables join those of its caller, as the trace tells changes only. */
export function moments(trace: readonly Step[]): Moment[] {
  let vars = new Map<string, string>();
  return trace.map((s) => {
    if (s.callback) vars = new Map();
    const changed = new Set<string>();
    vars = new Map(vars);
    for (const [name, value] of Object.entries(s.locals as Record<string, unknown>)) {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      if (vars.get(name) !== text) changed.add(name);
      vars.set(name, text);
    }
    return { line: s.line, ...(s.callback ? { callback: s.callback } : {}), vars, changed };
  });
}

/** What each line brought, the last time it was left: shown at its end. */
export function valuesByLine(list: readonly Moment[]): Map<number, [string, string][]> {
  const out = new Map<number, [string, string][]>();
  for (let i = 1; i < list.length; i++) {
    if (list[i]!.callback) continue;
    const brought = [...list[i]!.changed].map((name): [string, string] => [name, list[i]!.vars.get(name)!]).filter(([, v]) => v !== "table" && v !== "function");
    if (brought.length) out.set(list[i - 1]!.line, brought);
  }
  return out;
}

const ASKS = /ctx\s*:\s*(buy|sell|enter|target|close|ladder|modify)\b/;

/** The step that asked for an order with this tag, as far as the text tells: the last that ran a line with one of the methods that make
 *  orders, and with the tag where a line has it. -1: it cannot be told. */
export function askingStep(list: readonly Moment[], source: string | null, tag: string | null | undefined): number {
  const lines = source?.split("\n") ?? [];
  const text = (i: number): string => lines[list[i]!.line - 1] ?? "";
  const asks = list.map((_, i) => i).filter((i) => ASKS.test(text(i)));
  const tagged = tag ? asks.filter((i) => text(i).includes(`"${tag}"`) || text(i).includes(`'${tag}'`)) : [];
  return tagged.at(-1) ?? asks.at(-1) ?? -1;
}

export interface SourceLine {
  number: number;
  text: string;
  run: boolean;
}

/** The lines that ran with some around them; null: lines are left out there. */
export function excerpt(source: string, ran: ReadonlySet<number>, around: number): (SourceLine | null)[] {
  const lines = source.replace(/\n$/, "").split("\n"), out: (SourceLine | null)[] = [];
  let gap = false;
  lines.forEach((text, i) => {
    const number = i + 1;
    let near = false;
    for (let k = number - around; k <= number + around && !near; k++) near = ran.has(k);
    if (near) out.push({ number, text, run: ran.has(number) });
    else if (!gap) out.push(null);
    gap = !near;
  });
  return out;
}

export interface Difference {
  name: string;
  before: string | undefined;
  after: string | undefined;
  changed: boolean;
}

const text = (v: unknown): string | undefined => (v === undefined ? undefined : typeof v === "object" ? JSON.stringify(v) : String(v));

/** Two objects side by side, what changed first. */
export function differences(before: Record<string, unknown> | null | undefined, after: Record<string, unknown> | null | undefined): Difference[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].sort();
  const list = names.map((name) => {
    const b = text(before?.[name]), a = text(after?.[name]);
    return { name, before: b, after: a, changed: a !== b };
  });
  return [...list.filter((d) => d.changed), ...list.filter((d) => !d.changed)];
}

/** {rsi: {value: 3}, macd: {macd: 1, hist: 2}} as rows "rsi", "macd.macd", "macd.hist". */
export function flat(indicators: Record<string, unknown> | null | undefined): Record<string, number | null> {
  const out: Record<string, number | null> = {};
  for (const [name, outputs] of Object.entries(indicators ?? {})) {
    if (typeof outputs !== "object" || outputs === null) {
      out[name] = typeof outputs === "number" ? outputs : null;
      continue;
    }
    for (const [output, v] of Object.entries(outputs)) out[output === "value" ? name : `${name}.${output}`] = typeof v === "number" ? v : null;
  }
  return out;
}
