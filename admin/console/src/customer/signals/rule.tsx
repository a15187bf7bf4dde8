// A rule of one's own: its source in the editor with what is wrong underlined, its versions and what changed between them, which is active.
import { useBeforeLeave, useNavigate, useParams } from "@solidjs/router";
import { createEffect, createMemo, createSignal, For, on, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { createChecker, Difference, draftOf, Editor, keepDraft, Problems, type CodeHandle } from "~/code";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, ConfirmDialog, ErrorNote, Field, Icon, Load, Menu, Note, PageHead, Panel, Segmented, Select, Skeleton, Tabs, toast } from "~/ui";
import { createQuery } from "~/ui/routing";
import { TriedVerdicts, withDeliveries, type Tried } from "./dry_run";
import "./signals.css";

type OwnRule = Schemas["OwnRule"];
type Version = OwnRule["versions"][number];
type Setting = { name: string; kind: string; default: unknown; about?: string; min?: number; max?: number; one_of?: string[] };

const readVersion = (rule: string, version: number): Promise<OwnRule> => ok(api.GET("/api/v1/rules/{rule}/versions/{version}", { params: { path: { rule, version } } }));
const shown = (v: unknown): string => (typeof v === "object" ? JSON.stringify(v) : String(v));

function SaveDialog(props: { onSave: (comment: string, activate: boolean) => Promise<void>; onClose: () => void }): JSX.Element {
  const [comment, setComment] = createSignal("");
  const [activate, setActivate] = createSignal(true);
  return (
    <ConfirmDialog title="Save as a new version" confirm="Save" onClose={props.onClose} action={() => props.onSave(comment().trim(), activate())}>
      <Field label="What changed" hint="Shown in the list of versions">{(p) => <input {...p} class="input" maxlength="200" value={comment()} onInput={(e) => setComment(e.currentTarget.value)} autofocus />}</Field>
      <label class="check"><input type="checkbox" checked={activate()} onChange={(e) => setActivate(e.currentTarget.checked)} /><span>Activate it<br /><span class="small muted">The next signal of every hook that asks this rule meets it.</span></span></label>
    </ConfirmDialog>
  );
}

function Header(props: { header: { name?: string; about?: string; settings?: unknown } | null }): JSX.Element {
  const settings = () => (props.header?.settings ?? []) as Setting[];
  return (
    <Show when={props.header} fallback={<p class="muted small">It cannot be read yet.</p>}>
      <div class="stack-s">
        <p class="strong">{props.header!.name}</p>
        <p class="small muted">{props.header!.about}</p>
        <Show when={settings().length} fallback={<p class="small muted">It has no settings.</p>}>
          <dl class="facts small"><For each={settings()}>{(s) => <><dt><code>{s.name}</code></dt><dd>{shown(s.default)}{s.min !== undefined || s.max !== undefined ? ` (${s.min ?? "…"} to ${s.max ?? "…"})` : ""}{s.one_of ? ` (${s.one_of.join(", ")})` : ""}<Show when={s.about}><br /><span class="muted">{s.about}</span></Show></dd></>}</For></dl>
        </Show>
      </div>
    </Show>
  );
}

function Changes(props: { rule: OwnRule }): JSX.Element {
  const newest = () => props.rule.latest_version;
  const [from, setFrom] = createSignal(props.rule.active_version && props.rule.active_version !== newest() ? props.rule.active_version : Math.max(1, newest() - 1));
  const [to, setTo] = createSignal(newest());
  const [shape, setShape] = createSignal<"split" | "unified">(matchMedia("(min-width: 1000px)").matches ? "split" : "unified");
  const [one] = createResource(from, (n) => readVersion(props.rule.name, n));
  const [other] = createResource(to, (n) => readVersion(props.rule.name, n));
  const choices = createMemo(() => props.rule.versions.map((v) => ({ value: String(v.version), label: `Version ${v.version}${v.active ? " (active)" : ""}${v.comment ? ` – ${v.comment}` : ""}` })));
  return (
    <Panel title="What changed" flush actions={<Segmented label="Shape" value={shape()} onValue={setShape} items={[{ value: "split", label: "Side by side" }, { value: "unified", label: "One column" }]} />}>
      <div class="sig-form pad"><Select label="From" value={String(from())} onValue={(v) => setFrom(Number(v))} options={choices()} /><Select label="To" value={String(to())} onValue={(v) => setTo(Number(v))} options={choices()} /></div>
      <Show when={one.latest && other.latest} fallback={<div class="pad"><Skeleton lines={6} /></div>}>
        <Show when={one.latest!.source !== other.latest!.source} fallback={<p class="pad muted">The two are the same, byte by byte.</p>}>
          <Difference before={one.latest!.source} after={other.latest!.source} labels={[`Version ${from()}`, `Version ${to()}`]} unified={shape() === "unified"} />
        </Show>
      </Show>
    </Panel>
  );
}

