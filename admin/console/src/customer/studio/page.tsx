// The strategy studio: one strategy's code, versions, backtests, parameters and shadows.
import { useBeforeLeave, useNavigate, useParams, useSearchParams } from "@solidjs/router";
import { createEffect, createMemo, createSignal, on, Show, type JSX } from "solid-js";
import { createStore } from "solid-js/store";
import { all, api, ok } from "~/api/client";
import { toProblem } from "~/api/problem";
import { createChecker, draftOf, Editor, keepDraft, Problems, reference, type CodeHandle } from "~/code";
import type { ParamTexts } from "~/lib/params";
import { createResource } from "~/lib/resource";
import { Badge, Button, ConfirmDialog, Empty, ErrorNote, Icon, LinkButton, Load, Menu, Note, PageHead, Panel, Skeleton, Tabs, toast } from "~/ui";

import { GridTab, type Grid } from "./grid_tab";
import { headerOf } from "./header";
import { RunTab } from "./run_tab";
import { keyOf, newSetup, offered, type Market, type Setup } from "./setup";
import { ShadowTab } from "./shadow_tab";
import { verdictOf, VerdictBadge, VerdictPanel } from "./verdict";
import { readVersion, SaveDialog, Versions, type Strategy, type Version } from "./versions";
import "./studio.css";

type Tab = "code" | "run" | "grid" | "versions" | "shadow";
const TABS: { value: Tab; label: string }[] = [
  { value: "code", label: "Code" }, { value: "run", label: "Backtest" }, { value: "grid", label: "Parameters" }, { value: "versions", label: "Versions" }, { value: "shadow", label: "Shadow" },
];

