// Why this order: the run is made again up to the decision, and what the script saw, had in its variables and asked for is told.
import { For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { createResource } from "~/lib/resource";
import { Badge, Dialog, Load, Note, Panel, Price, Quantity, Skeleton, Table, Time } from "~/ui";
import { DecisionWords } from "./decisions";
import { Values } from "./page";

type Order = Schemas["BotOrder"];

const BY: Record<string, string> = { script: "Its script asked for it.", engine: "The engine made it together with its parent, which is explained here.", core: "The core imposed it (a kill switch, a limit, closing): no script was asked." };

export function WhyDrawer(props: { botId: string; order: Order; onClose: () => void }): JSX.Element {
  const [why, { refetch }] = createResource(() => ok(api.GET("/api/v1/admin/bots/{bot_id}/orders/{order_id}/why", { params: { path: { bot_id: props.botId, order_id: props.order.id } } })));
  return (
    <Dialog drawer title={`Why ${props.order.side} ${props.order.qty} ${props.order.symbol}?`} onClose={props.onClose}>
      <Load of={why} retry={() => void refetch()} what="This order cannot be explained" skeleton={<div class="stack"><p class="muted">The run is made again up to the decision…</p><Skeleton lines={8} /></div>}>
        {(w) => {
          const e = () => w().replay?.explanation;
          return (
            <div class="stack">
              <p>{BY[w().by]} <span class="muted">Run {w().run}, <Time ms={w().decided_ms} /></span></p>
              <Show when={w().replay && !w().replay!.same}><Note tone="warn" title="The replay decided otherwise than recorded">{w().replay!.failure}</Note></Show>
              <Show when={w().denials.length}><Panel title="Refused"><div class="stack-s"><For each={w().denials}>{(d) => <DecisionWords of={d} />}</For></div></Panel></Show>
              <Show when={e()}>
                {(x) => (
                  <>
                    <Show when={x().intent}><Panel title={`Asked for in ${x().callback ?? "its script"}`}><Values of={x().intent!} /></Panel></Show>
                    <Panel title="Indicators" ><Values of={x().indicators} empty="It declares none." /></Panel>
                    <Show when={Object.keys(x().params).length}><Panel title="Parameters"><Values of={x().params} /></Panel></Show>
                    <Show when={x().state_before}><Panel title="ctx.state before"><Values of={x().state_before!} /></Panel></Show>
                    <Show when={x().bars.length}><Panel title="Bars that ended"><For each={x().bars}>{(b) => <Values of={b} />}</For></Panel></Show>
                    <Show when={x().trace.length}>
                      <Panel title="Lines that ran" flush>
                        <Table label="Lines that ran" rows={x().trace.map((t, i) => ({ ...t, i }))} key={(t) => String(t.i)} columns={[
                          { id: "line", label: "Line", value: (t) => t.line, kind: "number", sortable: false },
                          { id: "function", label: "In", value: (t) => t.function, lead: true, sortable: false },
                          { id: "locals", label: "Changed variables", value: () => "", sortable: false, cell: (t) => <span class="small break num">{Object.entries(t.locals).map(([k, v]) => `${k} = ${typeof v === "object" ? JSON.stringify(v) : v}`).join(", ")}</span> },
                        ]} />
                      </Panel>
                    </Show>
                  </>
                )}
              </Show>
              <Show when={w().fills.length}>
                <Panel title="Executions" flush>
                  <Table label="Executions" rows={w().fills} key={(f) => String(f.number)} columns={[
                    { id: "time", label: "When", value: (f) => f.time_ms ?? 0, cell: (f) => <Time ms={f.time_ms} /> },
                    { id: "side", label: "Side", value: (f) => f.side, lead: true, cell: (f) => <Badge tone={f.side === "buy" ? "good" : "bad"}>{f.side}</Badge> },
                    { id: "qty", label: "Quantity", value: (f) => f.qty, kind: "decimal", cell: (f) => <Quantity value={f.qty} /> },
                    { id: "price", label: "Price", value: (f) => f.price, kind: "decimal", cell: (f) => <Price value={f.price} /> },
                  ]} />
                </Panel>
              </Show>
            </div>
          );
        }}
      </Load>
    </Dialog>
  );
}
