// One backtest or search, from waiting to its result: its row, what the stream says of its progress, and an end to it.
import { createEffect, createSignal, on, onCleanup, type Accessor } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { subscribe } from "~/api/live";
import { toProblem, type Problem } from "~/api/problem";
import type { Result } from "./result";

export type BacktestRow = Schemas["Backtest"];
export const isOpen = (state: string | undefined): boolean => state === "queued" || state === "running";
export const resultOf = (row: BacktestRow | null | undefined): Result | null => (row?.result as unknown as Result | null | undefined) ?? null;

export const STATES: Record<BacktestRow["state"], { label: string; tone: "good" | "bad" | "warn" | "info" | "neutral" }> = {
  queued: { label: "Waiting", tone: "neutral" },
  running: { label: "Running", tone: "info" },
  done: { label: "Done", tone: "good" },
  failed: { label: "Failed", tone: "bad" },
  cancelled: { label: "Cancelled", tone: "neutral" },
};

export interface Following {
  row: Accessor<BacktestRow | null>;
  progress: Accessor<number>; // 0 … 1
  problem: Accessor<Problem | null>;
  reload: () => void;
  cancel: () => Promise<void>;
}

interface Kind {
  channel: string;
  read: (id: string) => Promise<BacktestRow>;
  cancel: (id: string) => Promise<unknown>;
}
const ONE: Kind = {
  channel: "backtest",
  read: (id) => ok(api.GET("/api/v1/backtests/{backtest_id}", { params: { path: { backtest_id: id } } })),
  cancel: (id) => ok(api.DELETE("/api/v1/backtests/{backtest_id}", { params: { path: { backtest_id: id } } })),
};
const SEARCH: Kind = {
  channel: "optimization",
  read: (id) => ok(api.GET("/api/v1/optimizations/{optimization_id}", { params: { path: { optimization_id: id } } })),
  cancel: (id) => ok(api.DELETE("/api/v1/optimizations/{optimization_id}", { params: { path: { optimization_id: id } } })),
};

/** Follows the backtest of that id, anew when the id changes. */
export const followBacktest = (id: Accessor<string | null>): Following => follow(ONE, id);
/** The same for a search for parameters, whose row is alike. */
export const followSearch = (id: Accessor<string | null>): Following => follow(SEARCH, id);

function follow(kind: Kind, id: Accessor<string | null>): Following {
  const [row, setRow] = createSignal<BacktestRow | null>(null);
  const [progress, setProgress] = createSignal(0);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const read = async (which: string): Promise<void> => {
    try {
      const r = await kind.read(which);
      if (id() !== which) return; // another is looked at meanwhile
      setRow(r);
      setProgress(r.progress);
      setProblem(null);
    } catch (e) {
      if (id() === which) setProblem(toProblem(e));
    }
  };
  createEffect(on(id, (which) => {
    setRow(null);
    setProgress(0);
    setProblem(null);
    if (!which) return;
    void read(which);
    onCleanup(subscribe(`${kind.channel}:${which}`, {
      reload: () => void (isOpen(row()?.state ?? "queued") && read(which)),
      events(list) {
        for (const e of list) {
          if (e.type === "progress") setProgress((e.data as { progress?: number }).progress ?? 0);
          else if (e.type === "running") setRow((r) => (r && r.state === "queued" ? { ...r, state: "running" } : r));
          else void read(which);
        }
      },
      // Long over: the channel is gone, the row is not.
      denied: () => undefined,
    }));
  }));
  return {
    row, progress, problem,
    reload: () => {
      const which = id();
      if (which) void read(which);
    },
    async cancel() {
      const which = id();
      if (!which) return;
      await kind.cancel(which);
      await read(which);
    },
  };
}

const PARAM_WORDS = 4;
/** The chosen parameters in a line: "fast 10, slow 30". */
export function paramsOf(row: BacktestRow): string {
  const params = Object.entries(((row.request as { params?: Record<string, unknown> } | undefined)?.params ?? {}));
  const shown = params.slice(0, PARAM_WORDS).map(([k, v]) => `${k} ${String(v)}`).join(", ");
  return params.length > PARAM_WORDS ? `${shown}, …` : shown;
}
