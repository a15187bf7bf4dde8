// Scripts of the installation: tiers, rules, dialects of venues, shipped strategies.
import { A, useSearchParams } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { all, api, ok, type Schemas } from "~/api/client";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, Empty, Load, PageHead, Panel, Table, type Column } from "~/ui";
import { may } from "../lib/may";
import { Filter } from "../lib/parts";
import { NewDialog } from "./new";

type Script = Schemas["Script"];

const columns: readonly Column<Script>[] = [
  { id: "name", label: "Script", value: (s) => s.name, cell: (s) => <A href={`/scripts/${s.id}`}>{s.name}</A>, lead: true },
  { id: "kind", label: "Kind", value: (s) => s.kind, cell: (s) => <Badge plain tone={s.kind === "strategy" ? "accent" : s.kind === "tier" ? "good" : s.kind === "dialect" ? "info" : "neutral"}>{s.kind}</Badge> },
  { id: "active", label: "Active", value: (s) => s.active_version ?? 0, kind: "number", cell: (s) => <Show when={s.active_version} fallback={<span class="muted">none</span>}>version {s.active_version}</Show> },
  { id: "latest", label: "Newest", value: (s) => s.latest_version, kind: "number", cell: (s) => <span class="row" style={{ "justify-content": "flex-end" }}><Show when={s.latest_version !== s.active_version}><Badge tone="warn">not active</Badge></Show>version {s.latest_version}</span> },
  { id: "updated", label: "Changed", value: (s) => s.updated_at_ms, cell: (s) => <Ago ms={s.updated_at_ms} /> },
];

export default function Scripts(): JSX.Element {
  const [params] = useSearchParams<{ kind?: string }>();
  const [scripts, { refetch }] = createResource(() => ({ kind: params.kind }), ({ kind }) => all((cursor) => ok(api.GET("/api/v1/admin/scripts", { params: { query: { limit: 200, cursor, kind: kind as Script["kind"] | undefined } } }))));
  const [adding, setAdding] = createSignal(false);
  return (
    <>
      <PageHead title="Scripts"><Show when={may("scripts")}><Button kind="primary" icon="plus" onClick={() => setAdding(true)}>New script</Button></Show></PageHead>
      <div class="stack">
        <p class="muted">What an activation changes is in force everywhere at once, without a restart: prices and limits, venues' dialects, rules of signals, strategies that come with the product.</p>
        <Panel flush>
          <Load of={scripts} retry={() => void refetch()}>
            {(list) => <Table tools={<Filter name="kind" label="Kind" options={[{ value: "", label: "All kinds" }, { value: "tier", label: "Tiers" }, { value: "strategy", label: "Strategies" }, { value: "dialect", label: "Dialects" }, { value: "rule", label: "Rules" }]} />} label="Scripts" rows={list()} columns={columns} key={(s) => s.id} search="Filter" sort={{ id: "kind", desc: true }} empty={<Empty icon="studio" title="No script of this kind" />} />}
          </Load>
        </Panel>
      </div>
      <Show when={adding()}><NewDialog onClose={() => setAdding(false)} /></Show>
    </>
  );
}