function Studio(props: { strategy: Strategy; onChanged: () => void; first: Version }): JSX.Element {
  const [search, setSearch] = useSearchParams<{ tab?: string }>();
  const navigate = useNavigate();
  const id = () => props.strategy.id;
  const tab = (): Tab => TABS.find((t) => t.value === search.tab)?.value ?? "code";
  const draft = draftOf(id());
  const [base, setBase] = createSignal<Version>(props.first); // what the editor began with
  const [source, setSource] = createSignal(draft?.source ?? props.first.source ?? "");
  const dirty = createMemo(() => source() !== (base().source ?? ""));
  const [ref] = createResource(() => reference().catch(() => null));
  const checker = createChecker((text) => ok(api.POST("/api/v1/strategies/check", { body: { source: text } })));
  createEffect(on(source, (text) => {
    checker.look(text);
    keepDraft(id(), dirty() ? { version: base().version, source: text } : null);
  }));
  const fresh = () => checker.answer()?.source === source();
  let code: CodeHandle | undefined;

  const [saving, setSaving] = createSignal(false);
  const [saved, setSaved] = createSignal<Version | null>(null);
  const [versionFound] = createResource(() => base(), (v) => (v.verdict !== undefined ? v : readVersion(id(), v.version)));
  const shown = () => saved() ?? versionFound.latest;
  const save = async (comment: string, activate: boolean): Promise<void> => {
    const text = source();
    const v = await ok(api.POST("/api/v1/strategies/{strategy_id}/versions", { params: { path: { strategy_id: id() } }, body: { source: text, ...(comment ? { comment } : {}), ...(activate ? { activate } : {}) } }));
    setBase({ ...v, source: text });
    setSaved({ ...v, source: text });
    keepDraft(id(), null);
    if (v.state === "proven") toast(activate ? `Version ${v.version} is proven and active` : `Version ${v.version} is saved and proven`);
    else toast(`Version ${v.version} is saved, but not proven`, "warn", "Its proof says why; it cannot be active.");
    props.onChanged();
  };
  const open = (v: Version): void => {
    setBase(v);
    setSaved(null);
    setSource(v.source ?? "");
    setSearch({ tab: undefined });
  };
  useBeforeLeave((e) => {
    // The draft is kept; who leaves should know it.
    if (dirty() && !(typeof e.to === "string" && e.to.includes(`/strategies/${id()}`))) toast("Your change is kept as a draft in this browser", "info");
  });

  // ---- what the other tabs share
  const [markets] = createResource(async () => offered(await all((cursor) => ok(api.GET("/api/v1/markets", { params: { query: { limit: 200, cursor } } })), 2000)));
  const [setup, setSetup] = createSignal<Setup>(newSetup());
  createEffect(() => {
    const list: readonly Market[] = markets.latest ?? [];
    if (!setup().market && list.length) setSetup((s) => ({ ...s, market: keyOf(list.find((m) => m.timeframe === "1h") ?? list[0]!) }));
  });
  const header = createMemo(() => headerOf(shown()?.header));
  const [texts, setTexts] = createStore<ParamTexts>({});
  const [running, setRunning] = createSignal<string | null>(null);
  const [grid, setGrid] = createSignal<Grid | null>(null);
  const [shadowed, setShadowed] = createSignal(0);
  const [versions] = createResource(() => [id(), props.strategy.latest_version, props.strategy.active_version] as const, ([which]) =>
    all((cursor) => ok(api.GET("/api/v1/strategies/{strategy_id}/versions", { params: { path: { strategy_id: which }, query: { limit: 100, cursor } } })), 200));
  createEffect(() => {
    const candidate = versions.latest?.find((v) => v.state === "proven" && !v.active);
    if (!shadowed() && candidate) setShadowed(candidate.version);
  });
  const [deleting, setDeleting] = createSignal(false);
  const verdict = () => verdictOf(shown()?.verdict);
  const wait = <Skeleton lines={6} />;

  return (
    <>
      <PageHead title={props.strategy.name} up={{ href: "/strategies", label: "Strategies" }} heading={
        <>
          {props.strategy.name}
          <Show when={props.strategy.active_version} fallback={<Badge tone="neutral">Nothing active</Badge>}>{(v) => <Badge tone="accent">Version {v()} active</Badge>}</Show>
          <Show when={dirty()}><Badge tone="warn">Changed</Badge></Show>
        </>
      }>
        <Button kind="primary" icon="upload" disabled={!dirty()} onClick={() => setSaving(true)}>Save version</Button>
        <Menu label="More" icon="more">
          {(close) => (
            <>
              <button type="button" role="menuitem" onClick={() => { close(); setSource(base().source ?? ""); }} disabled={!dirty()}><Icon name="history" /> Discard the change</button>
              <button type="button" role="menuitem" onClick={() => { close(); navigate(`/backtests?strategy=${id()}`); }}><Icon name="backtest" /> Its backtests</button>
              <div class="sep" />
              <button type="button" role="menuitem" class="danger" onClick={() => { close(); setDeleting(true); }}><Icon name="trash" /> Delete the strategy</button>
            </>
          )}
        </Menu>
      </PageHead>
      <Tabs label="Studio" items={TABS} value={tab()} onValue={(v) => setSearch({ tab: v === "code" ? undefined : v })} />
      <div class="studio-body">
        <Show when={tab() === "code"}>
          <div class="studio-code">
            <div class="stack-s grow">
              <Show when={draft && dirty() && base() === props.first}><Note tone="info">This is your draft of version {draft!.version}, kept in this browser. <Button small kind="quiet" onClick={() => setSource(base().source ?? "")}>Back to version {base().version}</Button></Note></Show>
              <Panel flush label="Editor">
                <Editor value={source()} onValue={setSource} check={checker.answer()} reference={ref.latest ?? null} label={`Source of ${props.strategy.name}`} ref={(h) => (code = h)} onSave={() => dirty() && setSaving(true)} />
              </Panel>
              <Problems list={fresh() || checker.busy() ? (checker.answer()?.check.problems ?? []) : []} busy={checker.busy()} fresh={fresh()} problem={checker.problem()} onGo={(p) => code?.goto(p)} />
              <p class="tiny muted">Ctrl+Space completes, Ctrl+S saves, Ctrl+F searches; Escape, then Tab leaves the editor. Checked over some hundred made-up bars while you type; the proof of a saved version looks closer.</p>
            </div>
            <aside class="stack studio-side" aria-label="About this version">
              <Panel title={`Version ${shown()?.version ?? base().version}`} actions={<Show when={shown()}>{(v) => <VerdictBadge state={v().state} verdict={verdict()} />}</Show>}>
                <Show when={versionFound.state !== "errored"} fallback={<ErrorNote problem={toProblem(versionFound.error)} />}>
                  <Show when={shown()} fallback={wait}><Show when={verdict()} fallback={<p class="muted small">It has no proof.</p>}>{(v) => <VerdictPanel verdict={v()} />}</Show></Show>
                </Show>
              </Panel>
            </aside>
          </div>
        </Show>
        <Show when={tab() === "run"}>
          <Load of={markets} what="The history cannot be listed">
            {(list) => <Show when={header()} fallback={wait}>{(h) => <RunTab strategyId={id()} version={shown()?.version ?? base().version} header={h()} dirty={dirty()} markets={list()} setup={setup()} onSetup={setSetup} texts={texts} onText={setTexts} running={running()} onRun={setRunning} />}</Show>}
          </Load>
        </Show>
        <Show when={tab() === "grid"}>
          <Load of={markets} what="The history cannot be listed">
            {(list) => <Show when={header()} fallback={wait}>{(h) => <GridTab strategyId={id()} version={shown()?.version ?? base().version} header={h()} dirty={dirty()} markets={list()} setup={setup()} onSetup={setSetup} texts={texts} grid={grid()} onGrid={setGrid} />}</Show>}
          </Load>
        </Show>
        <Show when={tab() === "versions"}><Versions strategy={props.strategy} onChanged={props.onChanged} onEdit={(v) => void readVersion(id(), v.version).then(open)} /></Show>
        <Show when={tab() === "shadow"}><ShadowTab strategyId={id()} versions={versions.latest ?? []} version={shadowed()} onVersion={setShadowed} /></Show>
      </div>
      <Show when={saving()}><SaveDialog hasBots={!!props.strategy.active_version} onSave={save} onClose={() => setSaving(false)} /></Show>
      <Show when={deleting()}>
        <ConfirmDialog danger title={`Delete “${props.strategy.name}”?`} confirm="Delete it" onClose={() => setDeleting(false)} action={async () => {
          await ok(api.DELETE("/api/v1/strategies/{strategy_id}", { params: { path: { strategy_id: id() } } }));
          keepDraft(id(), null);
          toast(`“${props.strategy.name}” is deleted`);
          navigate("/strategies");
        }}>
          <p>All its versions go, and no backtest of it can be run again. It is refused while bots are made of it.</p>
        </ConfirmDialog>
      </Show>
    </>
  );
}

