// A script of a new name, from a file.
import { useNavigate } from "@solidjs/router";
import { createSignal, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { Button, Dialog, ErrorNote, Field, Select, TextField, toast } from "~/ui";

export function NewDialog(props: { onClose: () => void }): JSX.Element {
  const navigate = useNavigate();
  const [kind, setKind] = createSignal<Schemas["ScriptKind"]>("strategy");
  const [name, setName] = createSignal("");
  const [source, setSource] = createSignal("");
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const file = async (input: HTMLInputElement): Promise<void> => {
    const f = input.files?.[0];
    if (!f) return;
    setSource(await f.text());
    if (!name()) setName(f.name.replace(/\.lua$/, ""));
  };
  const put = async (e: SubmitEvent): Promise<void> => {
    e.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const done = await ok(api.POST("/api/v1/admin/scripts", { body: { kind: kind(), name: name().trim(), source: source() } }));
      toast(`${done.name} is put`, "good", "It is not active yet.");
      navigate(`/scripts/${done.id}`);
    } catch (x) {
      setProblem(toProblem(x));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog large title="New script" onClose={props.onClose} footer={<><Button onClick={props.onClose}>Cancel</Button><Button kind="primary" type="submit" form="new-script" busy={busy()} disabled={!source().trim() || !name().trim()}>Put</Button></>}>
      <form id="new-script" class="stack" onSubmit={(e) => void put(e)}>
        <div class="op-grid">
          <Select label="Kind" value={kind()} onValue={(v) => setKind(v as Schemas["ScriptKind"])} options={[{ value: "strategy", label: "Strategy" }, { value: "tier", label: "Tier: plans and prices" }, { value: "rule", label: "Rule of signals" }, { value: "dialect", label: "Dialect of a venue" }]} />
          <TextField label="Name" required value={name()} onValue={setName} problem={problem()} pointer="/name" />
        </div>
        <Field label="From a file" hint="Lua, at most 64 KiB">{(p) => <input {...p} class="input" type="file" accept=".lua,text/plain" onChange={(e) => void file(e.currentTarget)} />}</Field>
        <Field label="Source" problem={problem()} pointer="/source">{(p) => <textarea {...p} class="textarea op-source" rows={16} spellcheck={false} value={source()} onInput={(e) => setSource(e.currentTarget.value)} />}</Field>
        <ErrorNote problem={problem()} />
      </form>
    </Dialog>
  );
}
