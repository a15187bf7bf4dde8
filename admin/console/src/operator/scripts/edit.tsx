// Writing a version: the editor with what is wrong underlined, then put. A strategy is proven before it can be active.
import { createSignal, For, lazy, Show, Suspense, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { Badge, Button, ErrorNote, Panel, Skeleton, TextField, toast } from "~/ui";
import { createCheck } from "./check";

type Script = Schemas["Script"];
const Editor = lazy(() => import("./code").then((m) => ({ default: m.Editor })));

export function Edit(props: { script: Script; source: string; from: number; onCancel: () => void; onPut: (script: Script) => void }): JSX.Element {
  const [text, setText] = createSignal(props.source);
  const [comment, setComment] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const check = createCheck(() => props.script.kind, () => props.script.name);
  const typed = (value: string): void => {
    setText(value);
    check.look(value);
  };
  const put = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      const done = await ok(api.POST("/api/v1/admin/scripts", { body: { kind: props.script.kind, name: props.script.name, source: text(), comment: comment().trim() || undefined } }));
      toast(`Version ${done.latest_version} is put`, "good", "It is not active yet.");
      props.onPut(done);
    } catch (e) {
      setProblem(toProblem(e));
    } finally {
      setBusy(false);
    }
  };
  const problems = () => check.answer()?.problems ?? [];
  return (
    <Panel title={`New version, from version ${props.from}`} actions={<Show when={check.answer() || check.busy()}><Badge tone={check.busy() ? "neutral" : check.answer()?.ok ? "good" : "bad"}>{check.busy() ? "checking" : check.answer()?.ok ? "no fault found" : "faults"}</Badge></Show>}>
      <div class="stack">
        <Suspense fallback={<Skeleton lines={12} />}><Editor value={text()} onValue={typed} problems={problems()} label={`Source of ${props.script.name}`} /></Suspense>
        <Show when={problems().length}>
          <ul class="op-logs"><For each={problems()}>{(p) => <li class={p.severity === "error" ? "error" : "warn"}><span class="num">{p.line ? `line ${p.line}` : ""}</span><span class="level">{p.severity}</span><span class="text">{p.message} <span class="muted">{p.hint}</span></span></li>}</For></ul>
        </Show>
        <ErrorNote problem={check.problem()} what="It could not be checked" />
        <TextField label="Comment" hint="What is different; stands in the list of versions" value={comment()} onValue={setComment} maxlength={200} />
        <ErrorNote problem={problem()} what="It was not put" />
        <div class="row">
          <Button kind="primary" icon="upload" busy={busy()} disabled={text() === props.source || check.answer()?.ok === false} onClick={() => void put()}>Put version</Button>
          <Button onClick={props.onCancel}>Cancel</Button>
          <Show when={props.script.kind === "strategy"}><span class="small muted">It is proven on sample data first; that takes a few seconds.</span></Show>
        </div>
      </div>
    </Panel>
  );
}