function Offered(props: { strategy: Strategy }): JSX.Element {
  return (
    <>
      <PageHead title={props.strategy.name} up={{ href: "/strategies", label: "Strategies" }} />
      <Empty icon="lock" title="This strategy is the installation's own" text="Bots and backtests run it as it is; its text stays with the operators."><LinkButton kind="primary" icon="plus" href={`/bots/new?strategy=${props.strategy.id}`}>New bot with it</LinkButton></Empty>
    </>
  );
}

export default function StudioPage(): JSX.Element {
  const params = useParams<{ id: string }>();
  const [strategy, { refetch }] = createResource(() => params.id, (id) => ok(api.GET("/api/v1/strategies/{strategy_id}", { params: { path: { strategy_id: id } } })));
  const [first] = createResource(() => (strategy.state !== "errored" && strategy.latest?.id === params.id && !strategy.latest.offered ? params.id : null), (id) => {
    const s = strategy.latest!;
    return readVersion(id, draftOf(id)?.version ?? s.latest_version).catch(() => readVersion(id, s.latest_version));
  });
  return (
    <Load of={strategy} retry={() => void refetch()} what="The strategy cannot be shown">
      {(s) => (
        <Show when={!s().offered} fallback={<Offered strategy={s()} />}>
          <Load of={first} what="Its source cannot be shown">{(v) => <Show when={s().id} keyed><Studio strategy={s()} first={v()} onChanged={() => void refetch()} /></Show>}</Load>
        </Show>
      )}
    </Load>
  );
}
