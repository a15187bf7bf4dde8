// How a message is read: the mapping beside a sample, and what that sample would become as you type; then what the rules would say.
import { createEffect, createMemo, createSignal, For, on, onCleanup, Show, type JSX } from "solid-js";
import { createStore } from "solid-js/store";
import { api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { useAction } from "~/lib/action";
import { Badge, Button, ErrorNote, Field, Note, Panel, Segmented, TextField, toast } from "~/ui";
import { FIELDS, sampleOf, type HookSettings } from "./model";
import type { HookHandle } from "./page";
import { Fields, pretty, StageLog } from "./parts";

type Tested = Schemas["HookTested"];
const PAUSE_MS = 300;

export function MessageTab(props: { of: HookHandle }): JSX.Element {
  const path = { hook: props.of.hook().id };
  const given = (): Record<string, string> => (props.of.settings().mapping ?? {}) as Record<string, string>;
  const [own, setOwn] = createSignal(Object.keys(given()).length > 0);
  const [paths, setPaths] = createStore<Record<string, string>>({ ...given() });
  const [body, setBody] = createSignal("");
  const [read, setRead] = createSignal<Tested | null>(null);
  const [wrong, setWrong] = createSignal<Problem | null>(null);
  const [verdict, setVerdict] = createSignal<Tested | null>(null);

  // The latest message that came is the best sample.
  void ok(api.GET("/api/v1/hooks/{hook}/deliveries", { params: { path, query: { limit: 1 } } })).then((r) => r.items[0]?.body, () => undefined).then((text) => !body() && setBody(text ? pretty(text) : sampleOf(props.of.settings())));

  const mapping = createMemo((): Record<string, string> => (own() ? Object.fromEntries(FIELDS.flatMap((f) => (paths[f.name]?.trim() ? [[f.name, paths[f.name]!.trim()]] : []))) : {}));
  const changed = () => JSON.stringify(mapping()) !== JSON.stringify(Object.fromEntries(FIELDS.flatMap((f) => (given()[f.name] ? [[f.name, given()[f.name]!]] : []))));

  // Asked after each pause; only the newest answer counts.
  let timer: ReturnType<typeof setTimeout> | undefined, asked = 0;
  createEffect(on([body, mapping], ([text, map]) => {
    clearTimeout(timer);
    setVerdict(null);
    if (!text.trim()) return void setRead(null);
    timer = setTimeout(() => {
      const mine = ++asked;
      ok(api.POST("/api/v1/hooks/{hook}/test", { params: { path }, body: { body: text, mapping: map, stages: [] } })).then(
        (t) => mine === asked && (setRead(t), setWrong(null)),
        (e) => mine === asked && (setWrong(toProblem(e)), setRead(null)),
      );
    }, PAUSE_MS);
  }));
  onCleanup(() => clearTimeout(timer));

  const save = useAction(async () => {
    await props.of.patchSettings({ mapping: Object.keys(mapping()).length ? (mapping() as HookSettings["mapping"]) : undefined });
    toast("Messages are read this way from now on");
  });
  const test = useAction(async () => setVerdict(await ok(api.POST("/api/v1/hooks/{hook}/test", { params: { path }, body: { body: body(), mapping: mapping() } }))));
  const unread = () => (read() && !read()!.accept && !read()!.log.length ? read()!.reason : "");

  return (
    <div class="sig-message">
      <Panel title="A message" label="A message">
        <div class="stack">
          <Field label="As the sender posts it" hint="JSON, or a line such as buy BTCUSDT 0.01 @ 43000 sl=42000. Nothing here is acted upon.">
            {(p) => <textarea {...p} class="textarea mono" rows={10} spellcheck={false} maxLength={16000} value={body()} onInput={(e) => setBody(e.currentTarget.value)} />}
          </Field>
          <div class="row"><Button kind="primary" icon="play" busy={test.busy()} disabled={!body().trim()} onClick={() => void test.run()}>Ask the rules</Button><Button kind="quiet" onClick={() => setBody(sampleOf(props.of.settings()))}>A sample</Button></div>
          <ErrorNote problem={test.problem()} what="The rules could not be asked" />
        </div>
      </Panel>
      <Panel title="How it is read" label="How it is read" actions={<Segmented label="Names" items={[{ value: "usual", label: "Usual names" }, { value: "own", label: "A mapping" }]} value={own() ? "own" : "usual"} onValue={(v) => setOwn(v === "own")} />}>
        <form class="stack" onSubmit={save.submit}>
          <Show when={own()} fallback={<p class="small muted">Each field is looked for under its usual names: {FIELDS.slice(0, 3).map((f) => `${f.name} as ${f.usual}`).join("; ")} … A sender with other names needs a mapping.</p>}>
            <p class="small muted">Where the value is: <code>data.pair</code>, <code>orders.0.qty</code>; or a constant: <code>=buy</code>. Only what is filled in is read.</p>
            <div class="sig-map">
              <For each={FIELDS}>{(f) => <TextField label={f.name} hint={f.about} value={paths[f.name] ?? ""} onValue={(v) => setPaths(f.name, v)} spellcheck={false} autocomplete="off" class="mono" placeholder="not read" problem={wrong() ?? save.problem()} pointer={wrong() ? `/mapping/${f.name}` : `/settings/mapping/${f.name}`} />}</For>
            </div>
          </Show>
          <ErrorNote problem={save.problem()} what="The mapping was not saved" />
          <div class="row"><Button type="submit" kind="primary" busy={save.busy()} disabled={!changed() || !!wrong()}>{changed() ? "Save the mapping" : "Nothing changed"}</Button></div>
        </form>
      </Panel>
      <Panel title="What it becomes" label="What it becomes">
        <div aria-live="polite" class="stack">
          <Show when={unread()}>{(why) => <Note tone="bad" title="It is no signal"><p class="break">{why()}</p></Note>}</Show>
          <Show when={wrong() && !wrong()!.errors.length}><ErrorNote problem={wrong()} what="It could not be read" /></Show>
          <Show when={read() && !unread()} fallback={<Show when={!unread()}><p class="muted small">What a bot's script gets stands here.</p></Show>}><Fields signal={read()!.signal} /></Show>
        </div>
      </Panel>
      <Panel title="What the rules say" label="What the rules say" actions={<Show when={verdict()}>{(v) => <Badge tone={v().accept ? "good" : "warn"}>{v().accept ? "It would pass" : "It would be rejected"}</Badge>}</Show>}>
        <Show when={verdict()} fallback={<p class="muted small">Ask the rules, and each stage's answer stands here – with what was accepted lately left out, so caps and duplicates count from nothing.</p>}>
          {(v) => (
            <div class="stack">
              <Show when={v().reason}><p class="break">{v().reason}</p></Show>
              <StageLog log={v().log} />
              <Show when={v().accept}><div class="stack-s"><span class="label-text">Bots would get</span><Fields signal={v().signal} /></div></Show>
            </div>
          )}
        </Show>
      </Panel>
    </div>
  );
}
