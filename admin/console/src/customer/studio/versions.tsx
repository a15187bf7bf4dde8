// Versions of a strategy: what changed between two of them, which one is active, trying one with a share of the bots, and the way back.
import { createEffect, createMemo, createSignal, For, on, Show, type JSX } from "solid-js";
import { all, api, ok, type Schemas } from "~/api/client";
import { Difference } from "~/code";
import { formatDateTime } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, ConfirmDialog, ErrorState, Field, Note, Panel, Segmented, Select, Skeleton, TextField, toast } from "~/ui";
import { verdictOf, VerdictBadge, VerdictPanel } from "./verdict";

export type Version = Schemas["Version"];
export type Strategy = Schemas["Strategy"];

export const readVersion = (id: string, version: number): Promise<Version> => ok(api.GET("/api/v1/strategies/{strategy_id}/versions/{version}", { params: { path: { strategy_id: id, version } } }));

function Activate(props: { strategy: Strategy; version: Version; onClose: () => void; onDone: () => void }): JSX.Element {
  const [how, setHow] = createSignal<"all" | "some">("all");
  const [percent, setPercent] = createSignal("10");
  const [minutes, setMinutes] = createSignal("60");
  const [drawdown, setDrawdown] = createSignal("0.05");
  const bad = () => how() === "some" && !(Number(percent()) >= 1 && Number(percent()) <= 99 && Number.isInteger(Number(percent())));
  const act = async (): Promise<void> => {
    const body = how() === "all" ? {} : { canary_percent: Number(percent()), ...(Number(minutes()) > 0 ? { for_minutes: Math.trunc(Number(minutes())) } : {}), ...(drawdown().trim() ? { drawdown_limit: drawdown().trim() } : {}) };
    await ok(api.POST("/api/v1/strategies/{strategy_id}/versions/{version}/activate", { params: { path: { strategy_id: props.strategy.id, version: props.version.version } }, body }));
    toast(how() === "all" ? `Version ${props.version.version} is active` : `Version ${props.version.version} is tried by ${percent()} % of the bots`);
    props.onDone();
  };
  return (
    <ConfirmDialog title={`Activate version ${props.version.version}?`} confirm={how() === "all" ? "Activate" : "Begin the trial"} action={act} disabled={bad()} onClose={props.onClose}>
      <p>Running bots that follow this strategy change over at a bar's end, keeping orders, positions and state. A bot in which the new version fails goes on with the old one and says why.</p>
      <Segmented label="For whom" value={how()} onValue={setHow} items={[{ value: "all", label: "All bots" }, { value: "some", label: "Some first" }]} />
      <Show when={how() === "some"}>
        <div class="studio-fields">
          <TextField label="Share of the bots" unit="%" numeric value={percent()} onValue={setPercent} error={bad() ? "1 to 99." : undefined} />
          <TextField label="For" unit="minutes" numeric value={minutes()} onValue={setMinutes} hint="Then all take it, unless it went back" />
          <TextField label="Back when equity falls by" numeric value={drawdown()} onValue={setDrawdown} hint="A share of 1: 0.05 is 5 %. Any error sends it back, too" />
        </div>
      </Show>
    </ConfirmDialog>
  );
}

