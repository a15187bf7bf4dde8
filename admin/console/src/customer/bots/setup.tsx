// What the bot runs with: parameters by its script's header, the version and another one, its own limits.
import { createEffect, createResource, createSignal, For, on, Show, type JSX } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { api, ok } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { ParamForm } from "~/customer/params/form";
import { formatDateTime } from "~/lib/format";
import { toTexts, toValues, type ParamTexts } from "~/lib/params";
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
      <Show when={reload()}>
        {(r) => <Note tone={r().stage === "refused" ? "bad" : "info"} title={`Version ${r().version}: ${{ queued: "waits its turn", building: "is being built", built: "takes over with the next bar", params: "parameters are on their way", refused: "was refused" }[r().stage]}`}><Show when={r().why}><p>{r().why}</p></Show></Note>}
      </Show>
      <Select label="Version" value={choice()} onValue={setChoice} hint="A new one is built aside, warmed up, and takes over at a bar's end; any error keeps the old one."
        options={[{ value: "", label: "Whichever is active" }, ...(versions.latest?.items ?? []).map((v) => ({ value: String(v.version), label: `${v.version}${v.active ? " (active)" : ""} · ${v.state} · ${formatDateTime(v.created_at_ms)}${v.comment ? ` · ${v.comment}` : ""}`, disabled: v.state !== "proven" }))]} />
      <ErrorNote problem={problem()} what="The version was not changed" />
      <div class="row">
        <Button icon="reload" busy={busy()} disabled={choice() === (d.bot().version == null ? "" : String(d.bot().version))} onClick={() => void run("reload")}>Reload</Button>
        <Show when={d.bot().previous_version != null}><Button busy={busy()} onClick={() => void run("rollback")}>Back to version {d.bot().previous_version}</Button></Show>
        <LinkButton kind="quiet" icon="studio" href={`/strategies/${d.bot().strategy_id}`}>Open in the studio</LinkButton>
      </div>
    </div>
  );
}

function Limits(props: { data: BotData }): JSX.Element {
  const entries = () => Object.entries((props.data.bot().settings ?? {}) as Record<string, unknown>);
  const words = (v: unknown): string => (typeof v === "object" && v !== null ? JSON.stringify(v) : String(v));
  return (
    <Show when={entries().length} fallback={<p class="muted">No limits of its own; those of its account and plan hold.</p>}>
      <dl class="facts"><For each={entries()}>{([k, v]) => <><dt>{k.replace(/_/g, " ")}</dt><dd class="num">{words(v)}</dd></>}</For></dl>
    </Show>
  );
}

export function Setup(props: { data: BotData }): JSX.Element {
  return (
    <div class="bot-grid" style={{ padding: "16px" }}>
      <Show when={props.data.header()} fallback={<p class="muted">Its script's header cannot be read.</p>}><Params data={props.data} /></Show>
      <div class="stack">
        <Panel title="Script"><Version data={props.data} /></Panel>
        <Panel title="Its own limits"><Limits data={props.data} /></Panel>
        <Panel title="Bot">
          <dl class="facts">
            <dt>Id</dt><dd class="mono small">{props.data.bot().id}</dd>
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
