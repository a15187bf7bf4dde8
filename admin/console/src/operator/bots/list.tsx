// Bots of all tenants.
import { A, useSearchParams } from "@solidjs/router";
import { Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { Ago, Badge, Button, Empty, Load, Money, PageHead, Panel, Table, type Column } from "~/ui";
import { createPages } from "~/ui/pages";
import { BotLink, BotState, Filter, SearchBox } from "../lib/parts";

export type Bot = Schemas["Bot"];
type State = Schemas["BotState"];

const STATES: State[] = ["running", "starting", "paused", "stopping", "stopped", "retrying", "halted", "quarantined", "dead", "retired"];

const columns: readonly Column<Bot>[] = [
  { id: "name", label: "Bot", value: (b) => b.name, cell: (b) => <BotLink id={b.id} name={b.name} />, lead: true },
  { id: "owner", label: "Owner", value: (b) => b.owner, cell: (b) => <A href={`/bots?tenant=${b.tenant_id}`}>{b.owner ?? b.tenant_id}</A> },
  { id: "market", label: "Market", value: (b) => b.symbol, cell: (b) => <span class="row">{b.symbol} <span class="muted small">{b.timeframe}{b.venue ? ` · ${b.venue}` : ""}</span></span> },
  { id: "money", label: "Money", value: (b) => (b.paper ? "paper" : "venue"), cell: (b) => <Badge plain tone={b.paper ? "info" : "warn"}>{b.paper ? "PAPER" : "VENUE"}</Badge> },
  { id: "state", label: "State", value: (b) => b.state, cell: (b) => <BotState state={b.state} /> },
  { id: "why", label: "Why", value: (b) => b.reason, cell: (b) => <span class="small muted">{b.reason}</span> },
  { id: "pnl", label: "P&L of the run", value: (b) => b.live?.pnl, kind: "decimal", cell: (b) => <Money value={b.live?.pnl} signed /> },
  { id: "since", label: "Since", value: (b) => b.since_ms, cell: (b) => <Ago ms={b.since_ms} /> },
];

export default function Bots(): JSX.Element {
  const [params, setParams] = useSearchParams<{ q?: string; state?: string; tenant?: string }>();
  const pages = createPages(() => ({ ...params }), (p, cursor) =>
    ok(api.GET("/api/v1/admin/bots", { params: { query: { limit: 100, cursor, q: p.q, tenant_id: p.tenant, held: p.state === "held" || undefined, state: p.state && p.state !== "held" ? (p.state as State) : undefined } } })));
  return (
    <>
      <PageHead title="Bots" />
      <Panel flush>
        <Load of={pages.of} retry={pages.reload}>
          {() => <Table tools={
            <>
              <SearchBox label="Search bots" placeholder="Name, symbol, owner, id" />
              <Filter name="state" label="State" options={[{ value: "", label: "Any state" }, { value: "held", label: "Waiting for somebody" }, ...STATES.map((s) => ({ value: s, label: s }))]} />
              <Show when={params.tenant}><Button small icon="close" onClick={() => setParams({ tenant: undefined })}>One tenant only</Button></Show>
              <Button small kind="quiet" icon="reload" onClick={pages.reload}>Read again</Button>
            </>
          } label="Bots" rows={pages.rows()} columns={columns} key={(b) => b.id} more={pages.more()} csvName="bots" empty={<Empty icon="bot" title="No such bot" text="None fits what is asked for." />} />}
        </Load>
      </Panel>
    </>
  );
}
