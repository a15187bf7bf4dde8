// The plan: what it allows, what of it is used, and taking another.
import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { formatCount, formatDate, formatMoney } from "~/lib/format";
import { createResource } from "~/lib/resource";
import { Badge, Button, ConfirmDialog, Load, Note, Panel, Skeleton, toast } from "~/ui";
import { AccountFrame } from "./frame";

type Plan = Schemas["Plan"];
const LIMITS: Record<string, string> = {
  bots: "Started bots", pairs: "Pairs of all bots", pairs_per_bot: "Pairs of a bot", accounts: "Venue accounts", venues: "Venues", strategies: "Own strategies", members: "Members", trades_per_day: "Entries a day",
  trades_per_month: "Entries a month", api_calls_per_hour: "API calls an hour", api_calls_per_minute: "API calls a minute", backtests_per_day: "Backtests a day", backtest_parallel: "Backtests at once",
  backtest_seconds: "Seconds of a backtest", lua_memory_kib: "KiB of script memory", cpu_ms_per_s: "ms of CPU a second", notices_per_day: "Notices a day",
};
const RIGHTS: Record<string, string> = {
  testnet: "Test networks", live: "Real money", backtest: "Backtests", backtest_advanced: "Optimisation", strategies_all: "All strategies", custom_parameters: "Own parameters", custom_strategies: "Own strategies in Lua",
  api_access: "API keys", webhooks_out: "Webhooks", team: "Organisations", white_label: "Own branding", notify_mail: "Notices by mail", notify_telegram: "Notices by Telegram", support_mail: "Support by mail",
};
const words = (table: Record<string, string>, name: string): string => table[name] ?? name.replace(/_/g, " ").replace(/^./, (c) => c.toUpperCase());
const SHOWN = ["bots", "pairs_per_bot", "accounts", "venues", "strategies", "trades_per_day", "trades_per_month", "backtests_per_day", "members"];

function Usage(props: { usage: Schemas["Usage"] }): JSX.Element {
  return (
    <ul class="usage">
      <For each={props.usage.items}>
        {(i) => {
          const share = () => (i.limit ? Math.min(1, i.used / i.limit) : 0);
          return (
            <li classList={{ over: (i.over ?? 0) > 0 || (!!i.limit && i.used >= i.limit) }}>
              <div class="row-between small"><span>{words(LIMITS, i.name)}</span><span class="num">{formatCount(i.used)}<span class="muted"> of {i.limit === null ? "any number" : formatCount(i.limit)}</span></span></div>
              <Show when={i.limit !== null}><progress max="1" value={share()} aria-label={`${words(LIMITS, i.name)}: ${i.used} of ${i.limit}`} /></Show>
            </li>
          );
        }}
      </For>
    </ul>
  );
}

export default function PlanPage(): JSX.Element {
  const [plans] = createResource(() => ok(api.GET("/api/v1/subscriptions/plans", { params: { query: { limit: 200 } } })));
  const [current, { refetch, mutate }] = createResource(() => ok(api.GET("/api/v1/subscriptions/current")));
  const [usage, { refetch: readUsage }] = createResource(() => ok(api.GET("/api/v1/usage")));
  const [want, setWant] = createSignal<Plan | "cancel" | null>(null);
  const smaller = createMemo(() => { const w = want(), c = current.latest; return !!w && w !== "cancel" && !!c && Number(w.monthly_price) < Number(c.plan.monthly_price); });
  const take = async (): Promise<void> => {
    const w = want();
    if (!w) return;
    mutate(await ok(w === "cancel" ? api.POST("/api/v1/subscriptions/cancel") : api.POST("/api/v1/subscriptions/upgrade", { body: { plan: w.id } })));
    toast(w === "cancel" ? "The subscription ends with its month" : `You are on ${w.name}`);
    void refetch();
    void readUsage();
  };
  return (
    <AccountFrame title="Plan and usage">
      <Load of={current} retry={() => void refetch()}>
        {(c) => (
          <>
            <Show when={c().exception}><Note title="Granted by the operator">Your account has rights beyond its plan{c().exception_until_ms ? ` until ${formatDate(c().exception_until_ms)}` : ""}.</Note></Show>
            <Show when={c().grace_until_ms}><Note tone="warn" title={`What is more than ${c().plan.name} allows goes on until ${formatDate(c().grace_until_ms)}`}>After that it opens nothing more; what is open can be closed.</Note></Show>
            <Show when={c().state === "cancelled"}><Note tone="warn" title={`Your subscription ends ${c().ends_at_ms ? `on ${formatDate(c().ends_at_ms)}` : "with its month"}`}>Take a plan below to go on.</Note></Show>
            <Show when={c().state === "past_due"}><Note tone="bad" title="A payment is due" /></Show>
          </>
        )}
      </Load>
      <Panel title={<>Used of {current.latest?.plan.name ?? "the plan"}</>} actions={<Show when={current.latest && current.latest.state === "active" && Number(current.latest.plan.monthly_price) > 0}><Button small kind="quiet" onClick={() => setWant("cancel")}>Cancel subscription</Button></Show>}>
        <Load of={usage} retry={() => void readUsage()} skeleton={<Skeleton lines={6} />}>{(u) => <Usage usage={u()} />}</Load>
      </Panel>
      <Load of={plans} skeleton={<Skeleton lines={8} />}>
        {(list) => (
          <div class="plans">
            <For each={list().items}>
              {(p) => {
                const mine = () => current.latest?.plan.id === p.id;
                return (
                  <section class="panel plan" classList={{ mine: mine() }} aria-label={p.name}>
                    <header class="row-between"><h2>{p.name}</h2><Show when={mine()}><Badge tone="accent">yours</Badge></Show></header>
                    <div class="body stack">
                      <p><span class="price num">{formatMoney(p.monthly_price)}</span> <span class="muted small">{p.currency} a month</span></p>
                      <Show when={p.about}><p class="muted small">{p.about}</p></Show>
                      <ul class="small plan-list"><For each={SHOWN.filter((n) => n in p.limits)}>{(n) => <li><span class="muted">{words(LIMITS, n)}</span><span class="num strong">{p.limits[n] === null ? "any number" : formatCount(p.limits[n])}</span></li>}</For></ul>
                      <p class="row rights"><For each={p.rights}>{(r) => <Badge plain>{words(RIGHTS, r)}</Badge>}</For></p>
                      <span class="grow" />
                      <Button wide kind={mine() ? "plain" : "primary"} disabled={mine()} onClick={() => setWant(p)}>{mine() ? "Your plan" : `Take ${p.name}`}</Button>
                    </div>
                  </section>
                );
              }}
            </For>
          </div>
        )}
      </Load>
      <Show when={want()}>
        {(w) => (
          <ConfirmDialog title={w() === "cancel" ? "Cancel the subscription?" : `Take ${(w() as Plan).name}?`} confirm={w() === "cancel" ? "Cancel subscription" : "Take it"} danger={w() === "cancel"} action={take} onClose={() => setWant(null)}>
            <Show when={w() === "cancel"} fallback={<p>{(w() as Plan).name} costs {formatMoney((w() as Plan).monthly_price)} {(w() as Plan).currency} a month and holds at once. {smaller() ? "It is smaller than what you have: what exceeds it goes on for a grace period and can always be closed; nothing of it is cut off." : ""}</p>}>
              <p>It goes on to the end of the month that is running. Bots beyond the smallest plan then open nothing more; what is open can always be closed.</p>
            </Show>
          </ConfirmDialog>
        )}
      </Show>
    </AccountFrame>
  );
}