export function Versions(props: { strategy: Strategy; onChanged: () => void; onEdit: (v: Version) => void }): JSX.Element {
  const [list, { refetch }] = createResource(() => [props.strategy.id, props.strategy.latest_version, props.strategy.active_version] as const, ([id]) =>
    all((cursor) => ok(api.GET("/api/v1/strategies/{strategy_id}/versions", { params: { path: { strategy_id: id }, query: { limit: 100, cursor } } })), 500));
  const [before, setBefore] = createSignal(0);
  const [after, setAfter] = createSignal(0);
  createEffect(on(() => list.latest, (versions) => {
    if (!versions?.length || after()) return;
    setAfter(versions[0]!.version);
    setBefore(props.strategy.active_version && props.strategy.active_version !== versions[0]!.version ? props.strategy.active_version : (versions[1]?.version ?? versions[0]!.version));
  }));
  const [one] = createResource(() => before() || null, (n) => readVersion(props.strategy.id, n));
  const [other] = createResource(() => after() || null, (n) => readVersion(props.strategy.id, n));
  const [activating, setActivating] = createSignal<Version | null>(null);
  const [rolling, setRolling] = createSignal(false);
  const [shape, setShape] = createSignal<"split" | "unified">(matchMedia("(min-width: 1000px)").matches ? "split" : "unified");
  const choices = createMemo(() => (list.latest ?? []).map((v) => ({ value: String(v.version), label: `Version ${v.version}${v.active ? " (active)" : ""}${v.comment ? ` – ${v.comment}` : ""}` })));
  const verdict = () => verdictOf(other.latest?.verdict);
  const trial = () => (props.strategy.trial?.state === "running" ? props.strategy.trial : null);
  return (
    <div class="stack">
      <Show when={trial()}>
        {(t) => <Note tone="warn" title={`Version ${t().version} is being tried by ${t().canary_percent} % of the bots`}><p class="small">Since {formatDateTime(t().started_at_ms)}{t().until_ms ? `, until ${formatDateTime(t().until_ms)}` : ""}; {t().errors ?? 0} errors so far. Version {t().version_before} is what all others run.</p></Note>}
      </Show>
      <Show when={props.strategy.trial?.state === "rolled_back" && props.strategy.trial.reason !== "by hand" && props.strategy.trial}>
        {(t) => <Note tone="bad" title={`Version ${t().version} went back`}><p class="small">It was tried by {t().canary_percent} % of the bots: {t().reason}. {formatDateTime(t().ended_at_ms)}</p></Note>}
      </Show>
      <Panel title="Versions" flush actions={<Button icon="history" disabled={!trial() && (props.strategy.latest_version < 2 || !props.strategy.active_version)} onClick={() => setRolling(true)}>Roll back</Button>}>
        <Show when={list.state !== "errored"} fallback={<ErrorState error={list.error} onRetry={() => void refetch()} />}>
          <Show when={list.latest} fallback={<div class="bt-pad"><Skeleton lines={4} height={24} /></div>}>
            <ul class="studio-versions">
              <For each={list.latest}>
                {(v) => (
                  <li classList={{ chosen: v.version === after() }}>
                    <button type="button" class="studio-version" aria-pressed={v.version === after()} onClick={() => setAfter(v.version)}>
                      <span class="strong">Version {v.version}</span>
                      <Show when={v.active}><Badge tone="accent">Active</Badge></Show>
                      <VerdictBadge state={v.state} verdict={null} />
                      <span class="small muted grow ellipsis">{v.comment || "no comment"}</span>
                      <span class="small muted"><Ago ms={v.created_at_ms} /></span>
                    </button>
                    <div class="row studio-version-do">
                      <Show when={!v.active && v.state === "proven"}><Button small onClick={() => setActivating(v)}>Activate</Button></Show>
                      <Button small kind="quiet" icon="edit" onClick={() => props.onEdit(v)}>Edit</Button>
                    </div>
                  </li>
                )}
              </For>
            </ul>
          </Show>
        </Show>
      </Panel>
      <Show when={choices().length > 1}>
        <Panel title="What changed" flush actions={<Segmented label="Shape" value={shape()} onValue={setShape} items={[{ value: "split", label: "Side by side" }, { value: "unified", label: "One column" }]} />}>
          <div class="studio-fields bt-pad">
            <Select label="From" value={String(before())} onValue={(v) => setBefore(Number(v))} options={choices()} />
            <Select label="To" value={String(after())} onValue={(v) => setAfter(Number(v))} options={choices()} />
          </div>
          <Show when={one.latest && other.latest} fallback={<div class="bt-pad"><Skeleton lines={6} /></div>}>
            <Show when={one.latest!.source !== other.latest!.source} fallback={<p class="bt-pad muted">The two are the same, byte by byte.</p>}>
              <Difference before={one.latest!.source ?? ""} after={other.latest!.source ?? ""} labels={[`Version ${before()}`, `Version ${after()}`]} unified={shape() === "unified"} />
            </Show>
          </Show>
        </Panel>
      </Show>
      <Show when={verdict()}>{(v) => <Panel title={`Proof of version ${after()}`} actions={<VerdictBadge state={other.latest!.state} verdict={v()} />}><VerdictPanel verdict={v()} /></Panel>}</Show>
      <Show when={activating()}>{(v) => <Activate strategy={props.strategy} version={v()} onClose={() => setActivating(null)} onDone={() => { void refetch(); props.onChanged(); }} />}</Show>
      <Show when={rolling()}>
        <ConfirmDialog title={trial() ? "End the trial?" : "Roll back?"} confirm={trial() ? "End it" : "Roll back"} danger onClose={() => setRolling(false)} action={async () => {
          const s = await ok(api.POST("/api/v1/strategies/{strategy_id}/rollback", { params: { path: { strategy_id: props.strategy.id } } }));
          toast(`Version ${s.active_version ?? "–"} is active`);
          void refetch();
          props.onChanged();
        }}>
          <p>{trial() ? `Bots that try version ${trial()!.version} go back to version ${trial()!.version_before}.` : "The version that was active before becomes active again. Running bots change over at a bar's end, keeping orders, positions and state."}</p>
        </ConfirmDialog>
      </Show>
    </div>
  );
}

/** Asks for a comment, then uploads; the answer's verdict is the page's to show. */
export function SaveDialog(props: { onSave: (comment: string, activate: boolean) => Promise<void>; onClose: () => void; hasBots: boolean }): JSX.Element {
  const [comment, setComment] = createSignal("");
  const [activate, setActivate] = createSignal(false);
  return (
    <ConfirmDialog title="Save as a new version" confirm="Save and prove" onClose={props.onClose} action={() => props.onSave(comment().trim(), activate())}>
      <p class="muted">It is run a few dozen times in seconds: is it deterministic, does it look ahead, does it survive doubled costs? A version that fails is kept, and can never be active.</p>
      <Field label="What changed"  hint="Shown in the list of versions">{(p) => <input {...p} class="input" maxlength="200" value={comment()} onInput={(e) => setComment(e.currentTarget.value)} autofocus />}</Field>
      <label class="check"><input type="checkbox" checked={activate()} onChange={(e) => setActivate(e.currentTarget.checked)} /><span>Activate it when it is proven<br /><span class="small muted">{props.hasBots ? "Running bots take it at a bar's end." : "Bots made from now on use it."}</span></span></label>
    </ConfirmDialog>
  );
}
