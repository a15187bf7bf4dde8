// One script of the installation: its versions, what changed between them, activating (of a strategy also for a share of the bots first),
// rolling back, and who did what when.
import { A, useParams, useSearchParams } from "@solidjs/router";
import { createSignal, For, onCleanup, Show, Suspense, type JSX } from "solid-js";
import { all, api, ok, okTagged, type Schemas } from "~/api/client";
import { Editor } from "~/code";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, ConfirmDialog, Empty, Load, Note, PageHead, Panel, Segmented, Select, Skeleton, Table, Tabs, TextField, Time, toast, type Column } from "~/ui";
import { may } from "../lib/may";
import { createPages } from "~/ui/pages";
import { Id } from "../lib/parts";
import { Edit } from "./edit";

type Script = Schemas["Script"];
type Version = Schemas["Version"];
type Activation = Schemas["ScriptActivation"];

const path = (id: string) => ({ path: { script_id: id } });
const readVersion = (id: string, version: number) => ok(api.GET("/api/v1/admin/scripts/{script_id}/versions/{version}", { params: { path: { script_id: id, version } } }));

function ActivateDialog(props: { script: Script; etag: string; version: Version; onClose: () => void; done: () => void }): JSX.Element {
  const [how, setHow] = createSignal<"all" | "some">("all");
  const [percent, setPercent] = createSignal("10");
  const [minutes, setMinutes] = createSignal("60");
  const [drawdown, setDrawdown] = createSignal("");
  const bad = () => how() === "some" && !/^[1-9][0-9]?$/.test(percent());
  const act = async (): Promise<void> => {
    const body = how() === "all" ? {} : { canary_percent: Number(percent()), ...(Number(minutes()) >= 1 ? { for_minutes: Math.trunc(Number(minutes())) } : {}), ...(drawdown().trim() ? { drawdown_limit: drawdown().trim() } : {}) };
    await ok(api.POST("/api/v1/admin/scripts/{script_id}/versions/{version}/activate", { params: { path: { script_id: props.script.id, version: props.version.version }, header: { "If-Match": props.etag } }, body }));
    toast(how() === "all" ? `Version ${props.version.version} is active` : `Version ${props.version.version} is tried by ${percent()} % of the bots`);
    props.done();
  };
  return (
    <ConfirmDialog title={`Activate version ${props.version.version} of ${props.script.name}`} confirm={how() === "all" ? "Activate" : "Begin the trial"} disabled={bad()} action={act} onClose={props.onClose}>
      <p>{props.script.kind === "strategy" ? "Running bots that follow it change over at a bar's end, keeping orders, positions and state. A bot in which the new version fails goes on with the old one and says why." : "It is in force everywhere with the next request, without a restart."}</p>
      <Show when={props.script.kind === "strategy"}>
        <Segmented label="For whom" value={how()} onValue={setHow} items={[{ value: "all", label: "All bots" }, { value: "some", label: "Some first" }]} />
        <Show when={how() === "some"}>
          <div class="op-grid">
            <TextField label="Share of the bots" unit="%" numeric value={percent()} onValue={setPercent} error={bad() ? "1 to 99." : undefined} />
            <TextField label="For" unit="minutes" numeric value={minutes()} onValue={setMinutes} hint="Then all take it, unless it went back" />
            <TextField label="Back when equity falls by" numeric value={drawdown()} onValue={setDrawdown} hint="A share of 1: 0.05 is 5 %. Any error sends it back, too" />
          </div>
        </Show>
      </Show>
    </ConfirmDialog>
  );
}

function Diff(props: { id: string; from: number; to: number }): JSX.Element {
  const [diff, { refetch }] = createResource(() => [props.id, props.from, props.to] as const, ([id, from, to]) => ok(api.GET("/api/v1/admin/scripts/{script_id}/diff", { params: { ...path(id), query: { from, to } } })));
  const mark = (line: string): string => (line.startsWith("@@") ? "at" : line.startsWith("+") ? "add" : line.startsWith("-") ? "del" : "");
  return (
    <Load of={diff} retry={() => void refetch()}>
      {(d) => <Show when={d().diff} fallback={<p class="muted">The two are the same.</p>}><pre class="op-code" tabindex="0" aria-label="Difference"><For each={d().diff.replace(/\n$/, "").split("\n")}>{(line) => <span class={mark(line)}>{line + "\n"}</span>}</For></pre></Show>}
    </Load>
  );
}

