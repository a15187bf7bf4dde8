// Rules: one's own, those that come with the installation, and the stages of all one's hooks.
import { A, useNavigate } from "@solidjs/router";
import { createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, okTagged } from "~/api/client";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { Badge, Button, Dialog, Empty, ErrorNote, Load, PageHead, Panel, Select, Skeleton, Table, TextField, toast, type Column } from "~/ui";
import type { Rule, Stage } from "./model";
import { readRules } from "./rules_tab";
import { createStages, StagesForm } from "./stages_form";
import "./signals.css";

const FILTER = (title: string): string => `-- What it lets pass and what it refuses, in a sentence.
rule{
  name="${title}", api=1,
  about="Refuses entries whose size is above a limit.",
  settings={
    most={default=1.0, min=0.0, about="Largest size that passes"},
  },
}

function on_signal(s, env)
  if s.size and s.size > env.settings.most then
    return false, string.format("size %g, at most %g passes", s.size, env.settings.most)
  end
  return true
end
`;
const CHANGE = (title: string): string => `-- What it changes in a signal.
rule{
  name="${title}", api=1,
  about="Cuts the size to a limit and says so.",
  settings={
    most={default=1.0, min=0.0, about="A larger size is cut to this"},
  },
}

function on_signal(s, env)
  local most = env.settings.most
  if s.size and s.size > most then
    return {set={size=most}, note=string.format("size %g cut to %g", s.size, most)}
  end
  return true
end
`;
const SCORE = (title: string): string => `-- What its score means: 0 is bad, 1 is good.
rule{
  name="${title}", api=1,
  about="Scores a signal by its reward for its risk; refuses below a limit.",
  settings={
    least={default=0.5, min=0.0, max=1.0, about="A lower score is refused"},
  },
}

function on_signal(s, env)
  if not (s.price and s.sl and s.tp) then return false, "price, sl and tp are needed" end
  local risk = math.abs(s.price - s.sl)
  if risk == 0 then return false, "the stop is at the price" end
  local reward = math.abs(s.tp - s.price) / risk
  local score = reward / (1 + reward)
  return {accept=score >= env.settings.least, score=score, reason=string.format("score %.2f", score)}
end
`;
const BEGINNINGS = [{ value: "filter", label: "A filter: lets pass or refuses", make: FILTER }, { value: "change", label: "A change: other fields", make: CHANGE }, { value: "score", label: "A score: a number that later rules read", make: SCORE }];

function NewRule(props: { taken: ReadonlySet<string>; onClose: () => void }): JSX.Element {
  const navigate = useNavigate();
  const [name, setName] = createSignal("my_rule");
  const [kind, setKind] = createSignal("filter");
  const title = () => name().replace(/_/g, " ").replace(/^./, (c) => c.toUpperCase());
  const taken = () => props.taken.has(name());
  const go = useAction(async () => {
    await ok(api.POST("/api/v1/rules", { body: { name: name(), source: BEGINNINGS.find((b) => b.value === kind())!.make(title()) } }));
    navigate(`/signals/rules/${name()}`);
  });
  return (
    <Dialog title="New rule" onClose={props.onClose} footer={<><Button onClick={() => props.onClose()}>Cancel</Button><Button kind="primary" type="submit" form="new-rule" busy={go.busy()} disabled={!name() || taken()}>Begin</Button></>}>
      <form id="new-rule" class="stack" onSubmit={go.submit}>
        <TextField label="Name" hint="As stages name it: small letters, digits and _. One with the name of a rule of the installation goes before that." required maxLength={63} spellcheck={false} value={name()} onValue={(v) => setName(v.toLowerCase().replace(/[^a-z0-9_]/g, "_"))} error={taken() ? "You have one of this name." : undefined} problem={go.problem()} pointer="/name" />
        <Select label="Begins as" value={kind()} onValue={setKind} options={BEGINNINGS} />
        <ErrorNote problem={go.problem()} what="It was not made" />
      </form>
    </Dialog>
  );
}

