// Orders whose outcome nobody has proven. They count with all they may have bought; the engine asks on, a person may decide.
import { A } from "@solidjs/router";
import { createSignal, onCleanup, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, Checkbox, ConfirmDialog, Empty, Load, Note, PageHead, Panel, Quantity, Table, toast, toastProblem, type Column } from "~/ui";
import { may } from "../lib/may";
import { Id } from "../lib/parts";

type Order = Schemas["UnknownOrders"]["items"][number];

async function decide(o: Order, decision: "dead" | "ask"): Promise<void> {
  await ok(api.POST("/api/v1/admin/bots/{bot_id}/unknown-orders", { params: { path: { bot_id: o.bot_id } }, body: { order: o.order, decision } }));
}

function DeadDialog(props: { order: Order; onClose: () => void; done: () => void }): JSX.Element {
  const [seen, setSeen] = createSignal(false);
  const act = async (): Promise<void> => {
    await decide(props.order, "dead");
    toast("The order is dead", "good", "Its bot goes on without it.");
    props.done();
  };
  return (
    <ConfirmDialog title="This order does not live" confirm="It is dead" danger disabled={!seen()} action={act} onClose={props.onClose}>
      <dl class="facts">
        <dt>Order</dt><dd>{props.order.side} {props.order.qty} {props.order.symbol}, {props.order.filled} filled</dd>
        <dt>Client id</dt><dd><code class="break">{props.order.client_id}</code></dd>
        <dt>Venue's id</dt><dd><code class="break">{props.order.venue_order_id || "none was told"}</code></dd>
      </dl>
      <Note tone="warn">If it does live, it may still be filled, and the bot will not know of that position until the next comparison with the venue.</Note>
      <Checkbox label="I have looked at the venue: it never existed there, or has ended without another execution" checked={seen()} onChecked={setSeen} />
    </ConfirmDialog>
  );
}

export default function Unknown(): JSX.Element {
  const [orders, { refetch }] = createResource(() => ok(api.GET("/api/v1/admin/unknown-orders")));
  const timer = setInterval(() => !document.hidden && void refetch(), 5000);
  onCleanup(() => clearInterval(timer));
  const [dead, setDead] = createSignal<Order | null>(null);
  const ask = async (o: Order): Promise<void> => {
    try {
      await decide(o, "ask");
      toast("The venue is asked again");
    } catch (e) {
      toastProblem("It could not be asked again", e);
    }
    void refetch();
  };
  const columns: readonly Column<Order>[] = [
    { id: "order", label: "Order", value: (o) => `${o.side} ${o.symbol}`, lead: true, cell: (o) => <span class="nowrap"><span class={o.side === "buy" ? "up" : "down"}>{o.side}</span> {o.symbol}</span> },
    { id: "qty", label: "Quantity", value: (o) => o.qty, kind: "decimal", cell: (o) => <Quantity value={o.qty} /> },
    { id: "filled", label: "Filled", value: (o) => o.filled, kind: "decimal", cell: (o) => <Quantity value={o.filled} /> },
    { id: "state", label: "State", value: (o) => o.state, cell: (o) => <Badge tone={o.state === "quarantined" ? "bad" : "warn"}>{o.state}</Badge> },
    { id: "since", label: "Since", value: (o) => o.since_ms ?? 0, cell: (o) => <Ago ms={o.since_ms} /> },
    { id: "asked", label: "“Not there”", value: (o) => o.asked_rounds, kind: "number", cell: (o) => `${o.asked_rounds} of 3` },
    { id: "bot", label: "Bot, client id", value: (o) => `${o.bot_id} ${o.client_id}`, cell: (o) => <span class="stack-s"><A href={`/bots/${o.bot_id}`}><Id id={o.bot_id} /></A><code class="tiny op-narrow" title={o.client_id}>{o.client_id}</code></span> },
    { id: "act", label: "", value: () => "", bare: true, cell: (o) => <Show when={may("bots")}><span class="row op-acts"><Button small onClick={() => void ask(o)}>Ask again</Button><Button small kind="danger" onClick={() => setDead(o)}>It is dead</Button></span></Show> },
  ];
  return (
    <>
      <PageHead title="Unknown orders" />
      <div class="stack">
        <p class="muted">An answer of the venue was lost. Such an order counts as filled in full against every limit, is never sent again, and the venue is asked until it proves what became of it.</p>
        <Panel flush>
          <Load of={orders} retry={() => void refetch()}>
            {(o) => <Table label="Unknown orders" rows={o().items} columns={columns} key={(x) => x.client_id} empty={<Empty icon="check" title="None" text="What became of every order at every venue is proven." />} />}
          </Load>
        </Panel>
      </div>
      <Show when={dead()}>{(o) => <DeadDialog order={o()} onClose={() => setDead(null)} done={() => void refetch()} />}</Show>
    </>
  );
}
