// All bots of the account, with state and reason.
import { createResource, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { Badge, Empty, Load, PageHead, Panel, Table, type Column } from "~/ui";

type Bot = Schemas["Bot"];

const columns: readonly Column<Bot>[] = [
  { id: "name", label: "Name", value: (b) => b.name, lead: true },
  { id: "symbol", label: "Market", value: (b) => b.symbol },
  { id: "state", label: "State", value: (b) => b.state, cell: (b) => <Badge>{b.state}</Badge> },
];

export default function Bots(): JSX.Element {
  const [bots, { refetch }] = createResource(() => ok(api.GET("/api/v1/bots", { params: { query: { limit: 200 } } })));
  return (
    <>
      <PageHead title="Bots" />
      <Load of={bots} retry={() => void refetch()}>
        {(list) => <Panel flush><Table label="Bots" rows={list().items} columns={columns} key={(b) => b.id} empty={<Empty icon="bot" title="No bots yet" />} /></Panel>}
      </Load>
    </>
  );
}