function GlobalStages(props: { rules: Rule[] }): JSX.Element {
  const [found, { refetch }] = createResource(() => okTagged(api.GET("/api/v1/signals/stages")));
  return <Load of={found} retry={() => void refetch()} what="They cannot be read">{(f) => <Show when={f().etag} keyed>{(etag) => <EditGlobal rules={props.rules} given={f().data.stages as Stage[]} etag={etag} onSaved={() => void refetch()} />}</Show>}</Load>;
}

function EditGlobal(props: { rules: Rule[]; given: Stage[]; etag: string; onSaved: () => void }): JSX.Element {
  const stages = createStages(props.given, props.rules);
  const save = useAction(async () => {
    await ok(api.PUT("/api/v1/signals/stages", { params: { header: { "If-Match": props.etag } }, body: { stages: stages.stages() } }));
    toast("Rules of all hooks saved", "good", "The next signal meets them.");
    props.onSaved();
  });
  return (
    <div class="stack">
      <StagesForm of={stages} problem={save.problem()} pointer="/stages" />
      <ErrorNote problem={save.problem()} what="They were not saved" />
      <div class="row"><Button kind="primary" busy={save.busy()} disabled={!stages.changed() || stages.wrong()} onClick={() => void save.run()}>{stages.changed() ? "Save for all hooks" : "Nothing changed"}</Button><Show when={stages.changed()}><Button onClick={() => stages.reset()}>Discard</Button></Show></div>
    </div>
  );
}

export default function Rules(): JSX.Element {
  const navigate = useNavigate();
  const [rules, { refetch }] = createResource(readRules);
  const [creating, setCreating] = createSignal(false);
  const own = () => (rules.latest ?? []).filter((r) => r.own);
  const columns: readonly Column<Rule>[] = [
    { id: "name", label: "Rule", lead: true, value: (r) => r.title ?? r.name, cell: (r) => <span class="stack-0"><A class="strong" href={`/signals/rules/${r.name}`}>{r.title ?? r.name}</A><code class="tiny muted">{r.name}</code></span> },
    { id: "about", label: "About", value: (r) => r.about, cell: (r) => <span class="small">{r.about || "–"}</span> },
    { id: "active", label: "Active", value: (r) => r.active_version ?? 0, cell: (r) => <Show when={r.active_version} fallback={<Badge tone="neutral">nothing</Badge>}>{(v) => <span class="row"><Badge tone="accent">Version {v()}</Badge><Show when={r.held}><Badge tone="bad">in quarantine</Badge></Show></span>}</Show> },
    { id: "latest", label: "Newest", kind: "number", right: false, value: (r) => r.latest_version, cell: (r) => <>Version {r.latest_version}</> },
  ];
  return (
    <>
      <PageHead title="Rules" up={{ href: "/signals", label: "Signals" }}><Button kind="primary" icon="plus" onClick={() => setCreating(true)}>New rule</Button></PageHead>
      <Load of={rules} retry={() => void refetch()} what="The rules cannot be listed" skeleton={<Skeleton lines={8} height={22} />}>
        {(list) => (
          <div class="stack">
            <Panel flush title="My rules">
              <Table label="My rules" rows={own()} columns={columns} key={(r) => r.name} pageSize={50} onRow={(r) => navigate(`/signals/rules/${r.name}`)}
                empty={<Empty icon="studio" title="No rules of your own" text="A rule is a short Lua script that looks at a signal: it lets it pass, refuses it with a reason, changes it, or scores it."><Button kind="primary" icon="plus" onClick={() => setCreating(true)}>Write one</Button></Empty>} />
            </Panel>
            <Panel title="Asked about the signals of all my hooks, before their own rules"><GlobalStages rules={list()} /></Panel>
            <Panel title="Ready-made">
              <dl class="facts sig-ready"><For each={list().filter((r) => !r.own)}>{(r) => <><dt><span class="strong">{r.title ?? r.name}</span></dt><dd>{r.about}</dd></>}</For></dl>
            </Panel>
          </div>
        )}
      </Load>
      <Show when={creating()}><NewRule taken={new Set(own().map((r) => r.name))} onClose={() => setCreating(false)} /></Show>
    </>
  );
}
