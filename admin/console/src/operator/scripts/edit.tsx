// Writing a version: the editor with what is wrong underlined, then put. A strategy is proven before it can be active.
import { createSignal, Show, Suspense, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { createChecker, Editor, Problems, reference, type CodeHandle } from "~/code";
import { createResource } from "~/lib/resource";
import { Badge, Button, ErrorNote, Panel, Skeleton, TextField, toast } from "~/ui";

type Script = Schemas["Script"];

export function Edit(props: { script: Script; source: string; from: number; onCancel: () => void; onPut: (script: Script) => void }): JSX.Element {
  const [text, setText] = createSignal(props.source);
  const [comment, setComment] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const check = createChecker((source) => ok(api.POST("/api/v1/admin/scripts/check", { body: { kind: props.script.kind, name: props.script.name, source } })));
  const [ref] = createResource(() => props.script.kind === "strategy" || undefined, () => reference().catch(() => null)); // of rules and the like there is none
  let code: CodeHandle | undefined;
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
  const said = () => check.answer()?.check;
  const fresh = () => check.answer()?.source === text();
  return (
    <Panel title={`New version, from version ${props.from}`} actions={<Show when={check.answer() || check.busy()}><Badge tone={check.busy() ? "neutral" : said()?.ok ? "good" : "bad"}>{check.busy() ? "checking" : said()?.ok ? "no fault found" : "faults"}</Badge></Show>}>
      <div class="stack">
        <Panel flush label="Editor"><Suspense fallback={<Skeleton lines={12} />}><Editor value={text()} onValue={typed} check={check.answer()} reference={ref.latest ?? null} label={`Source of ${props.script.name}`} ref={(h) => (code = h)} /></Suspense></Panel>
        <Show when={check.answer() || check.busy()}><Problems list={said()?.problems ?? []} busy={check.busy()} fresh={fresh()} problem={check.problem()} onGo={(p) => code?.goto(p)} /></Show>
        <TextField label="Comment" hint="What is different; stands in the list of versions" value={comment()} onValue={setComment} maxlength={200} />
        <ErrorNote problem={problem()} what="It was not put" />
        <div class="row">
          <Button kind="primary" icon="upload" busy={busy()} disabled={text() === props.source || said()?.ok === false} onClick={() => void put()}>Put version</Button>
          <Button onClick={props.onCancel}>Cancel</Button>
          <Show when={props.script.kind === "strategy"}><span class="small muted">It is proven on sample data first; that takes a few seconds.</span></Show>
        </div>
      </div>
    </Panel>
  );
}