function History(props: { id: string; revision: number }): JSX.Element {
  const pages = createPages(() => [props.id, props.revision] as const, ([id], cursor) => ok(api.GET("/api/v1/admin/scripts/{script_id}/activations", { params: { ...path(id), query: { limit: 50, cursor } } })));
  const columns: readonly Column<Activation>[] = [
    { id: "time", label: "When", value: (a) => a.at_ms, cell: (a) => <Time ms={a.at_ms} /> },
    { id: "what", label: "Active from then on", value: (a) => a.version, lead: true, cell: (a) => <span class="row">version {a.version}<Show when={a.previous && a.previous > a.version}><Badge tone="warn">back</Badge></Show></span> },
    { id: "before", label: "Before", value: (a) => a.previous ?? 0, cell: (a) => (a.previous ? `version ${a.previous}` : "none") },
    { id: "who", label: "By", value: (a) => a.actor ?? a.actor_id, cell: (a) => <Show when={a.actor_id} fallback={<span class="muted">the machine</span>}><A href={`/users/${a.actor_id}`}>{a.actor ?? a.actor_id}</A></Show> },
  ];
  return <Load of={pages.of} retry={pages.reload}>{() => <Table label="Activations" rows={pages.rows()} columns={columns} key={(a) => String(a.revision)} more={pages.more()} empty={<Empty icon="history" title="None was active yet" />} />}</Load>;
}

const TABS = [{ value: "versions", label: "Versions" }, { value: "source", label: "Source" }, { value: "diff", label: "What changed" }, { value: "history", label: "Who and when" }];

