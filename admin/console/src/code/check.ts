// Errors while typing: asks the service after each pause, one question at a time, the newest source last. What is asked is the page's to
// say: createChecker((source) => ok(api.POST("/api/v1/strategies/check", { body: { source } }))).
import { createSignal, onCleanup } from "solid-js";
import type { Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";

export type Check = Schemas["Check"];
export type CheckProblem = Schemas["CheckProblem"];

const PAUSE_MS = 350;
const AGAIN_MS = 2000;

export interface Checker {
  /** The newest answer and the source it is about. */
  answer: () => { source: string; check: Check } | null;
  busy: () => boolean;
  problem: () => Problem | null;
  look: (source: string) => void;
}

export function createChecker(question: (source: string) => Promise<Check>): Checker {
  const [answer, setAnswer] = createSignal<{ source: string; check: Check } | null>(null);
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined, wanted: string | null = null, running = false, gone = false;

  async function ask(): Promise<void> {
    if (running || wanted === null || gone) return;
    const source = wanted;
    wanted = null;
    running = true;
    let wait = 0;
    try {
      const check = await question(source);
      setAnswer({ source, check });
      setProblem(null);
    } catch (e) {
      const p = toProblem(e);
      setProblem(p);
      // Busy, too often, no connection: asked again, as long as nothing newer is wanted.
      if (p.status === 0 || p.status === 429 || p.status === 503) {
        wanted ??= source;
        wait = p.retryAfterS ? p.retryAfterS * 1000 : AGAIN_MS;
      }
    }
    running = false;
    if (wanted === null) setBusy(false);
    else timer = setTimeout(() => void ask(), wait);
  }

  onCleanup(() => {
    gone = true;
    clearTimeout(timer);
  });
  return {
    answer, busy, problem,
    look(source) {
      if (!source.trim() || new TextEncoder().encode(source).length > 65536) return;
      wanted = source;
      setBusy(true);
      clearTimeout(timer);
      timer = setTimeout(() => void ask(), PAUSE_MS);
    },
  };
}

/** Offsets of a place that is told in lines and characters; null when it names no line of this text. */
export function spanOf(text: string, p: { line: number | null; column: number; length: number }): { from: number; to: number } | null {
  if (p.line === null) return null;
  let start = 0;
  for (let i = 1; i < p.line; i++) {
    const end = text.indexOf("\n", start);
    if (end < 0) return null;
    start = end + 1;
  }
  const end = text.indexOf("\n", start), line = text.slice(start, end < 0 ? text.length : end);
  // Characters are code points there, UTF-16 here.
  const points = [...line], units = (n: number): number => points.slice(0, n).join("").length;
  const from = start + units(Math.max(0, p.column - 1)), to = start + units(p.column - 1 + p.length);
  return { from, to: Math.max(to, Math.min(from + 1, start + line.length)) };
}
