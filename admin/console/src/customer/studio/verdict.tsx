// What the proofs of an upload found: each question with its answer, in a quant's words.
import { For, Show, type JSX } from "solid-js";
import { formatCount, formatPercent } from "~/lib/format";
import { Badge, Icon, type IconName } from "~/ui";

export interface Verdict {
  verdict: "pass" | "warn" | "fail";
  checks: { check: string; status: "pass" | "warn" | "fail" | "skip"; reason: string }[];
  data?: { label: string; real: boolean; bars: number }[];
  figures?: Record<string, number | string>;
  seconds?: number;
}

export const verdictOf = (v: unknown): Verdict | null => (v && Array.isArray((v as Verdict).checks) ? (v as Verdict) : null);

const QUESTIONS: Record<string, string> = {
  describe: "Is the header right?",
  lint: "Anything unusual?",
  run: "Does it run to the end?",
  determinism: "Deterministic: twice the same?",
  lookahead: "Does it look ahead?",
  warmup: "Enough warm-up?",
  start: "Does the day it starts matter?",
  calendar: "Dates written into it?",
  paths: "Does a guess inside bars decide?",
  costs: "Does it survive doubled costs?",
};
const LOOKS: Record<string, { icon: IconName; tone: "up" | "down" | "warn" | "muted"; word: string }> = {
  pass: { icon: "check", tone: "up", word: "passed" },
  warn: { icon: "warn", tone: "warn", word: "look at this" },
  fail: { icon: "close", tone: "down", word: "failed" },
  skip: { icon: "more", tone: "muted", word: "not tried" },
};

export function VerdictBadge(props: { state: string; verdict: Verdict | null }): JSX.Element {
  const warned = () => props.verdict?.checks.filter((c) => c.status === "warn").length ?? 0;
  return (
    <Show when={props.state !== "rejected"} fallback={<Badge tone="bad">Rejected</Badge>}>
      <Badge tone={props.state === "proven" ? (warned() ? "warn" : "good") : "neutral"}>{props.state === "proven" ? (warned() ? `Proven, ${warned()} warning${warned() > 1 ? "s" : ""}` : "Proven") : "Not proven"}</Badge>
    </Show>
  );
}

export function VerdictPanel(props: { verdict: Verdict }): JSX.Element {
  const made = () => props.verdict.data?.length && props.verdict.data.every((d) => !d.real);
  const f = () => props.verdict.figures ?? {};
  return (
    <div class="stack-s">
      <ul class="studio-checks">
        <For each={props.verdict.checks}>
          {(c) => {
            const look = LOOKS[c.status] ?? LOOKS.skip!;
            return (
              <li>
                <span class={look.tone}><Icon name={look.icon} /></span>
                <div><span class="strong">{QUESTIONS[c.check] ?? c.check}</span> <span class="sr">{look.word}.</span><br /><span class="small muted break">{c.reason}</span></div>
              </li>
            );
          }}
        </For>
      </ul>
      <p class="tiny muted">
        {made() ? "Proven on prices that were made up for its data plan: the figures mean nothing, the questions do. " : ""}
        <Show when={typeof f().bars === "number"}>{formatCount(f().bars as number)} bars, {formatCount(f().fills as number)} fills</Show>
        <Show when={typeof f().return_pct_doubled_costs === "number"}>, {formatPercent(f().return_pct as number)} and with doubled costs {formatPercent(f().return_pct_doubled_costs as number)}</Show>.
      </p>
    </div>
  );
}
