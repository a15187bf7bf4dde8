// Comparing parameters: "5..50:5" becomes values, several of them a grid of runs, and what came out a heat map. The runs themselves are
// ordinary backtests, so the plan's limits hold for them.

import { isNumeric, type ParamSpec, type ParamValue } from "~/lib/params";

export const RUNS_MAX = 36; // of one comparison; the service lets 40 of a tenant wait

export interface Axis {
  name: string;
  values: ParamValue[];
}

/** "5..50:5", "5, 10, 20", "true, false": the values, or what is wrong with them. */
export function parseValues(text: string, p: ParamSpec): { values: Axis["values"] } | { error: string } {
  const parts = text.split(",").map((t) => t.trim()).filter(Boolean);
  if (!parts.length) return { error: "Write values such as 10, 20, 30 or a range such as 10..50:10." };
  const values: Axis["values"] = [];
  const numeric = isNumeric(p);
  for (const part of parts) {
    const range = /^(-?[\d.]+)\s*\.\.\s*(-?[\d.]+)(?:\s*:\s*([\d.]+))?$/.exec(part);
    if (range && numeric) {
      const [from, to, step] = [Number(range[1]), Number(range[2]), Number(range[3] ?? p.step ?? (p.kind === "int" ? 1 : NaN))];
      if (!(from <= to)) return { error: `${part}: the first number must not be above the second.` };
      if (!(step > 0)) return { error: `${part}: say in which steps, as in ${range[1]}..${range[2]}:0.5.` };
      if ((to - from) / step >= 1000) return { error: `${part}: that is ${Math.floor((to - from) / step) + 1} values.` };
      // Counted in steps, so that 0.1 + 0.2 adds no tail.
      const places = Math.max(...[range[1]!, range[3] ?? String(step)].map((t) => (t.split(".")[1] ?? "").length));
      for (let i = 0; from + i * step <= to + step * 1e-9; i++) values.push(Number((from + i * step).toFixed(places)));
      continue;
    }
    if (numeric) {
      const n = Number(part);
      if (!Number.isFinite(n)) return { error: `“${part}” is no number.` };
      values.push(n);
    } else if (p.kind === "bool") {
      if (part !== "true" && part !== "false") return { error: `“${part}”: true or false.` };
      values.push(part === "true");
    } else {
      if (p.choices?.length && !p.choices.includes(part)) return { error: `“${part}” is none of ${p.choices.join(", ")}.` };
      values.push(part);
    }
  }
  for (const v of values) {
    if (typeof v !== "number") continue;
    if (p.kind === "int" && !Number.isInteger(v)) return { error: `${v} is no whole number.` };
    if (p.min !== undefined && v < p.min) return { error: `${v} is below the smallest value, ${p.min}.` };
    if (p.max !== undefined && v > p.max) return { error: `${v} is above the largest value, ${p.max}.` };
  }
  return { values: [...new Set(values)] };
}

/** A few values around the default, to begin with. */
export function suggestValues(p: ParamSpec): string {
  if (p.kind === "bool") return "true, false";
  if (p.choices?.length) return p.choices.join(", ");
  if (typeof p.default !== "number") return String(p.default);
  const whole = p.kind === "int";
  const values = [0.5, 0.75, 1, 1.5, 2].map((f) => {
    let v = (p.default as number) * f;
    if (p.min !== undefined) v = Math.max(v, p.min);
    if (p.max !== undefined) v = Math.min(v, p.max);
    return whole ? Math.round(v) : Number(v.toPrecision(3));
  });
  return [...new Set(values)].join(", ");
}

/** What each text comes to, and how many combinations all of them make: 0 of none. */
export interface Axes {
  axes: Axis[];
  errors: Record<string, string>;
  count: number;
}
export function axesOf(params: readonly ParamSpec[], texts: Readonly<Record<string, string>>): Axes {
  const axes: Axis[] = [], errors: Record<string, string> = {};
  for (const [name, text] of Object.entries(texts)) {
    const p = params.find((x) => x.name === name), parsed = p ? parseValues(text, p) : { error: "There is no such parameter." };
    if ("error" in parsed) errors[name] = parsed.error;
    else axes.push({ name, values: parsed.values });
  }
  return { axes, errors, count: Object.keys(texts).length ? axes.reduce((n, a) => n * a.values.length, 1) : 0 };
}

/** Every combination, the last axis fastest. */
export function combinations(axes: readonly Axis[]): Record<string, ParamValue>[] {
  return axes.reduce<Record<string, ParamValue>[]>((runs, axis) => runs.flatMap((r) => axis.values.map((v) => ({ ...r, [axis.name]: v }))), [{}]);
}

/** 0 … 1 for a colour: where a value stands between the others, 0.5 where all are equal. `better` -1: low is good. */
export function shade(value: number, all: readonly number[], better: -1 | 0 | 1): number {
  const finite = all.filter(Number.isFinite), low = Math.min(...finite), high = Math.max(...finite);
  if (!Number.isFinite(value) || high === low) return 0.5;
  const x = (value - low) / (high - low);
  return better < 0 ? 1 - x : x;
}

/** Figures by two parameters, as a heat map draws them; null where there is none. */
export interface Field {
  down: string;
  across: string;
  rows: string[]; // the values of `down`
  columns: string[];
  cells: (number | null)[][];
}

/** Where the best figures stand, of several equal ones all; none where nothing is better than another. */
export function bestCells(cells: readonly (readonly (number | null)[])[], better: -1 | 0 | 1): [number, number][] {
  const known = cells.flat().filter((v): v is number => v !== null);
  if (!better || !known.length) return [];
  const top = better > 0 ? Math.max(...known) : Math.min(...known);
  return cells.flatMap((row, r) => row.flatMap((v, c): [number, number][] => (v === top ? [[r, c]] : [])));
}

/** The best one and the mean around it, where it stands far above: a peak among valleys is luck more often than skill. */
export function standsAlone(cells: readonly (readonly (number | null)[])[], better: -1 | 0 | 1): { top: number; mean: number } | null {
  const known = cells.flat().filter((v): v is number => v !== null), [at] = bestCells(cells, better);
  if (!at || known.length < 6) return null;
  const around = neighbours(cells, at[0], at[1]), mean = around.reduce((s, v) => s + v, 0) / around.length, top = cells[at[0]]![at[1]]!;
  const span = Math.max(...known) - Math.min(...known);
  return around.length >= 2 && span > 0 && Math.abs(top - mean) / span > 0.5 ? { top, mean } : null;
}

/** The figures around a cell. */
export function neighbours(rows: readonly (readonly (number | null)[])[], r: number, c: number): number[] {
  const out: number[] = [];
  for (let dr = -1; dr <= 1; dr++)
    for (let dc = -1; dc <= 1; dc++) {
      const v = dr || dc ? rows[r + dr]?.[c + dc] : null;
      if (typeof v === "number" && Number.isFinite(v)) out.push(v);
    }
  return out;
}
