// A script's header as the engine describes it (`perigee check`): what forms are made of.
import type { ParamSpec, ParamValue } from "~/lib/params";

export interface ScriptHeader {
  name: string;
  about?: string;
  mode: "netting" | "hedging";
  params: ParamSpec[];
  data: Record<string, { symbol?: string; tf?: string }>;
  ind: Record<string, { kind: string; args: (string | number)[]; on: string }>;
  callbacks: string[];
  warmup: number;
  lookback: number;
}

/** What the API calls an open object, checked as far as pages rely on it. */
export function headerOf(v: unknown): ScriptHeader | null {
  const h = v as Partial<ScriptHeader> | null | undefined;
  return h && typeof h.name === "string" && Array.isArray(h.params) ? ({ ...h, data: h.data ?? {}, ind: h.ind ?? {}, callbacks: h.callbacks ?? [] } as ScriptHeader) : null;
}

export type Values = Record<string, ParamValue>;

/** Streams that need history of their own: another symbol. Higher timeframes of the main symbol are made from its bars. */
export function otherStreams(h: ScriptHeader, values: Values): { stream: string; symbol: string; timeframe?: string }[] {
  const resolve = (text: string | undefined): string | undefined => (text?.startsWith("param:") ? String(values[text.slice(6)] ?? h.params.find((p) => p.name === text.slice(6))?.default ?? "") : text);
  return Object.entries(h.data).flatMap(([stream, s]) => {
    const symbol = resolve(s.symbol);
    return stream !== "main" && symbol ? [{ stream, symbol, timeframe: resolve(s.tf) }] : [];
  });
}
