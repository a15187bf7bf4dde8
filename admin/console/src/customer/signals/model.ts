// What signals are on these pages: words for states, rates of verdicts, texts to paste into other systems, and the forms of stages as
// what the API takes. Pure.
import type { Schemas } from "~/api/client";
import { toTexts, toValues, type ParamSpec, type ParamTexts, type ParamValue } from "~/lib/params";
import type { BadgeTone } from "~/ui";

export type Hook = Schemas["Hook"];
export type HookSettings = Schemas["HookSettings"];
export type Delivery = Schemas["Delivery"];
export type Rule = Schemas["Rule"];
export type Stage = Schemas["Stage"];
export type Said = Schemas["StageSaid"];
export type State = Delivery["state"];

export const STATES: Record<State, { label: string; tone: BadgeTone; about: string }> = {
  accepted: { label: "Being asked", tone: "info", about: "The rules are being asked." },
  delivered: { label: "Passed", tone: "good", about: "Every rule let it pass." },
  rejected: { label: "Rejected", tone: "warn", about: "A rule refused it." },
  refused: { label: "Turned away", tone: "bad", about: "It was no signal, or not from who may post." },
  duplicate: { label: "Duplicate", tone: "neutral", about: "The same was delivered before: nothing is done twice." },
  failed: { label: "Failed", tone: "bad", about: "The rules could not be asked in time, so it was not acted upon." },
};

// ---- rates

export interface Rates {
  total: number;
  passed: number;
  rejected: number;
  refused: number; // and what failed: nothing of it reached a rule
  other: number;   // duplicates, and what is being asked
}

export function ratesOf(list: readonly { state: State }[]): Rates {
  const r: Rates = { total: list.length, passed: 0, rejected: 0, refused: 0, other: 0 };
  for (const { state } of list) r[state === "delivered" ? "passed" : state === "rejected" ? "rejected" : state === "refused" || state === "failed" ? "refused" : "other"]++;
  return r;
}

// ---- messages to paste

/** Fields of a signal, in the order in which people think of them. */
export const FIELDS: readonly { name: string; about: string; usual: string; tv: string; kind: "text" | "number" | "time" }[] = [
  { name: "symbol", about: "What is traded", usual: "symbol, ticker, pair", tv: "{{ticker}}", kind: "text" },
  { name: "action", about: "buy, sell, close …", usual: "action, side, strategy.order.action", tv: "{{strategy.order.action}}", kind: "text" },
  { name: "size", about: "How much; scripts may ignore it", usual: "size, qty, contracts, lots", tv: "{{strategy.order.contracts}}", kind: "number" },
  { name: "price", about: "At which it was decided", usual: "price, entry, close", tv: "{{strategy.order.price}}", kind: "number" },
  { name: "sl", about: "Stop", usual: "sl, stop_loss, stop", tv: "", kind: "number" },
  { name: "tp", about: "Target", usual: "tp, take_profit, target", tv: "", kind: "number" },
  { name: "key", about: "Which of the sender's strategies", usual: "key, strategy, magic", tv: "{{strategy.order.id}}", kind: "text" },
  { name: "id", about: "The sender's own id: the same one counts once a day", usual: "id, signal_id, uuid", tv: "", kind: "text" },
  { name: "source", about: "Who says it", usual: "source, sender", tv: "", kind: "text" },
  { name: "ts", about: "When it was said", usual: "ts, time, timestamp, timenow", tv: "{{timenow}}", kind: "time" },
];

type Tree = { [name: string]: Tree | Tree[] | string } | (Tree | string)[];

function put(tree: Tree, path: readonly string[], text: string): void {
  const [first, second] = path, at = tree as Record<string, Tree | string>;
  if (first === undefined) return;
  if (second === undefined) {
    at[first] = text;
    return;
  }
  if (typeof at[first] !== "object") at[first] = /^\d+$/.test(second) ? [] : {};
  put(at[first] as Tree, path.slice(1), text);
}

export type AlertKind = "strategy" | "indicator" | "text";

/** An alert's message as TradingView fills it in. Every value is in quotes: a placeholder that stays empty must not break the JSON. */
export function alertOf(kind: AlertKind, settings: HookSettings, secret: string | null): string {
  const words: Record<string, string> = kind === "strategy"
    ? Object.fromEntries(FIELDS.filter((f) => f.tv).map((f) => [f.name, f.tv]))
    : { symbol: "{{ticker}}", action: "buy", price: "{{close}}", ts: "{{timenow}}" };
  if (kind === "text") return `${words.action} {{ticker}} @ {{close}} time={{timenow}}`;
  const mapping = settings.mapping && Object.keys(settings.mapping).length ? settings.mapping : null;
  const names: Record<string, string> = { symbol: "ticker", ts: "time" };
  const tree: Tree = {};
  for (const [field, word] of Object.entries(words)) {
    const path = mapping ? mapping[field] : (names[field] ?? field);
    if (path && !path.startsWith("=")) put(tree, path.split("."), word);
  }
  if (secret !== null) put(tree, (settings.secret_path ?? "secret").split("."), secret);
  return JSON.stringify(tree, null, 2);
}

/** What a program posts: a small signal, with the secret where the hook wants it. */
export function programBody(settings: HookSettings, secret: string | null): string {
  const signal = { symbol: "BTCUSDT", action: "buy", size: 0.01 }, tree: Tree = {};
  if (secret !== null) put(tree, (settings.secret_path ?? "secret").split("."), secret);
  return JSON.stringify({ ...signal, ...tree });
}

