// Signals over all customers: what was posted and what became of it, rules in quarantine, and the rules that all signals pass first.
import { useSearchParams } from "@solidjs/router";
import { For, onCleanup, Show, type JSX } from "solid-js";
import { api, ok, okTagged, type Schemas } from "~/api/client";
import { STATES, type Stage } from "~/customer/signals/model";
import { Rates, Verdict } from "~/customer/signals/parts";
import { createStages, StagesForm } from "~/customer/signals/stages_form";
import { useAction } from "~/lib/action";
import { formatNumber } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Ago, Button, Empty, ErrorNote, LinkButton, Load, PageHead, Panel, Skeleton, Table, Tabs, Time, toast, toastProblem, type Column } from "~/ui";
import { createPages } from "~/ui/pages";
import { may } from "../lib/may";
import { Filter, Id } from "../lib/parts";

type Delivery = Schemas["AdminDelivery"];
type Held = Schemas["HeldRule"];
const TABS = [{ value: "deliveries", label: "Deliveries" }, { value: "held", label: "Rules in quarantine" }, { value: "rules", label: "Rules of all hooks" }];

function Deliveries(): JSX.Element {
  const [params, setParams] = useSearchParams<{ state?: string; tenant?: string; hook?: string }>();
  const pages = createPages(() => ({ ...params }), ({ state, tenant, hook }, cursor) => ok(api.GET("/api/v1/admin/signals", { params: { query: { limit: 100, cursor, state: state as Delivery["state"] | undefined, tenant_id: tenant, hook_id: hook } } })));
  const timer = setInterval(() => !document.hidden && pages.reload(), 5000);
  onCleanup(() => clearInterval(timer));
  const columns: readonly Column<Delivery>[] = [
    { id: "time", label: "Came", kind: "number", right: false, value: (d) => d.received_at_ms, cell: (d) => <Time ms={d.received_at_ms} /> },
    { id: "hook", label: "Hook", lead: true, value: (d) => d.hook_name, cell: (d) => <button type="button" class="link" onClick={() => setParams({ hook: d.hook_id })}>{d.hook_name}<span class="sr"> only</span></button> },
    { id: "owner", label: "Owner", value: (d) => d.owner ?? d.tenant_id, cell: (d) => <button type="button" class="link break" onClick={() => setParams({ tenant: d.tenant_id })}>{d.owner ?? <Id id={d.tenant_id} />}<span class="sr"> only</span></button> },
    { id: "state", label: "Verdict", value: (d) => STATES[d.state].label, cell: (d) => <Verdict state={d.state} /> },
    { id: "why", label: "Why", value: (d) => d.reason, cell: (d) => <span class="small break">{d.reason || <span class="muted">{STATES[d.state].about}</span>}</span> },
    { id: "stages", label: "Stages", value: (d) => d.log.map((s) => s.stage).join(" "), cell: (d) => <span class="sig-sizing small"><For each={d.log} fallback={<span class="muted">–</span>}>{(s) => <span class="nowrap" classList={{ down: !s.accept }}>{s.stage}{s.score === undefined ? "" : ` ${formatNumber(s.score, 2)}`}{s.error ? " (failed)" : ""}</span>}</For></span> },
    { id: "from", label: "From", value: (d) => d.address, cell: (d) => <code class="small">{d.address || "–"}</code> },
    { id: "bots", label: "Bots", kind: "number", value: (d) => d.bots },
  ];
  return (
    <Panel flush label="Deliveries">
      <Load of={pages.of} retry={pages.reload}>
        {() => <Table label="Deliveries" rows={pages.rows()} columns={columns} key={(d) => d.id} more={pages.more()} pageSize={100} csvName="signals"
          tools={<><Filter name="state" label="Verdict" options={[{ value: "", label: "All verdicts" }, ...Object.entries(STATES).map(([value, s]) => ({ value, label: s.label }))]} /><Rates list={pages.rows()} /><Show when={params.hook || params.tenant}><Button small onClick={() => setParams({ hook: undefined, tenant: undefined })}>Of everybody</Button></Show></>}
          empty={<Empty icon="signal" title="Nothing was posted" text="What customers' hooks take, reject and turn away stands here; what was in the messages is theirs." />} />}
      </Load>
    </Panel>
  );
}

