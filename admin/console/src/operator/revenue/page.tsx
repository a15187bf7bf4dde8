// Recurring revenue, from subscriptions as they are and the log of their changes.
import { Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { formatCount, formatDate } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Load, Money, Note, PageHead, Panel, Percent, SkeletonTiles, Stat, Table, type Column } from "~/ui";
import { may } from "../lib/may";

type Plan = Schemas["PlanRevenue"];
type Addon = Schemas["AddonRevenue"];

const plans: readonly Column<Plan>[] = [
  { id: "name", label: "Plan", value: (p) => p.name, lead: true },
  { id: "price", label: "A month", value: (p) => p.monthly_price, kind: "decimal", cell: (p) => <Money value={p.monthly_price} /> },
  { id: "active", label: "Active", value: (p) => p.active, kind: "number" },
  { id: "late", label: "Late", value: (p) => p.past_due, kind: "number" },
  { id: "leaving", label: "Leaving", value: (p) => p.leaving, kind: "number" },
  { id: "granted", label: "Given", value: (p) => p.granted, kind: "number" },
  { id: "mrr", label: "MRR", value: (p) => p.mrr, kind: "decimal", cell: (p) => <Money value={p.mrr} /> },
];
const addons: readonly Column<Addon>[] = [
  { id: "name", label: "Add-on", value: (a) => a.name, lead: true },
  { id: "price", label: "A month", value: (a) => a.monthly_price, kind: "decimal", cell: (a) => <Money value={a.monthly_price} /> },
  { id: "count", label: "Sold", value: (a) => a.count, kind: "number" },
  { id: "mrr", label: "MRR", value: (a) => a.mrr, kind: "decimal", cell: (a) => <Money value={a.mrr} /> },
];

export default function Revenue(): JSX.Element {
  const [business, { refetch }] = createResource(() => may("revenue"), () => ok(api.GET("/api/v1/admin/metrics/business")));
  return (
    <>
      <PageHead title="Revenue" />
      <Show when={may("revenue")} fallback={<Note>Your role does not include revenue.</Note>}>
        <Load of={business} retry={() => void refetch()} skeleton={<SkeletonTiles count={6} />}>
          {(b) => (
            <div class="stack">
              <div class="tiles">
                <Stat name="Monthly recurring revenue" note={<><Money value={b().arr} /> a year</>}><Money value={b().mrr} currency={b().currency} /></Stat>
                <Stat name="Paying customers" note={<>of {formatCount(b().tenants)} tenants</>}>{formatCount(b().paying)}</Stat>
                <Stat name="A customer a month" note="average of those who pay"><Money value={b().arpu} currency={b().currency} /></Stat>
                <Stat name="Gone in 30 days" note={<>{b().churn.lost} of {b().churn.paying_then}, {b().churn.joined} came</>}><Show when={b().churn.rate_pct != null} fallback="–"><Percent value={b().churn.rate_pct} /></Show></Stat>
                <Stat name="Worth of a customer" note={b().ltv ? "average a month over the share that goes" : "nobody has gone yet, so it is not known"}><Money value={b().ltv} currency={b().ltv ? b().currency : undefined} /></Stat>
                <Stat name="Leaving" note={<>{formatCount(b().leaving)} have cancelled, paid to their month's end</>}><Money value={b().leaving_mrr} currency={b().currency} /></Stat>
              </div>
              <Panel title={`Plans of ${b().edition}`} flush><Table label="Plans" rows={b().plans} columns={plans} key={(p) => p.plan} /></Panel>
              <Show when={b().addons.length}><Panel title="Add-ons" flush><Table label="Add-ons" rows={b().addons} columns={addons} key={(a) => a.addon} /></Panel></Show>
              <p class="small muted">From the subscriptions in force and the log of their changes since {formatDate(b().churn.from_ms)}, at the monthly prices of the plans in force; years paid at once, discounts, taxes and refunds are the payment provider's to tell. {b().exceptions ? `${b().exceptions} exceptions of operators change no figure here. ` : ""}{b().unpriced ? `${b().unpriced} subscriptions are to plans that no longer exist, and count nowhere.` : ""}</p>
            </div>
          )}
        </Load>
      </Show>
    </>
  );
}
