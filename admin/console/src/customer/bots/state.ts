// A bot's state in words and colour. What each means: engine/bot/life.h.
import type { Schemas } from "~/api/client";
import type { BadgeTone } from "~/ui";

export type Bot = Schemas["Bot"];
export type BotState = Schemas["BotState"];

// What passes by itself pulses. A list of a hundred that run is still: each moving dot is a layer that the browser draws sixty times a second.
export const STATES: Record<BotState, { label: string; tone: BadgeTone; pulse?: boolean }> = {
  running: { label: "Running", tone: "good" },
  starting: { label: "Starting", tone: "info", pulse: true },
  stopping: { label: "Stopping", tone: "info", pulse: true },
  retrying: { label: "Retrying", tone: "warn", pulse: true },
  paused: { label: "Paused", tone: "warn" },
  halted: { label: "Halted", tone: "bad" },
  quarantined: { label: "Quarantined", tone: "bad" },
  dead: { label: "Dead", tone: "bad" },
  retired: { label: "Retired", tone: "bad" },
  stopped: { label: "Stopped", tone: "neutral" },
};

/** Somebody should look at it. */
export const needsCare = (s: BotState): boolean => ["retrying", "halted", "quarantined", "dead", "retired"].includes(s);
/** It was taken out: it is wanted to run, and does not until somebody has changed something. */
export const isHeld = (s: BotState): boolean => ["quarantined", "dead", "retired"].includes(s);
export const canStart = (b: Bot): boolean => (b.wanted !== "running" || isHeld(b.state)) && !["starting", "stopping", "quarantined"].includes(b.state);
export const isOn = (b: Bot): boolean => b.wanted === "running" && !isHeld(b.state);

export const orderTone = (status: string): BadgeTone =>
  status === "filled" ? "good" : status === "denied" || status === "rejected" || status === "unknown" ? "bad" : status === "open" || status === "partial" ? "info" : status === "canceled" || status === "expired" ? "neutral" : "warn";

/** "sell 0.5 limit 100", as a sentence has it. */
export function orderWords(o: { side?: string | null; type?: string | null; qty?: string | null; limit?: string | null; trigger?: string | null; symbol?: string | null }): string {
  return [o.side, o.qty, o.symbol, o.type, o.limit && `at ${o.limit}`, o.trigger && `triggered at ${o.trigger}`].filter(Boolean).join(" ");
}

/** Fills, trades and decisions name an order by its run and number; GET …/why takes both. */
export const orderRef = (run: number, order: number | undefined | null): string | null => (order ? `${run}-${order}` : null);