/** From where TradingView posts, by its manual; over IPv4 only, and to two ports. */
export const TRADINGVIEW_ADDRESSES: readonly string[] = ["52.89.214.238", "34.212.75.30", "54.218.53.128", "52.32.178.7"];
/** Whether it posts to an address that the browser shows with this port. */
export const tradingviewReaches = (port: string): boolean => ["", "80", "443"].includes(port);

/** What such an alert looks like when it comes: something to test with. */
export function sampleOf(settings: HookSettings): string {
  const words: [string, string][] = [["{{ticker}}", "BTCUSDT"], ["{{strategy.order.action}}", "buy"], ["{{strategy.order.contracts}}", "0.01"], ["{{strategy.order.price}}", "43000"], ["{{strategy.order.id}}", "Long"], ["{{timenow}}", new Date().toISOString().replace(/\.\d+Z/, "Z")]];
  return words.reduce((text, [from, to]) => text.split(from).join(to), alertOf("strategy", settings, null));
}

/** 192 bits from the browser's own source. */
export function newSecret(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(24)))).replace(/\+/g, "-").replace(/\//g, "_");
}
/** For Standard Webhooks. */
export const newSignSecret = (): string => `whsec_${btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))))}`;

// ---- stages as forms

interface Setting {
  name: string;
  kind: string;
  default: ParamValue | Record<string, string>;
  min?: number;
  max?: number;
  one_of?: string[];
  about?: string;
}

/** A rule's header as the parameter form's specification; maps apart, which it does not know. */
export function specsOf(rule: Pick<Rule, "settings"> | undefined): { specs: ParamSpec[]; maps: Setting[] } {
  const all = (rule?.settings ?? []) as unknown as Setting[];
  const nice = (name: string): string => name.replace(/_/g, " ").replace(/^./, (c) => c.toUpperCase());
  return {
    specs: all.filter((s) => s.kind !== "map").map((s): ParamSpec => ({ name: s.name, kind: s.one_of ? "enum" : s.kind, default: s.default as ParamValue, min: s.min, max: s.max, choices: s.one_of, about: s.about, label: nice(s.name) })),
    maps: all.filter((s) => s.kind === "map"),
  };
}

/** A stage while it is edited. */
export interface StageDraft {
  key: number; // of the row
  rule: string;
  name: string;
  texts: ParamTexts;
  maps: Record<string, string>;
}

let nextKey = 1;

export const mapText = (map: Record<string, string>): string => Object.entries(map).map(([from, to]) => `${from} = ${to}`).join("\n");

/** Lines "from = to"; error: of the first that is none. */
export function mapOf(text: string): { map: Record<string, string>; error?: string } {
  const map: Record<string, string> = {};
  for (const [i, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    const at = line.indexOf("="), from = line.slice(0, at).trim(), to = line.slice(at + 1).trim();
    if (at < 0 || !from || !to) return { map, error: `line ${i + 1}: two names with = between them` };
    map[from] = to;
  }
  return { map };
}

export function draftOfStage(stage: Stage, rule: Rule | undefined): StageDraft {
  const { specs, maps } = specsOf(rule), given = (stage.settings ?? {}) as Record<string, ParamValue & Record<string, string>>;
  return {
    key: nextKey++, rule: stage.rule, name: stage.name ?? "", texts: toTexts(specs, given as Record<string, ParamValue>),
    maps: Object.fromEntries(maps.map((m) => [m.name, mapText((given[m.name] ?? m.default) as Record<string, string>)])),
  };
}

/** What is sent: only settings that differ from their defaults; and what is wrong, by stage. */
export function stagesOf(drafts: readonly StageDraft[], rules: readonly Rule[]): { stages: Stage[]; wrong: boolean } {
  let wrong = false;
  const stages = drafts.map((d): Stage => {
    const { specs, maps } = specsOf(rules.find((r) => r.name === d.rule));
    const { values, errors } = toValues(specs, d.texts);
    const settings: Record<string, unknown> = { ...values };
    for (const m of maps) {
      const text = d.maps[m.name] ?? "", { map, error } = mapOf(text);
      if (error) wrong = true;
      else if (JSON.stringify(map) !== JSON.stringify(m.default)) settings[m.name] = map;
    }
    if (Object.keys(errors).length) wrong = true;
    return { rule: d.rule, ...(d.name.trim() ? { name: d.name.trim() } : {}), ...(Object.keys(settings).length ? { settings } : {}) };
  });
  return { stages, wrong };
}

/** Two stages of a hook cannot be called the same. */
export function nameFor(rule: string, drafts: readonly StageDraft[]): string {
  const taken = new Set(drafts.map((d) => d.name.trim() || d.rule));
  if (!taken.has(rule)) return "";
  for (let i = 2; ; i++) if (!taken.has(`${rule} ${i}`)) return `${rule} ${i}`;
}

// ---- words

export function signalWords(signal: Record<string, unknown>): string {
  return [signal.action, signal.size, signal.symbol, signal.price !== undefined && `@ ${String(signal.price)}`].filter((x) => x !== undefined && x !== false).map(String).join(" ");
}

/** A stage's note, reason and what it changed, as one line. */
export function saidWords(s: Said): string {
  const set = Object.entries(s.set ?? {}).map(([k, v]) => (v === false ? `without ${k}` : `${k} → ${String(v)}`));
  return [s.reason, s.note, set.join(", ")].filter(Boolean).join(" · ");
}
