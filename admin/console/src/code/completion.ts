// What may stand at the cursor: options of an order inside its braces, fields of ctx.pos behind the dot, indicators inside `ind`, the
// script's own parameters and indicators by name. Pure: source, position and reference in, a list out; editor.ts shows it.
import { contextAt, declared, type Context, type Declared } from "./context";
import type { Entry, Indicator, ObjectEntry, Reference } from "./reference";

export interface Item {
  label: string;
  kind: "method" | "property" | "function" | "keyword" | "variable" | "constant" | "class" | "text";
  detail?: string; // short: a type or signature
  about?: string;
  /** What is inserted; "|" is where the cursor goes. The label when absent. */
  insert?: string;
}
export interface Completion {
  from: number;
  items: Item[];
}

const KEYWORDS = "and break do else elseif end false for function goto if in local nil not or repeat return then true until while".split(" ");
const CTX_OBJECTS: Record<string, string> = { pos: "position", acct: "account", sym: "symbol" };

function aboutOf(e: Entry): string {
  const parts = [e.about ?? ""];
  if (e.unit) parts.push(`Unit: ${e.unit}.`);
  if (e.range) parts.push(`Range: ${e.range}.`);
  if (e.default) parts.push(`Default: ${e.default}.`);
  if (e.example) parts.push(`\n${e.example}`);
  return parts.filter(Boolean).join(" ");
}

const shortType = (t: string | undefined): string | undefined => t?.replace(/perigee\./g, "");
const keys = (list: Entry[], kind: Item["kind"] = "property"): Item[] =>
  list.map((e) => ({ label: e.name, kind, detail: (shortType(e.type) ?? "") + (e.required ? " (required)" : ""), about: aboutOf(e), insert: `${e.name}=|` }));

function fieldsOf(o: ObjectEntry | undefined): Item[] {
  return (o?.fields ?? []).map(([name, type, about]) => ({ label: name, kind: type.startsWith("fun") ? "function" : "property", detail: shortType(type), about: about ?? "" }));
}

function methodItems(ref: Reference): Item[] {
  return ref.methods.map((m) => {
    const args = (m.args ?? []).map((a) => a[0]);
    const signature = m.options ? (args.length ? `${m.name}(${args.join(", ")}, {…})` : `${m.name}{…}`) : `${m.name}(${args.join(", ")})`;
    const insert = m.options ? (args.length ? `${m.name}(|, {})` : `${m.name}{|}`) : m.name === "timer" ? "timer{|}" : args.length ? `${m.name}(|)` : `${m.name}()`;
    return { label: m.name, kind: "method", detail: signature, about: aboutOf(m), insert };
  });
}

function indicatorAbout(i: Indicator): string {
  const params = i.params.map((p) => `${p.name} (${p.default})`).join(", ");
  return `${i.about} ${i.definition}${params ? `\nParameters: ${params}.` : ""}${i.outputs.length > 1 ? `\nOutputs: ${i.outputs.join(", ")}.` : ""}`;
}
const indicatorItems = (ref: Reference): Item[] =>
  ref.indicators.map((i) => ({ label: i.name, kind: "function", detail: i.params.map((p) => p.default).join(", "), about: indicatorAbout(i) }));

/** `"a"|"b"` as its texts. */
function choices(type: string | undefined): string[] {
  return [...(type ?? "").matchAll(/"([^"]*)"/g)].map((m) => m[1]!);
}

// ---- behind a dot or a colon