export default function ScriptPage(): JSX.Element {
  const params = useParams<{ id: string }>();
  const [search, setSearch] = useSearchParams<{ tab?: string }>();
  const [script, { refetch }] = createResource(() => params.id, (id) => okTagged(api.GET("/api/v1/admin/scripts/{script_id}", { params: path(id) })));
  const [versions, { refetch: refetchVersions }] = createResource(() => [params.id, script.latest?.data.latest_version, script.latest?.data.active_version] as const, ([id]) => all((cursor) => ok(api.GET("/api/v1/admin/scripts/{script_id}/versions", { params: { ...path(id), query: { limit: 100, cursor } } })), 500));
  const [chosen, setChosen] = createSignal(0);
  const [against, setAgainst] = createSignal(0);
  const [activating, setActivating] = createSignal<Version | null>(null);
  const [rolling, setRolling] = createSignal(false);
  const [editing, setEditing] = createSignal(false);
  const tab = () => search.tab ?? "versions";
  // A trial ends by itself, too: when an error or a fall says so, or when its time is over.
  const timer = setInterval(() => script.state !== "errored" && script.latest?.data.trial?.state === "running" && !document.hidden && void refetch(), 3000);
  onCleanup(() => clearInterval(timer));
  const newest = () => versions.latest?.[0]?.version ?? 0;
  const shown = () => chosen() || newest();
  const before = () => against() || (script.latest?.data.active_version !== shown() ? script.latest?.data.active_version : null) || Math.max(1, shown() - 1);
  const [source] = createResource(() => (shown() && (tab() === "source" || editing()) ? ([params.id, shown()] as const) : false), ([id, v]) => readVersion(id, v));
  const done = (): void => {
    void refetch();
    void refetchVersions();
  };
  const rollBack = async (): Promise<void> => {
    const s = await ok(api.POST("/api/v1/admin/scripts/{script_id}/rollback", { params: { ...path(params.id), header: { "If-Match": script.latest!.etag } } }));
    toast(`Version ${s.active_version ?? "–"} is active`);
    done();
  };
  const choices = () => (versions.latest ?? []).map((v) => ({ value: String(v.version), label: `Version ${v.version}${v.active ? " (active)" : ""}${v.comment ? `: ${v.comment}` : ""}` }));

  const columns: readonly Column<Version>[] = [
    { id: "version", label: "Version", value: (v) => v.version, lead: true, cell: (v) => <span class="row">Version {v.version}<Show when={v.active}><Badge tone="accent">active</Badge></Show></span> },
    { id: "state", label: "Proof", value: (v) => v.state, cell: (v) => <Badge tone={v.state === "proven" ? "good" : v.state === "rejected" ? "bad" : "neutral"}>{v.state}</Badge> },
    { id: "comment", label: "Comment", value: (v) => v.comment, cell: (v) => v.comment || "–" },
    { id: "who", label: "By", value: (v) => v.author_id, cell: (v) => <Show when={v.author_id} fallback={<span class="muted">the machine</span>}><A href={`/users/${v.author_id}`}><Id id={v.author_id} /></A></Show> },
    { id: "when", label: "Put", value: (v) => v.created_at_ms, cell: (v) => <Ago ms={v.created_at_ms} /> },
    { id: "act", label: "", value: () => "", bare: true, cell: (v) => <span class="row"><Button small kind="quiet" onClick={() => { setChosen(v.version); setSearch({ tab: "source" }, { replace: true }); }}>Source</Button><Show when={may("scripts") && !v.active && v.state === "proven"}><Button small onClick={() => setActivating(v)}>Activate</Button></Show></span> },
  ];
  return (
    <Load of={script} retry={() => void refetch()}>
      {(s) => {
        const trial = () => (s().data.trial?.state === "running" ? s().data.trial : null);
        return (
          <>
            <PageHead title={s().data.name} up={{ href: "/scripts", label: "Scripts" }} heading={<>{s().data.name}<Badge plain tone="info">{s().data.kind}</Badge></>}>
              <Show when={may("scripts") && !editing()}>
                <Button icon="edit" onClick={() => setEditing(true)}>New version</Button>
                <Button icon="history" disabled={!trial() && !s().data.active_version} onClick={() => setRolling(true)}>{trial() ? "End the trial" : "Roll back"}</Button>
              </Show>
            </PageHead>
            <div class="stack">
              <Show when={trial()}>
                {(t) => <Note tone="warn" title={`Version ${t().version} is tried by ${t().canary_percent} % of the bots`}><p class="small">Since <Time ms={t().started_at_ms} />{t().until_ms ? <>, until <Time ms={t().until_ms} /></> : ""}; {t().errors ?? 0} errors so far. All others run version {t().version_before}.</p></Note>}
              </Show>
              <Show when={s().data.trial?.state === "rolled_back" && s().data.trial!.reason !== "by hand" && s().data.trial}>
                {(t) => <Note tone="bad" title={`Version ${t().version} went back`}><p class="small">It was tried by {t().canary_percent} % of the bots: {t().reason}. <Time ms={t().ended_at_ms} /></p></Note>}
              </Show>
              <Show when={editing()} fallback={
                <Tabs label="Of this script" items={TABS} value={tab()} onValue={(v) => setSearch({ tab: v === "versions" ? undefined : v }, { replace: true })}>
                  <div style={{ "padding-top": "16px" }}>
                    <Show when={tab() === "versions"}><Panel flush><Load of={versions} retry={() => void refetchVersions()}>{(list) => <Table label="Versions" rows={list()} columns={columns} key={(v) => String(v.version)} />}</Load></Panel></Show>
                    <Show when={tab() === "source"}>
                      <Panel actions={<Select hideLabel label="Version" value={String(shown())} onValue={(v) => setChosen(Number(v))} options={choices()} />}>
                        <Load of={source}>{(v) => <Suspense fallback={<Skeleton lines={12} />}><Editor value={v().source ?? ""} onValue={() => undefined} check={null} reference={null} readOnly label={`Source of version ${v().version}`} /></Suspense>}</Load>
                      </Panel>
                    </Show>
                    <Show when={tab() === "diff"}>
                      <Panel actions={<><Select hideLabel label="From" value={String(before())} onValue={(v) => setAgainst(Number(v))} options={choices()} /><Select hideLabel label="To" value={String(shown())} onValue={(v) => setChosen(Number(v))} options={choices()} /></>}>
                        <Show when={shown() !== before()} fallback={<p class="muted">There is nothing to compare: choose two versions.</p>}><Diff id={params.id} from={before()} to={shown()} /></Show>
                      </Panel>
                    </Show>
                    <Show when={tab() === "history"}><Panel flush><History id={params.id} revision={s().data.updated_at_ms} /></Panel></Show>
                  </div>
                </Tabs>
              }>
                <Load of={source}>{(v) => <Edit script={s().data} source={v().source ?? ""} from={v().version} onCancel={() => setEditing(false)} onPut={(put) => { setEditing(false); setChosen(put.latest_version); setSearch({ tab: undefined }, { replace: true }); done(); }} />}</Load>
              </Show>
            </div>
            <Show when={activating()}>{(v) => <ActivateDialog script={s().data} etag={s().etag} version={v()} onClose={() => setActivating(null)} done={done} />}</Show>
            <Show when={rolling()}>
              <ConfirmDialog title={trial() ? "End the trial" : `Roll ${s().data.name} back`} confirm={trial() ? "End it" : "Roll back"} danger action={rollBack} onClose={() => setRolling(false)}>
                <p>{trial() ? `Bots that try version ${trial()!.version} go back to version ${trial()!.version_before}.` : "The version that was active before becomes active again, everywhere."}</p>
              </ConfirmDialog>
            </Show>
          </>
        );
      }}
    </Load>
  );
}
