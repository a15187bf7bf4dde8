// What the bot runs with: parameters by its script's header, the version and another one, its own limits.
import { createEffect, createSignal, on, Show, type JSX } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { ParamForm } from "~/customer/params/form";
import { FINE_LIMITS, LimitFields, LIMITS, limitTexts, limitValue, limitWrong, Protections, type LimitField, type LimitTexts } from "~/customer/params/limits";
import { useAction } from "~/lib/action";
import { formatDateTime } from "~/lib/format";
import { toTexts, toValues, type ParamTexts } from "~/lib/params";
import { createResource } from "~/lib/resource";
import { Badge, Button, ErrorNote, LinkButton, Note, Panel, Select, toast } from "~/ui";
import type { BotData } from "./data";

function Params(props: { data: BotData }): JSX.Element {
  const d = props.data;
  const specs = () => d.header()?.params ?? [];
  const [texts, setTexts] = createStore<ParamTexts>({});
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  createEffect(on([specs, () => d.bot().revision], () => setTexts(reconcile(toTexts(specs(), d.bot().params ?? {})))));
  const started = () => d.bot().wanted !== "stopped";
  const change = () => toValues(specs(), texts, d.bot().params ?? {});
  const count = () => Object.keys(change().values).length;
  const save = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      d.setBot(await ok(api.POST("/api/v1/bots/{bot_id}/params", { params: { path: d.path, header: { "If-Match": d.etag() } }, body: { params: change().values } })));
      toast("Parameters changed", "good", started() ? "They hold from its next bar on." : undefined);
    } catch (x) {
      setProblem(toProblem(x));
    }
    setBusy(false);
  };
  return (
    <form class="stack" onSubmit={(e) => void save(e)}>
      <Show when={started() && specs().some((p) => !p.live)}>
        <Note>While it is started only parameters that its script calls live can be changed{specs().some((p) => p.live) ? "" : " – it has none"}. Stop it to change the others.</Note>
      </Show>
      <ParamForm specs={specs()} texts={texts} onText={(name, text) => setTexts(name, text)} problem={problem()} editable={(p) => !started() || p.live === true} markLive={started()} />
      <ErrorNote problem={problem()} what="The parameters were not changed" />
      <div class="row">
        <Button type="submit" kind="primary" busy={busy()} disabled={count() === 0 || Object.keys(change().errors).length > 0}>{count() ? `Change ${count()} ${count() === 1 ? "parameter" : "parameters"}` : "Nothing changed"}</Button>
        <Show when={count()}><Button onClick={() => setTexts(reconcile(toTexts(specs(), d.bot().params ?? {})))}>Discard</Button></Show>
      </div>
    </form>
  );
}

function Version(props: { data: BotData }): JSX.Element {
  const d = props.data;
  const [versions] = createResource(() => d.bot().strategy_id, (strategy_id) => ok(api.GET("/api/v1/strategies/{strategy_id}/versions", { params: { path: { strategy_id }, query: { limit: 50 } } })).catch(() => null));
  const [choice, setChoice] = createSignal("");
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  createEffect(() => setChoice(d.bot().version == null ? "" : String(d.bot().version)));
  const reload = () => d.bot().live?.reload;
  const run = async (what: "reload" | "rollback"): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      const params = { path: d.path };
      d.setBot(what === "rollback" ? await ok(api.POST("/api/v1/bots/{bot_id}/rollback", { params })) : await ok(api.POST("/api/v1/bots/{bot_id}/reload", { params, body: { version: choice() ? Number(choice()) : null } })));
      toast(what === "rollback" ? "Going back to the version before" : "On its way: it takes over with the next bar");
    } catch (e) {
      setProblem(toProblem(e));
    }
    setBusy(false);
  };
  return (
    <div class="stack">
      <dl class="facts">
        <dt>Runs now</dt><dd>{d.bot().live?.version ? `version ${d.bot().live!.version}` : "–"}</dd>
        <dt>Set to</dt><dd>{d.bot().version == null ? "whichever is active" : `version ${d.bot().version}`}</dd>
        <Show when={d.script.latest}>{(s) => <><dt>Its text</dt><dd class="mono small" title={s().sha256}>{s().sha256.slice(0, 16)}</dd></>}</Show>
      </dl>
      <Show when={d.offered()}><p class="small muted">It is one of this installation's own: you run it, its text stays with the operators.</p></Show>
      <Show when={reload()}>
        {(r) => <Note tone={r().stage === "refused" ? "bad" : "info"} title={`Version ${r().version}: ${{ queued: "waits its turn", building: "is being built", built: "takes over with the next bar", params: "parameters are on their way", refused: "was refused" }[r().stage]}`}><Show when={r().why}><p>{r().why}</p></Show></Note>}
      </Show>
      <Select label="Version" value={choice()} onValue={setChoice} hint="A new one is built aside, warmed up, and takes over at a bar's end; any error keeps the old one."
        options={[{ value: "", label: "Whichever is active" }, ...(versions.latest?.items ?? []).map((v) => ({ value: String(v.version), label: `${v.version}${v.active ? " (active)" : ""} · ${v.state} · ${formatDateTime(v.created_at_ms)}${v.comment ? ` · ${v.comment}` : ""}`, disabled: v.state !== "proven" }))]} />
      <ErrorNote problem={problem()} what="The version was not changed" />
      <div class="row">
        <Button icon="reload" busy={busy()} disabled={choice() === (d.bot().version == null ? "" : String(d.bot().version))} onClick={() => void run("reload")}>Reload</Button>
        <Show when={d.bot().previous_version != null}><Button busy={busy()} onClick={() => void run("rollback")}>Back to version {d.bot().previous_version}</Button></Show>
        <Show when={!d.offered()}><LinkButton kind="quiet" icon="studio" href={`/strategies/${d.bot().strategy_id}`}>Open in the studio</LinkButton></Show>
      </div>
    </div>
  );
}

