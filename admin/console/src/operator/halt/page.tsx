// The kill switch at every level: what is in force, by whom, since when; halting and resuming.
import { A, useSearchParams } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, ConfirmDialog, Empty, ErrorNote, Load, Note, PageHead, Panel, Select, Table, TextField, toast, type Column } from "~/ui";
import { refreshHalts } from "../layout";
import { may } from "../lib/may";
import { HALT_MODES, haltMode, Id } from "../lib/parts";

type Halt = Schemas["Halt"];
type Level = Schemas["HaltLevel"];
type Mode = Schemas["HaltMode"];

const LEVELS: { value: Level; label: string }[] = [{ value: "all", label: "Everything" }, { value: "venue", label: "A venue" }, { value: "tenant", label: "A tenant" }, { value: "bot", label: "A bot" }];
const CAUSES: Record<string, string> = { operator: "an operator", owner: "its owner", file: "the file HALT", risk: "a risk rule" };

function what(h: Halt): string {
  return h.level === "all" ? "Everything" : h.level === "venue" ? `Venue ${h.id}` : `${h.level === "tenant" ? "Tenant" : "Bot"} ${h.name ?? h.id}`;
}

export default function HaltPage(): JSX.Element {
  const [params] = useSearchParams<{ tenant?: string; bot?: string }>();
  const [halts, { refetch }] = createResource(() => ok(api.GET("/api/v1/admin/halt")));
  const [level, setLevel] = createSignal<Level>(params.tenant ? "tenant" : params.bot ? "bot" : "all");
  const [id, setId] = createSignal(params.tenant ?? params.bot ?? "");
  const [mode, setMode] = createSignal<Mode>("reduce");
  const [asking, setAsking] = createSignal(false);
  const [lifting, setLifting] = createSignal<Halt | null>(null);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const changed = (answer: Schemas["HaltList"], said: string, tone: "warn" | "good"): void => {
    toast(said, tone, answer.audited === false ? "It is in force and durable, but could not be written into the audit log." : undefined);
    refreshHalts();
    void refetch();
  };
  const halt = async (): Promise<void> => {
    const answer = await ok(api.POST("/api/v1/admin/halt", { body: { level: level(), id: level() === "all" ? undefined : id().trim(), mode: mode() } }));
    changed(answer, "Halted", "warn");
  };
  const lift = async (h: Halt): Promise<void> => {
    const answer = await ok(api.DELETE("/api/v1/admin/halt", { params: { query: { level: h.level, id: h.id || undefined } } }));
    changed(answer, `${what(h)} may trade again`, "good");
  };
  const submit = (e: SubmitEvent): void => {
    e.preventDefault();
    setProblem(null);
    if (level() !== "all" && !id().trim()) return void setProblem(toProblem(new Error(level() === "venue" ? "Which venue?" : "Whose id?")));
    setAsking(true);
  };

  const columns: readonly Column<Halt>[] = [
    { id: "what", label: "What", value: what, lead: true, cell: (h) => <span class="row"><Show when={h.level === "bot"} fallback={what(h)}><A href={`/bots/${h.id}`}>{what(h)}</A></Show><Show when={h.name}><Id id={h.id} /></Show></span> },
    { id: "mode", label: "How", value: (h) => h.mode, cell: (h) => <Badge tone="bad">{haltMode(h.mode)}</Badge> },
    { id: "by", label: "By", value: (h) => h.by ?? h.cause, cell: (h) => <span>{h.by ?? CAUSES[h.cause] ?? h.cause}<Show when={h.by}> <span class="small muted">{CAUSES[h.cause] ?? h.cause}</span></Show></span> },
    { id: "since", label: "Since", value: (h) => h.since_ms, cell: (h) => <Ago ms={h.since_ms} /> },
    { id: "act", label: "", value: () => "", bare: true, cell: (h) => <Show when={may("halt")}><Button small onClick={() => setLifting(h)}>Resume</Button></Show> },
  ];
  return (
    <>
      <PageHead title="Halt" />
      <div class="stack">
        <Panel title="In force" flush>
          <Load of={halts} retry={() => void refetch()}>
            {(h) => <Table label="Halts in force" rows={h().items} columns={columns} key={(x) => x.level + x.id} empty={<Empty icon="check" title="Nothing is halted" text="Bots trade as their owners and limits let them." />} />}
          </Load>
        </Panel>
        <Show when={may("halt")} fallback={<Note>Your role reads; an admin halts.</Note>}>
          <Panel title="Halt">
            <form class="stack" onSubmit={submit}>
              <div class="op-grid">
                <Select label="What" value={level()} onValue={(v) => setLevel(v as Level)} options={LEVELS} />
                <Show when={level() !== "all"}><TextField label={level() === "venue" ? "Venue's name" : level() === "tenant" ? "Tenant's id" : "Bot's id"} value={id()} onValue={setId} placeholder={level() === "venue" ? "bybit" : level() === "tenant" ? "org_…" : "bot_…"} problem={problem()} pointer="/id" /></Show>
                <Select label="How" value={mode()} onValue={(v) => setMode(v as Mode)} options={HALT_MODES} hint={HALT_MODES.find((m) => m.value === mode())?.text} />
              </div>
              <ErrorNote problem={problem()} />
              <div class="row"><Button type="submit" kind="danger" solid icon="stop">Halt…</Button><span class="small muted">Durable when it is answered, also with a full disk. A second halt never makes the first one milder.</span></div>
            </form>
          </Panel>
        </Show>
      </div>
      <Show when={asking()}>
        <ConfirmDialog title={level() === "all" ? "Halt everything" : `Halt ${level()} ${id()}`} confirm="Halt now" danger action={halt} onClose={() => setAsking(false)}>
          <p>{level() === "all" ? "Every bot of every tenant" : level() === "venue" ? "Every bot that trades there" : level() === "tenant" ? "Every bot of this tenant" : "This bot"}: {haltMode(mode()).toLowerCase()}. It holds at once and over a restart, until somebody resumes it.</p>
        </ConfirmDialog>
      </Show>
      <Show when={lifting()}>
        {(h) => (
          <ConfirmDialog title={`Resume: ${what(h()).toLowerCase()}`} confirm="Resume" action={() => lift(h())} onClose={() => setLifting(null)}>
            <p>Trading goes on at once where no other level holds it. Positions that were closed stay closed.</p>
          </ConfirmDialog>
        )}
      </Show>
    </>
  );
}