/** The text in the editor, asked alone about what a hook got in the last day. Nothing is kept of it. */
function TryIt(props: { source: string; wrong: boolean }): JSX.Element {
  const [hooks] = createResource(async () => (await ok(api.GET("/api/v1/hooks"))).items);
  const [chosen, setChosen] = createSignal<string>();
  const hook = () => chosen() ?? hooks.latest?.[0]?.id;
  const [result, setResult] = createSignal<Tried | null>(null);
  const go = useAction(async () => {
    const id = hook()!;
    setResult(await withDeliveries(id, await ok(api.POST("/api/v1/hooks/{hook}/rule-run", { params: { path: { hook: id } }, body: { source: props.source } }))));
  });
  return (
    <Show when={hook()}>
      <Panel title="Try it, unsaved">
        <div class="stack">
          <p class="small muted">What it would have said alone, with its default settings, to what a hook got in the last day. Nothing is stored, and no bot hears of it.</p>
          <div class="row">
            <Select label="Signals of" value={hook()!} onValue={(id) => { setChosen(id); setResult(null); }} options={(hooks.latest ?? []).map((h) => ({ value: h.id, label: h.name }))} />
            <Button icon="history" busy={go.busy()} disabled={props.wrong} onClick={() => void go.run()}>Try on the last day's signals</Button>
          </div>
          <ErrorNote problem={go.problem()} what="It could not be tried" />
        </div>
      </Panel>
      <Show when={result()}>{(r) => <TriedVerdicts of={r()} />}</Show>
    </Show>
  );
}