// All of its settings go together, as the service replaces them: what is not shown here stays as it is.
function Limits(props: { data: BotData }): JSX.Element {
  const d = props.data, fields = [...LIMITS, ...FINE_LIMITS];
  const settings = () => (d.bot().settings ?? {}) as Record<string, unknown>;
  const before = () => limitTexts(fields, settings());
  const [texts, setTexts] = createStore<LimitTexts>({});
  createEffect(on(() => d.bot().revision, () => setTexts(reconcile(before()))));
  const [account] = createResource(() => d.bot().account_id, (account_id) => ok(api.GET("/api/v1/accounts/{account_id}", { params: { path: { account_id } } })).catch(() => null));
  const changed = () => fields.filter((f) => (texts[f.key] ?? "").trim() !== before()[f.key]);
  const save = useAction(async () => {
    const kept = Object.entries(settings()).filter(([k]) => !fields.some((f) => f.key === k));
    const given = fields.map((f) => [f.key, limitValue(f, texts[f.key] ?? "")] as const).filter(([, v]) => v !== null);
    d.setBot(await ok(api.PATCH("/api/v1/bots/{bot_id}", { params: { path: d.path, header: { "If-Match": d.etag() } }, body: { settings: Object.fromEntries([...kept, ...given]) as Schemas["BotSettings"] } })));
    toast("Its limits are changed", "good", "They hold from its next order on.");
  });
  const field = (list: readonly LimitField[]): JSX.Element => <LimitFields fields={list} texts={texts} onText={(key, text) => setTexts(key, text)} currency={account.latest?.settings?.currency ?? ""} problem={save.problem()} />;
  return (
    <form class="stack" onSubmit={save.submit}>
      <p class="small muted">They hold whatever its script asks for, beside those of its account and plan, and may be changed at any time.</p>
      {field(LIMITS)}
      <details open={FINE_LIMITS.some((f) => before()[f.key])}><summary>Finer ones</summary><div class="pad-top">{field(FINE_LIMITS)}</div></details>
      <Protections list={(settings().protections as Schemas["Protection"][] | undefined) ?? []} />
      <ErrorNote problem={save.problem()} what="The limits were not changed" />
      <div class="row">
        <Button type="submit" kind="primary" busy={save.busy()} disabled={!changed().length || fields.some((f) => limitWrong(f, texts[f.key] ?? ""))}>Save limits</Button>
        <Show when={changed().length}><Button onClick={() => setTexts(reconcile(before()))}>Discard</Button></Show>
      </div>
    </form>
  );
}

export function Setup(props: { data: BotData }): JSX.Element {
  return (
    <div class="bot-grid" style={{ padding: "16px" }}>
      <div class="stack">
        <Panel title="Parameters"><Show when={props.data.header()} fallback={<p class="muted">Its script's header cannot be read.</p>}><Params data={props.data} /></Show></Panel>
        <Panel title="Its own limits"><Limits data={props.data} /></Panel>
      </div>
      <div class="stack">
        <Panel title="Script"><Version data={props.data} /></Panel>
        <Panel title="Bot">
          <dl class="facts">
            <dt>Id</dt><dd class="mono small">{props.data.bot().id}</dd>
            <Show when={props.data.bot().settings?.cash}><dt>Its money</dt><dd><span class="num">{props.data.bot().settings!.cash}</span> <span class="muted small">taken when a run begins</span></dd></Show>
            <dt>Seed</dt><dd class="num">{props.data.bot().seed}</dd>
            <dt>Run</dt><dd class="num">{props.data.bot().live?.run ?? "–"}</dd>
            <dt>Runs in</dt><dd>{props.data.bot().live?.host ?? "–"}</dd>
            <Show when={props.data.bot().strikes}><dt>Strikes</dt><dd><Badge tone="warn">{props.data.bot().strikes} of 3</Badge></dd></Show>
          </dl>
        </Panel>
      </div>
    </div>
  );
}