function members(ref: Reference, d: Declared, c: Context, chain: string[], colon: boolean): Item[] {
  const [head, second, third] = chain;
  if (colon) return head === "ctx" && chain.length === 1 ? methodItems(ref) : head === "ctx" && second === "sym" ? fieldsOf(ref.objects.find((o) => o.name === "symbol")).filter((i) => i.kind === "function") : [];
  const library = ref.libraries.find((l) => l.name === head && head !== "");
  if (library && chain.length === 1) return library.names.map((n) => ({ label: n, kind: "function", detail: `${head}.${n}` }));
  if (head === "ctx") {
    if (chain.length === 1) return ref.ctx.map((f) => ({ label: f.name, kind: "property", detail: shortType(f.type), about: aboutOf(f) }));
    if (second === "p" && chain.length === 2) return d.params.map((p) => ({ label: p.name, kind: "variable", detail: p.kind }));
    if (second === "ind" && chain.length === 2)
      return d.indicators.map((i) => ({ label: i.name, kind: "variable", detail: i.kind, about: ref.indicators.find((r) => r.name === i.kind)?.about }));
    if (second === "ind" && chain.length === 3) {
      const kind = ref.indicators.find((r) => r.name === d.indicators.find((i) => i.name === third)?.kind);
      return kind && kind.outputs.length > 1 ? kind.outputs.map((o) => ({ label: o, kind: "property", detail: "series" })) : [];
    }
    const object = second && chain.length === 2 ? CTX_OBJECTS[second] : undefined;
    return object ? fieldsOf(ref.objects.find((o) => o.name === object)) : [];
  }
  // An argument of the callback around: `bar.`, `f.`, `e.`, `s.` by its declared type.
  const at = c.callback && chain.length === 1 ? c.callback.args.indexOf(head ?? "") : -1;
  const type = at >= 0 ? ref.callbacks.find((k) => k.name === c.callback!.name)?.args?.[at]?.[1] : undefined;
  if (type) return fieldsOf(ref.objects.find((o) => type === `perigee.${o.name}`));
  return chain.length === 1 && head === "err" ? fieldsOf(ref.objects.find((o) => o.name === "denial")) : [];
}

// ---- inside braces

/** Keys that may stand in the innermost braces; null: they are no API table. */
function tableKeys(ref: Reference, c: Context): Entry[] | null {
  const path = c.frames, f = path[path.length - 1];
  if (!f || f.open !== "{") return null;
  const method = /^ctx:(\w+)$/.exec(f.callee || (path[path.length - 2]?.open === "(" ? path[path.length - 2]!.callee : ""))?.[1];
  if (method === "timer") return ref.timer_keys;
  if (method) {
    const letter = ref.calls[method];
    return letter ? ref.options.filter((o) => o.calls?.includes(letter)) : null;
  }
  if (f.callee === "strategy" && path.length <= 2) return ref.header;
  const inHeader = path.some((p) => p.callee === "strategy");
  if (!inHeader) return null;
  if (ref.kinds.some((k) => k.name === f.callee)) return ref.param_keys;
  if (f.key === "risk") return ref.risk_keys;
  const parent = path[path.length - 2]?.key;
  if (parent === "data") return ref.stream_keys;
  if (parent === "ind") return ref.indicator_keys;
  return null;
}

function inText(ref: Reference, d: Declared, c: Context, text: string): Item[] {
  const path = c.frames, f = path[path.length - 1];
  const before = text.slice(f?.item ?? 0, c.stringStart - 1);
  const key = /([A-Za-z_]\w*)\s*=\s*$/.exec(before)?.[1];
  const asText = (list: string[], detail?: string): Item[] => list.map((label) => ({ label, kind: "constant", detail }));
  if (/\.code\s*[=~]=\s*$/.test(before)) return ref.reasons.map((r) => ({ label: r.name, kind: "constant", about: r.about }));
  if (f?.open === "{" && path[path.length - 2]?.key === "ind" && !key)
    return f.commas === 0 ? indicatorItems(ref) : d.params.map((p) => ({ label: p.name, kind: "variable", detail: p.kind }));
  if (key === "source") return asText(ref.sources);
  if (key === "on") return asText(d.streams, "stream");
  if (f?.open === "(" && f.callee === "ctx:bars") return asText(d.streams, "stream");
  const entry = key ? tableKeys(ref, c)?.find((e) => e.name === key) : undefined;
  if (entry) return asText(choices(entry.type));
  const method = f?.open === "(" ? ref.methods.find((m) => `ctx:${m.name}` === f.callee) : undefined;
  return asText(choices(method?.args?.[f?.commas ?? 0]?.[1]));
}

// ---- the whole