function Editing(props: { rule: OwnRule; onChanged: (rule: OwnRule) => void }): JSX.Element {
  const navigate = useNavigate();
  const name = props.rule.name, key = `rule.${name}`, draft = draftOf(key);
  const [chosen, setTab] = createQuery("tab");
  const tab = () => (chosen() === "versions" ? "versions" : "code");
  const [base, setBase] = createSignal({ version: props.rule.version, source: props.rule.source });
  const [source, setSource] = createSignal(draft?.source ?? props.rule.source);
  const dirty = createMemo(() => source() !== base().source);
  const checker = createChecker((text) => ok(api.POST("/api/v1/signals/rule-check", { body: { name, source: text } })));
  createEffect(on(source, (text) => {
    checker.look(text);
    keepDraft(key, dirty() ? { version: base().version, source: text } : null);
  }));
  const fresh = () => checker.answer()?.source === source();
  const header = () => (checker.answer()?.check.header ?? null) as { name?: string; about?: string; settings?: unknown } | null;
  let code: CodeHandle | undefined;
  const [saving, setSaving] = createSignal(false);
  const [activating, setActivating] = createSignal<Version | null>(null);
  const [deleting, setDeleting] = createSignal(false);
  const save = async (comment: string, activate: boolean): Promise<void> => {
    const text = source();
    const put = await ok(api.POST("/api/v1/rules", { body: { name, source: text, activate, ...(comment ? { comment } : {}) } }));
    setBase({ version: put.latest_version, source: text });
    keepDraft(key, null);
    toast(activate ? `Version ${put.latest_version} is active` : `Version ${put.latest_version} is saved`);
    props.onChanged(put);
  };
  const open = async (v: Version): Promise<void> => {
    const found = await readVersion(name, v.version);
    setBase({ version: v.version, source: found.source });
    setSource(found.source);
    setTab(undefined);
  };
  useBeforeLeave((e) => {
    if (dirty() && !(typeof e.to === "string" && e.to.includes(`/signals/rules/${name}`))) toast("Your change is kept as a draft in this browser", "info");
  });
  return (
    <>
      <PageHead title={name} up={{ href: "/signals/rules", label: "Rules" }} heading={
        <>
          <span class="mono">{name}</span>
          <Show when={props.rule.active_version} fallback={<Badge tone="neutral">Nothing active</Badge>}>{(v) => <Badge tone="accent">Version {v()} active</Badge>}</Show>
          <Show when={dirty()}><Badge tone="warn">Changed</Badge></Show>
        </>
      }>
        <Button kind="primary" icon="upload" disabled={!dirty()} onClick={() => setSaving(true)}>Save version</Button>
        <Menu label="More" icon="more">
          {(close) => (
            <>
              <button type="button" role="menuitem" disabled={!dirty()} onClick={() => { close(); setSource(base().source); }}><Icon name="history" /> Discard the change</button>
              <div class="sep" />
              <button type="button" role="menuitem" class="danger" onClick={() => { close(); setDeleting(true); }}><Icon name="trash" /> Delete the rule</button>
            </>
          )}
        </Menu>
      </PageHead>
      <Show when={props.rule.held}>{(why) => <div class="sig-held"><Note tone="bad" title="It is in quarantine"><p class="break">It is not asked any more, and what asks for it refuses every signal: {why()}.</p><p class="small muted">Another version ends that, or the operator does.</p></Note></div>}</Show>
      <Tabs label="Of this rule" items={[{ value: "code", label: "Code" }, { value: "versions", label: "Versions", count: props.rule.versions.length }]} value={tab()} onValue={(v) => setTab(v === "code" ? undefined : v)} />
      <div class="sig-tab">
        <Show when={tab() === "code"} fallback={
          <div class="stack">
            <Panel flush title="Versions">
              <ul class="sig-versions">
                <For each={props.rule.versions}>
                  {(v) => (
                    <li>
                      <span class="row grow"><span class="strong">Version {v.version}</span><Show when={v.active}><Badge tone="accent">active</Badge></Show><span class="small muted break">{v.comment || "no comment"}</span><span class="small muted"><Ago ms={v.created_at_ms} /></span></span>
                      <span class="row"><Show when={!v.active}><Button small onClick={() => setActivating(v)}>Activate</Button></Show><Button small kind="quiet" icon="edit" onClick={() => void open(v)}>Edit</Button></span>
                    </li>
                  )}
                </For>
              </ul>
            </Panel>
            <Show when={props.rule.versions.length > 1}><Show when={props.rule.latest_version} keyed><Changes rule={props.rule} /></Show></Show>
          </div>
        }>
          <div class="sig-code">
            <div class="stack-s grow">
              <Show when={draft && dirty() && base().version === props.rule.version}><Note tone="info">This is your draft, kept in this browser. <Button small kind="quiet" onClick={() => setSource(base().source)}>Back to version {base().version}</Button></Note></Show>
              <Panel flush label="Editor"><Editor value={source()} onValue={setSource} check={checker.answer()} reference={null} label={`Source of ${name}`} ref={(h) => (code = h)} onSave={() => dirty() && setSaving(true)} /></Panel>
              <Problems list={fresh() || checker.busy() ? (checker.answer()?.check.problems ?? []) : []} busy={checker.busy()} fresh={fresh()} problem={checker.problem()} onGo={(p) => code?.goto(p)} />
              <p class="tiny muted">Ctrl+S saves, Ctrl+F searches; Escape, then Tab leaves the editor. Its header is read while you type; <code>on_signal</code> is asked when a hook has it among its rules.</p>
              <TryIt source={source()} wrong={!fresh() || !!checker.answer()?.check.problems?.length} />
            </div>
            <aside class="stack sig-side" aria-label="About this rule">
              <Panel title="Its header"><Header header={header()} /></Panel>
              <Panel title="What it sees and says">
                <div class="stack-s small">
                  <p><code>s</code>: <code>symbol action size price sl tp key id source ts raw data</code>; what is absent is nil.</p>
                  <p><code>env</code>: <code>now_ms settings scores accepted today stage hook</code>.</p>
                  <p><code>return true</code> lets it pass, <code>return false, "why"</code> refuses, <code>{"return {accept=, reason=, note=, score=, set={size=1}}"}</code> does all in one. A mistake refuses.</p>
                </div>
              </Panel>
            </aside>
          </div>
        </Show>
      </div>
      <Show when={saving()}><SaveDialog onSave={save} onClose={() => setSaving(false)} /></Show>
      <Show when={activating()}>
        {(v) => (
          <ConfirmDialog title={`Activate version ${v().version}?`} confirm="Activate" onClose={() => setActivating(null)} action={async () => {
            props.onChanged(await ok(api.POST("/api/v1/rules/{rule}/versions/{version}/activate", { params: { path: { rule: name, version: v().version } } })));
            toast(`Version ${v().version} is active`);
          }}><p>The next signal of every hook that asks this rule meets it.</p></ConfirmDialog>
        )}
      </Show>
      <Show when={deleting()}>
        <ConfirmDialog danger title={`Delete “${name}”?`} confirm="Delete it" onClose={() => setDeleting(false)} action={async () => {
          await ok(api.DELETE("/api/v1/rules/{rule}", { params: { path: { rule: name } } }));
          keepDraft(key, null);
          toast(`“${name}” is deleted`);
          navigate("/signals/rules");
        }}><p>All its versions go. A hook that asks for it fails from then on – no signal passes there – unless the installation has a rule of this name.</p></ConfirmDialog>
      </Show>
    </>
  );
}

export default function RulePage(): JSX.Element {
  const params = useParams<{ name: string }>();
  const [rule, { mutate, refetch }] = createResource(() => params.name, (name) => ok(api.GET("/api/v1/rules/{rule}", { params: { path: { rule: name } } })));
  return <Load of={rule} retry={() => void refetch()} what="This rule cannot be shown" skeleton={<Skeleton lines={10} height={20} />}>{(r) => <Show when={r().name} keyed><Editing rule={r()} onChanged={mutate} /></Show>}</Load>;
}
