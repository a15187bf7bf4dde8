// Where in a strategy's source is the cursor? Which brackets are open around it and what stands before each, which callback it is in,
// and what the header declares. Pure; works on half-written text, so nothing here insists on correct Lua.

export interface Frame {
  open: "{" | "(" | "[";
  /** What stands before the bracket on the way back to a separator: "ctx:buy", "strategy", "ind =" gives key "ind". */
  callee: string;
  key: string; // of `key = {`
  start: number; // behind the bracket
  /** Commas at this level before the cursor. */
  commas: number;
  /** Offset behind the last `{`, `(`, `,` or `;` of this level: where the present item begins. */
  item: number;
}

export interface Context {
  frames: Frame[]; // outermost first
  inString: boolean; // in quotes that are not closed yet
  stringStart: number; // behind the quote
  inComment: boolean;
  /** Argument names of the callback around the cursor: bar → on_bar's second. */
  callback: { name: string; args: string[] } | null;
}

const WORD = /[A-Za-z0-9_]/;

function longBracket(text: string, at: number): number {
  const m = /^\[(=*)\[/.exec(text.slice(at, at + 40));
  return m ? m[1]!.length : -1;
}

/** What the text before `pos` leaves open. */
export function contextAt(text: string, pos: number): Context {
  const frames: Frame[] = [];
  const c: Context = { frames, inString: false, stringStart: 0, inComment: false, callback: null };
  let i = 0;
  const top = () => frames[frames.length - 1];
  while (i < pos) {
    const ch = text[i]!;
    if (ch === "-" && text[i + 1] === "-") {
      const level = longBracket(text, i + 2);
      const end = level >= 0 ? text.indexOf(`]${"=".repeat(level)}]`, i + 2) : text.indexOf("\n", i);
      if (end < 0 || end >= pos) {
        c.inComment = true;
        return c;
      }
      i = level >= 0 ? end + level + 2 : end;
      continue;
    }
    if (ch === '"' || ch === "'") {
      let k = i + 1;
      while (k < text.length && text[k] !== ch && text[k] !== "\n") k += text[k] === "\\" ? 2 : 1;
      if (k >= pos) {
        c.inString = true;
        c.stringStart = i + 1;
        break;
      }
      i = k + 1;
      continue;
    }
    const level = ch === "[" ? longBracket(text, i) : -1;
    if (level >= 0) {
      const end = text.indexOf(`]${"=".repeat(level)}]`, i);
      if (end < 0 || end >= pos) {
        c.inString = true;
        c.stringStart = i + level + 2;
        break;
      }
      i = end + level + 2;
      continue;
    }
    if (ch === "{" || ch === "(" || ch === "[") {
      const before = text.slice(Math.max(0, i - 120), i);
      frames.push({ open: ch, callee: /([A-Za-z_][\w.:]*)\s*\(?\s*$/.exec(before)?.[1] ?? "", key: /([A-Za-z_]\w*)\s*=\s*$/.exec(before)?.[1] ?? "", start: i + 1, commas: 0, item: i + 1 });
    } else if (ch === "}" || ch === ")" || ch === "]") {
      frames.pop();
    } else if (ch === "," || ch === ";") {
      const f = top();
      if (f) {
        f.commas++;
        f.item = i + 1;
      }
    } else if (ch === "f" && frames.length === 0 && text.startsWith("function ", i) && !WORD.test(text[i - 1] ?? " ")) {
      const m = /^function\s+([A-Za-z_]\w*)\s*\(([^)]*)\)/.exec(text.slice(i, i + 200));
      if (m) c.callback = { name: m[1]!, args: m[2]!.split(",").map((a) => a.trim()) };
    }
    i++;
  }
  return c;
}

/** Without comments, and without brackets and separators in texts; every offset stays. */
function bare(text: string): string {
  return text.replace(/--\[\[[\s\S]*?(?:\]\]|$)|--[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, (m) => (m[0] === "-" ? m.replace(/[^\n]/g, " ") : m.replace(/[{}(),;]/g, " ")));
}

/** The text of a `name = { … }` in the header, without the braces; "" when there is none. */
function block(text: string, name: string): string {
  const m = new RegExp(`\\b${name}\\s*=\\s*\\{`).exec(text);
  if (!m) return "";
  const from = m.index + m[0].length;
  for (let i = from, depth = 1; i < text.length; i++) {
    if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return text.slice(from, i);
  }
  return text.slice(from);
}

/** `key = KIND{…}` or `key = {…}` at the outer level of a block. */
function entries(body: string): { name: string; text: string }[] {
  const out: { name: string; text: string }[] = [];
  let depth = 0;
  for (let i = 0, start = 0; i <= body.length; i++) {
    const ch = body[i];
    if (ch === "{" || ch === "(") depth++;
    else if (ch === "}" || ch === ")") depth--;
    if ((ch === "," || ch === ";" || i === body.length) && depth === 0) {
      const m = /^\s*([A-Za-z_]\w*)\s*=\s*([\s\S]*)$/.exec(body.slice(start, i));
      if (m) out.push({ name: m[1]!, text: m[2]! });
      start = i + 1;
    }
  }
  return out;
}

export interface Declared {
  params: { name: string; kind: string }[];
  indicators: { name: string; kind: string }[];
  streams: string[];
}

/** What the header declares, as far as it can be read while it is being written. */
export function declared(source: string): Declared {
  const text = bare(source);
  return {
    params: entries(block(text, "params")).map((e) => ({ name: e.name, kind: /^(\w+)\s*\{/.exec(e.text)?.[1] ?? "" })),
    indicators: entries(block(text, "ind")).map((e) => ({ name: e.name, kind: /^\{\s*["']([\w]+)["']/.exec(e.text)?.[1] ?? "" })),
    streams: entries(block(text, "data")).map((e) => e.name),
  };
}