function globals(ref: Reference, c: Context): Item[] {
  const items: Item[] = [{ label: "ctx", kind: "variable", detail: "the bot: orders, position, indicators" }];
  for (const h of ref.helpers) items.push({ label: h.name, kind: "function", detail: `${h.name}(${(h.args ?? []).map((a) => a[0]).join(", ")})`, about: aboutOf(h), insert: `${h.name}(|)` });
  if (c.frames.some((f) => f.key === "params")) for (const k of ref.kinds) items.push({ label: k.name, kind: "class", detail: shortType(k.type), about: aboutOf(k), insert: `${k.name}{|}` });
  for (const l of ref.libraries) for (const n of l.name ? [l.name] : l.names) items.push({ label: n, kind: l.name ? "class" : "function" });
  if (c.callback) for (const a of c.callback.args) if (a && a !== "ctx") items.push({ label: a, kind: "variable" });
  for (const k of KEYWORDS) items.push({ label: k, kind: "keyword" });
  return items;
}

function callbackItems(ref: Reference, text: string): Item[] {
  return ref.callbacks
    .filter((c) => !new RegExp(`function\\s+${c.name}\\b`).test(text))
    .map((c) => {
      const args = (c.args ?? []).map((a) => a[0]).join(", ");
      return { label: c.name, kind: "function", detail: `(${args})`, about: aboutOf(c), insert: `${c.name}(${args})\n  |\nend` };
    });
}

/** Null: nothing to offer. `explicit`: the reader asked for it. */
export function complete(ref: Reference, text: string, pos: number, explicit = false): Completion | null {
  const c = contextAt(text, pos);
  if (c.inComment) return null;
  const word = /[A-Za-z_]\w*$/.exec(text.slice(Math.max(0, pos - 64), pos))?.[0] ?? "";
  const from = pos - word.length, before = text.slice(Math.max(0, from - 200), from);
  const some = (items: Item[]): Completion | null => (items.length ? { from, items } : null);
  const d = declared(text);
  if (c.inString) {
    const items = /^\w*$/.test(text.slice(c.stringStart, pos)) ? inText(ref, d, c, text) : [];
    return items.length ? { from: c.stringStart, items } : null;
  }
  const chain = /([A-Za-z_][\w.]*?)([.:])$/.exec(before);
  if (chain) return some(members(ref, d, c, chain[1]!.split("."), chain[2] === ":"));
  if (/[.:]$/.test(before) && !/\.\.$/.test(before)) return null; // of something that is not known
  if (/(^|\n)\s*function\s+$/.test(before)) return some(callbackItems(ref, text));
  const f = c.frames[c.frames.length - 1];
  const list = f && /^\s*$/.test(text.slice(f.item, from)) ? tableKeys(ref, c) : null;
  if (list) {
    const here = new Set([...text.slice(f!.start, from).matchAll(/([A-Za-z_]\w*)\s*=/g)].map((m) => m[1]));
    // A value may stand there as well: int{10}, {"sma", n}.
    return some([...keys(list.filter((e) => !here.has(e.name))), ...(word && f!.callee !== "strategy" ? globals(ref, c) : [])]);
  }
  if (!word && !explicit) return null;
  return some(globals(ref, c));
}

/** What stands at pos, in words; null: nothing that the API knows. */
export function explain(ref: Reference, text: string, pos: number): { from: number; to: number; item: Item } | null {
  let from = pos, to = pos;
  while (from > 0 && /\w/.test(text[from - 1]!)) from--;
  while (to < text.length && /\w/.test(text[to]!)) to++;
  const word = text.slice(from, to);
  if (!word) return null;
  const callback = ref.callbacks.find((c) => c.name === word);
  if (callback) return { from, to, item: { label: word, kind: "function", detail: `${word}(${(callback.args ?? []).map((a) => a[0]).join(", ")})`, about: aboutOf(callback) } };
  const offered = complete(ref, text.slice(0, to) + (text[to] === '"' || text[to] === "'" ? text.slice(to) : ` ${text.slice(to)}`), to, true)?.items.find((i) => i.label === word && i.kind !== "keyword");
  if (offered && (offered.about || offered.detail)) return { from, to, item: offered };
  const kind = ref.kinds.find((k) => k.name === word);
  if (kind) return { from, to, item: { label: word, kind: "class", detail: kind.type, about: aboutOf(kind) } };
  const gone = ref.missing.find((m) => m.name === word);
  return gone ? { from, to, item: { label: word, kind: "text", detail: "does not exist here", about: gone.about } } : null;
}