function HeldRules(): JSX.Element {
  const pages = createPages(() => "", (_, cursor) => ok(api.GET("/api/v1/admin/signals/held", { params: { query: { limit: 100, cursor } } })));
  const release = async (h: Held): Promise<void> => {
    try {
      await ok(api.POST("/api/v1/admin/signals/held/{held_id}/release", { params: { path: { held_id: h.id } } }));
      toast(`${h.rule} is asked again`);
    } catch (e) {
      toastProblem("It could not be released", e);
    }
    pages.reload();
  };
  const columns: readonly Column<Held>[] = [
    { id: "rule", label: "Rule", lead: true, value: (h) => h.rule, cell: (h) => <span class="mono strong">{h.rule}</span> },
    { id: "tenant", label: "For whom", value: (h) => h.tenant_id, cell: (h) => <Id id={h.tenant_id} /> },
    { id: "why", label: "Why", value: (h) => h.reason, cell: (h) => <span class="small break">{h.reason}</span> },
    { id: "source", label: "Source", value: (h) => h.sha256, cell: (h) => <code class="tiny">{h.sha256.slice(0, 16)}</code> },
    { id: "since", label: "Since", kind: "number", right: false, value: (h) => h.since_ms, cell: (h) => <Ago ms={h.since_ms} /> },
    { id: "act", label: "", bare: true, right: true, value: () => "", cell: (h) => <Show when={may("scripts")}><Button small onClick={() => void release(h)}>Release<span class="sr"> {h.rule}</span></Button></Show> },
  ];
  return <Panel flush title="Rules that are not asked any more"><Load of={pages.of} retry={pages.reload}>{() => <Table label="Rules in quarantine" rows={pages.rows()} columns={columns} key={(h) => h.id} more={pages.more()} empty={<Empty icon="check" title="None" text="A rule that hangs or ends the process that asks it comes here; signals it is asked about are refused meanwhile." />} />}</Load></Panel>;
}

function Editing(props: { rules: Schemas["Rule"][]; given: Stage[]; etag: string; onSaved: () => void }): JSX.Element {
  const stages = createStages(props.given, props.rules);
  const save = useAction(async () => {
    await ok(api.PUT("/api/v1/admin/signals/stages", { params: { header: { "If-Match": props.etag } }, body: { stages: stages.stages() } }));
    toast("Saved for all hooks of all customers", "good", "The next signal meets them.");
    props.onSaved();
  });
  return (
    <div class="stack">
      <p class="muted small">Asked about every signal of every customer, before the customer's own. <LinkButton small kind="quiet" href="/scripts">Scripts of rules</LinkButton></p>
      <fieldset class="sig-bare" disabled={!may("scripts")}><StagesForm of={stages} problem={save.problem()} pointer="/stages" /></fieldset>
      <ErrorNote problem={save.problem()} what="They were not saved" />
      <Show when={may("scripts")}><div class="row"><Button kind="primary" busy={save.busy()} disabled={!stages.changed() || stages.wrong()} onClick={() => void save.run()}>{stages.changed() ? "Save for everybody" : "Nothing changed"}</Button><Show when={stages.changed()}><Button onClick={() => stages.reset()}>Discard</Button></Show></div></Show>
    </div>
  );
}

function Global(): JSX.Element {
  const [found, { refetch }] = createResource(async () => {
    const [stages, rules] = await Promise.all([okTagged(api.GET("/api/v1/admin/signals/stages")), ok(api.GET("/api/v1/rules"))]);
    return { given: stages.data.stages as Stage[], etag: stages.etag, rules: rules.items.filter((r) => !r.own) };
  });
  return <Panel title="Rules of all hooks"><Load of={found} retry={() => void refetch()} skeleton={<Skeleton lines={5} height={22} />}>{(f) => <Show when={f().etag} keyed>{(etag) => <Editing rules={f().rules} given={f().given} etag={etag} onSaved={() => void refetch()} />}</Show>}</Load></Panel>;
}

export default function Signals(): JSX.Element {
  const [search, setSearch] = useSearchParams<{ tab?: string }>();
  const tab = () => search.tab ?? "deliveries";
  return (
    <>
      <PageHead title="Signals" />
      <Tabs label="Signals" items={TABS} value={tab()} onValue={(v) => setSearch({ tab: v === "deliveries" ? undefined : v }, { replace: true })}>
        <div class="sig-tab">
          <Show when={tab() === "deliveries"}><Deliveries /></Show>
          <Show when={tab() === "held"}><HeldRules /></Show>
          <Show when={tab() === "rules"}><Global /></Show>
        </div>
      </Tabs>
    </>
  );
}
