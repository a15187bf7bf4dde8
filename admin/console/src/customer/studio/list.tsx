// One's strategies, and those that come with the engine to begin with.
import { A, useNavigate } from "@solidjs/router";
import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { all, api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, Dialog, Empty, ErrorNote, Load, PageHead, Panel, Skeleton, Table, TextField, toast, type Column } from "~/ui";
import { headerOf } from "./header";
import "./studio.css";

type Strategy = Schemas["Strategy"];
type Template = Schemas["Template"];

const BLANK = `-- What it does, in a sentence. When does it work, when does it fail?
strategy{ name="My strategy", api=1,
  params={ fast=int{10, min=2, max=100, opt=true}, slow=int{30, min=5, max=400, opt=true} },
  check=function(p) return p.fast < p.slow, "fast must be below slow" end,
  ind={ f={"sma", "fast"}, s={"sma", "slow"} } }

function on_bar(ctx, bar)
  if crossed_up(ctx.ind.f, ctx.ind.s) then
    ctx:target{pct=95, tag="up"}
  elseif crossed_down(ctx.ind.f, ctx.ind.s) then
    ctx:target{pct=0, tag="down"}
  end
end
`;

/** What the source's first comment says of it: "Works …", "Fails …". */
function promises(source: string): { word: string; text: string }[] {
  const out: { word: string; text: string }[] = [];
  let mine = false;
  for (const line of source.split("\n")) {
    if (!line.startsWith("--")) break;
    const m = /^-- ([A-Z][a-z]+)\s+(.*)$/.exec(line);
    if (m) mine = m[1] === "Works" || m[1] === "Fails";
    if (m && mine) out.push({ word: m[1]!, text: m[2]!.replace(/`/g, "") });
    else if (!m && mine && /^--\s{4,}\S/.test(line)) out[out.length - 1]!.text += ` ${line.replace(/^--\s+/, "").replace(/`/g, "")}`;
  }
  return out;
}

function Create(props: { taken: ReadonlySet<string>; onClose: () => void }): JSX.Element {
  const navigate = useNavigate();
  const [templates, { refetch }] = createResource(async () => (await ok(api.GET("/api/v1/strategies/templates"))).items);
  const [edition] = createResource(() => ok(api.GET("/api/v1/edition")).catch(() => null));
  const [chosen, setChosen] = createSignal<Template | null>(null); // null: the blank one
  const [name, setName] = createSignal("");
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [busy, setBusy] = createSignal(false);
  const presets = (t: Template) => (edition.latest?.presets ?? []).filter((p) => p.strategy === t.name).map((p) => p.name);
  const suggestion = createMemo(() => {
    const wanted = chosen() ? (headerOf(chosen()!.header)?.name ?? chosen()!.name) : "My strategy";
    let free = wanted;
    for (let i = 2; props.taken.has(free.toLowerCase()); i++) free = `${wanted} ${i}`;
    return free;
  });
  const create = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      const s = await ok(api.POST("/api/v1/strategies", { body: { name: name().trim() || suggestion(), source: chosen()?.source ?? BLANK, activate: true } }));
      toast(`“${s.name}” is there`);
      navigate(`/strategies/${s.id}`);
    } catch (e) {
      setProblem(toProblem(e));
      setBusy(false);
    }
  };
  const Choice = (p: { title: string; about: string; on: boolean; pick: () => void; tags?: string[]; lines?: { word: string; text: string }[] }): JSX.Element => (
    <button type="button" class="studio-template" aria-pressed={p.on} onClick={p.pick}>
      <span class="strong">{p.title}</span>
      <span class="small muted">{p.about}</span>
      <For each={p.lines ?? []}>{(l) => <span class="tiny"><span class={l.word === "Works" ? "up strong" : l.word === "Fails" ? "down strong" : "muted strong"}>{l.word}</span> {l.text}</span>}</For>
      <Show when={p.tags?.length}><span class="row"><For each={p.tags}>{(t) => <Badge plain tone="accent">{t}</Badge>}</For></span></Show>
    </button>
  );
  return (
    <Dialog title="New strategy" large onClose={props.onClose} footer={
      <>
        <Button onClick={() => props.onClose()}>Cancel</Button>
        <Button kind="primary" busy={busy()} onClick={() => void create()}>Create and prove</Button>
      </>
    }>
      <TextField label="Name" value={name()} onValue={setName} placeholder={suggestion()} hint="Letters, digits and spaces; it can be anything you recognise" problem={problem()} pointer="/name" maxlength="100" />
      <ErrorNote problem={problem()} what="It could not be made" />
      <div class="field"><span class="label">Begin with</span></div>
      <Load of={templates} retry={() => void refetch()} what="The templates cannot be listed" skeleton={<Skeleton lines={5} height={40} />}>
        {(list) => (
          <div class="studio-templates" role="group" aria-label="Begin with">
            <Choice title="Twelve lines" about="Two moving averages that cross: a small beginning of your own." on={!chosen()} pick={() => setChosen(null)} />
            <For each={list()}>{(t) => <Choice title={headerOf(t.header)?.name ?? t.name} about={headerOf(t.header)?.about ?? ""} on={chosen()?.name === t.name} pick={() => setChosen(t)} tags={presets(t)} lines={promises(t.source)} />}</For>
          </div>
        )}
      </Load>
    </Dialog>
  );
}

export default function StrategyList(): JSX.Element {
  const navigate = useNavigate();
  const [creating, setCreating] = createSignal(false);
  const [list, { refetch }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/strategies", { params: { query: { limit: 200, cursor } } }))));
  const taken = createMemo(() => new Set((list.latest ?? []).map((s) => s.name.toLowerCase())));
  const columns: Column<Strategy>[] = [
    { id: "name", label: "Name", value: (s) => s.name, lead: true, cell: (s) => <A href={`/strategies/${s.id}`}>{s.name}</A> },
    { id: "active", label: "Active", value: (s) => s.active_version ?? 0, cell: (s) => <Show when={s.active_version} fallback={<Badge tone="neutral">nothing</Badge>}><Badge tone="accent">Version {s.active_version}</Badge></Show> },
    { id: "latest", label: "Newest", value: (s) => s.latest_version, kind: "number", cell: (s) => <>Version {s.latest_version}</> },
    { id: "changed", label: "Changed", value: (s) => s.updated_at_ms, kind: "number", cell: (s) => <Ago ms={s.updated_at_ms} /> },
    { id: "go", label: "", value: () => "", bare: true, cell: (s) => <span class="row studio-go"><A class="small" href={`/strategies/${s.id}?tab=run`}>Backtest</A><A class="small" href={`/strategies/${s.id}?tab=versions`}>Versions</A></span> },
  ];
  return (
    <>
      <PageHead title="Strategies"><Button kind="primary" icon="plus" onClick={() => setCreating(true)}>New strategy</Button></PageHead>
      <Panel flush label="Strategies">
        <Load of={list} retry={() => void refetch()} what="The strategies cannot be listed" skeleton={<div class="bt-pad"><Skeleton lines={5} height={22} /></div>}>
          {(rows) => (
            <Table rows={rows()} columns={columns} key={(s) => s.id} label="Strategies" pageSize={50} search sort={{ id: "changed", desc: true }} onRow={(s) => navigate(`/strategies/${s.id}`)}
              empty={<Empty icon="studio" title="No strategies yet" text="A strategy is one Lua file. Begin with one of those that come along, change it, and see what it would have done."><Button kind="primary" icon="plus" onClick={() => setCreating(true)}>New strategy</Button></Empty>} />
          )}
        </Load>
      </Panel>
      <Show when={creating()}><Create taken={taken()} onClose={() => setCreating(false)} /></Show>
    </>
  );
}
