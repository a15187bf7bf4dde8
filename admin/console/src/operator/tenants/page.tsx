// Tenants and what they use of their plans.
import { A, useSearchParams } from "@solidjs/router";
import { createSignal, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { Ago, Badge, Dialog, Empty, Load, PageHead, Panel, Table, type Column } from "~/ui";
import { createPages } from "~/ui/pages";
import { SearchBox } from "../lib/parts";
import { Meters } from "./meters";

type Tenant = Schemas["AdminTenant"];

// The limit that is nearest to its end.
function tightest(t: Tenant): { name: string; share: number } | null {
  let best: { name: string; share: number } | null = null;
  for (const i of t.usage?.items ?? []) {
    if (i.limit == null || i.limit === 0 || (t.personal && i.name === "members")) continue;
    const share = i.used / i.limit;
    if (i.used > 0 && (!best || share > best.share)) best = { name: i.name, share };
  }
  return best;
}

export default function Tenants(): JSX.Element {
  const [params] = useSearchParams<{ q?: string }>();
  const pages = createPages(() => params.q, (q, cursor) => ok(api.GET("/api/v1/admin/tenants", { params: { query: { limit: 50, cursor, q } } })));
  const [open, setOpen] = createSignal<Tenant | null>(null);
  const columns: readonly Column<Tenant>[] = [
    { id: "name", label: "Tenant", value: (t) => t.email || t.name, lead: true, cell: (t) => <Show when={t.user_id} fallback={t.name}><A href={`/users/${t.user_id}`}>{t.email || t.name}</A></Show> },
    { id: "kind", label: "Kind", value: (t) => (t.personal ? "person" : "organisation"), cell: (t) => (t.personal ? "person" : `organisation of ${t.members}`) },
    { id: "plan", label: "Plan", value: (t) => t.subscription?.plan.name, cell: (t) => <span class="row">{t.subscription?.plan.name}<Show when={t.subscription?.exception}><Badge tone="info">exception</Badge></Show><Show when={t.usage && t.usage.standing !== "within"}><Badge tone="warn">{t.usage!.standing.replace("_", " ")}</Badge></Show></span> },
    { id: "bots", label: "Bots started", value: (t) => t.bots_started, kind: "number", cell: (t) => <A href={`/bots?tenant=${t.id}`}>{t.bots_started} / {t.bots}</A> },
    { id: "accounts", label: "Accounts", value: (t) => t.accounts, kind: "number" },
    { id: "most", label: "Nearest limit", value: (t) => tightest(t)?.share ?? 0, kind: "number", cell: (t) => <Show when={tightest(t)} fallback="–">{(m) => <span class="row" style={{ "justify-content": "flex-end" }}><span class="small muted">{m().name.replace(/_/g, " ")}</span><span class="num">{Math.round(m().share * 100)} %</span></span>}</Show> },
    { id: "since", label: "Since", value: (t) => t.created_at_ms, cell: (t) => <Ago ms={t.created_at_ms} /> },
  ];
  return (
    <>
      <PageHead title="Usage" />
      <Panel flush>
        <Load of={pages.of} retry={pages.reload}>
          {() => <Table tools={<SearchBox label="Search tenants" placeholder="Name or address" />} label="Tenants" rows={pages.rows()} columns={columns} key={(t) => t.id} more={pages.more()} csvName="tenants" onRow={setOpen} empty={<Empty icon="account" title="No such tenant" />} />}
        </Load>
      </Panel>
      <Show when={open()}>{(t) => <Dialog drawer title={t().email || t().name} onClose={() => setOpen(null)}><Show when={t().usage}>{(u) => <Meters of={u()} />}</Show></Dialog>}</Show>
    </>
  );
}
