// A new bot in six steps. Steps that are done can be gone back to; the last shows everything, how it would have done, and starts it.
import { useNavigate, useSearchParams } from "@solidjs/router";
import { createMemo, createSignal, For, Match, Show, Switch, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { formatMoney } from "~/lib/format";
import { useAction } from "~/lib/action";
import type { ParamValue } from "~/lib/params";
import { Button, Checkbox, ErrorNote, Icon, ModeBadge, Note, PageHead, Panel, toast } from "~/ui";
import { InstantBacktest, type BacktestWish } from "./backtest";
import { AccountStep, Basics, MarketStep, NoticesStep, ParamsStep, WorstCase } from "./steps";
import { currencyOf, envOf, STEPS, useWizard, type Wizard } from "./state";
import "./wizard.css";

function Review(props: { w: Wizard; go: (step: number) => void }): JSX.Element {
  const w = props.w;
  const [most, setMost] = createSignal<string | null>(null);
  const account = () => w.account.latest;
  const wish = createMemo((): BacktestWish => ({
    strategy_id: w.draft.strategyId, venue: w.draft.venue, symbol: w.draft.symbol, timeframe: w.draft.timeframe, params: w.params().values,
    cash: w.draft.cash.trim() || w.free() || "10000", fee: account()?.settings?.fee_taker, currency: currencyOf(account()),
  }));
  const changed = () => w.header()?.params?.filter((p) => p.name in w.params().values) ?? [];
  const limits = () => Object.entries({ max_order: "largest order", day_loss: "loss of a day", max_drawdown: "loss from the peak" }).filter(([k]) => w.draft.limits[k as keyof typeof w.draft.limits].trim());
  const row = (step: number, name: string, value: JSX.Element): JSX.Element => (
    <><dt>{name}</dt><dd class="row-between"><span>{value}</span><Button small kind="quiet" icon="edit" iconOnly onClick={() => props.go(step)}>{`Change: ${name}`}</Button></dd></>
  );
  return (
    <div class="stack">
      <Panel title={w.draft.name}>
        <dl class="facts">
          {row(0, "Strategy", <>{w.strategies.latest?.find((s) => s.id === w.draft.strategyId)?.name ?? w.header()?.name}{w.draft.preset ? `, ${w.draft.preset}` : ""}</>)}
          {row(1, "Account", <span class="row">{account()?.name} <Show when={account()}>{(a) => <ModeBadge mode={envOf(a())} />}</Show></span>)}
          {row(1, "Money", w.draft.cash.trim() ? formatMoney(w.draft.cash.trim(), currencyOf(account())) : "All that is free")}
          {row(2, "Market", `${w.draft.symbol} ${w.draft.timeframe}${w.draft.venue ? `, prices of ${w.draft.venue}` : ""}`)}
          {row(3, "Parameters", changed().length ? changed().map((p) => `${p.label ?? p.name} ${w.draft.values[p.name]}`).join(", ") : "As usual")}
          {row(3, "Limits", limits().length ? limits().map(([k, label]) => `${label} ${formatMoney(w.draft.limits[k as keyof typeof w.draft.limits])}`).join(", ") : "None of its own")}
        </dl>
      </Panel>
      <InstantBacktest wish={wish()} auto={w.reachable() === 5} onWorst={setMost} />
      <WorstCase w={w} most={most()} />
      <Show when={account() && envOf(account()!) === "live"}><Note tone="bad" role="alert" title="Real money">It will send orders to {account()!.venue} as soon as it is started.</Note></Show>
      <Checkbox label="Start it at once" hint="Else it waits, stopped, until you start it." checked={w.draft.start} onChecked={(on) => w.setDraft("start", on)} />
    </div>
  );
}

/** What a link brought along, as a search for parameters does; anything else is nobody's. */
function valuesOf(text: unknown): Record<string, ParamValue> {
  try {
    const found: unknown = typeof text === "string" ? JSON.parse(text) : null;
    const plain = (v: unknown): v is ParamValue => ["string", "number", "boolean"].includes(typeof v);
    return found && typeof found === "object" && !Array.isArray(found) ? Object.fromEntries(Object.entries(found).filter((e): e is [string, ParamValue] => plain(e[1]))) : {};
  } catch {
    return {}; // a link that was cut off
  }
}

export default function NewBot(): JSX.Element {
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const text = (v: unknown): string | undefined => (typeof v === "string" ? v : undefined);
  const w = useWizard({ strategy: text(search.strategy), params: valuesOf(search.params), symbol: text(search.symbol), timeframe: text(search.timeframe), venue: text(search.venue) });
  const [step, setStep] = createSignal(0);
  let heading!: HTMLHeadingElement;
  const go = (to: number): void => {
    setStep(to);
    w.setTouched(Math.max(w.touched(), to));
    queueMicrotask(() => heading?.focus());
    window.scrollTo({ top: 0 });
  };
  const next = useAction(async () => {
    if (step() === 0) await w.adopt();
    go(step() + 1);
  });
  const create = useAction(async () => {
    const bot = await ok(api.POST("/api/v1/bots", { body: w.body() }));
    toast(w.draft.start ? `${bot.name} is starting` : `${bot.name} is set up`);
    navigate(`/bots/${bot.id}`);
  });
  // Whose fault it is, by what the service points at.
  const faulty = (): number | null => {
    const p = create.problem()?.errors[0]?.pointer ?? "";
    return /^\/(name|strategy|version)/.test(p) ? 0 : /^\/(account|settings\/cash)/.test(p) ? 1 : /^\/(symbol|venue|timeframe)/.test(p) ? 2 : /^\/(params|settings)/.test(p) ? 3 : null;
  };
  return (
    <>
      <PageHead title="New bot" up={{ href: "/bots", label: "Bots" }} />
      <div class="wizard">
        <nav aria-label="Steps">
          <ol class="wizard-steps">
            <For each={STEPS}>
              {(name, i) => (
                <li>
                  <button type="button" classList={{ done: i() < w.reachable() && i() < Math.max(step(), w.touched()) && i() !== step() }} aria-current={i() === step() ? "step" : undefined} disabled={i() > w.reachable() || (i() > 0 && !!w.draft.template)} onClick={() => go(i())}>
                    <span class="n">{i() < w.reachable() && i() < w.touched() && i() !== step() ? <Icon name="check" size={12} /> : i() + 1}</span><span class="what">{name}</span>
                  </button>
                </li>
              )}
            </For>
          </ol>
        </nav>
        <div class="stack">
          <h2 ref={heading} tabindex="-1" class="sr">Step {step() + 1} of 6: {STEPS[step()]}</h2>
          <Switch>
            <Match when={step() === 0}><Basics w={w} /></Match>
            <Match when={step() === 1}><AccountStep w={w} /></Match>
            <Match when={step() === 2}><MarketStep w={w} /></Match>
            <Match when={step() === 3}><ParamsStep w={w} /></Match>
            <Match when={step() === 4}><NoticesStep /></Match>
            <Match when={step() === 5}><Review w={w} go={go} /></Match>
          </Switch>
          <ErrorNote problem={next.problem() ?? create.problem()} />
          <Show when={faulty() !== null}><div><Button small onClick={() => go(faulty()!)}>Mend it in step {faulty()! + 1}</Button></div></Show>
          <div class="wizard-foot">
            <Button icon="left" disabled={step() === 0} onClick={() => go(step() - 1)}>Back</Button>
            <div class="row">
              <Show when={w.lack(step())}><span class="small muted" role="status">{w.lack(step())}</span></Show>
              <Show when={step() < 5} fallback={<Button kind="primary" busy={create.busy()} disabled={w.reachable() < 5} onClick={() => void create.run()}>{w.draft.start ? "Create and start" : "Create"}</Button>}>
                <Button kind="primary" busy={next.busy()} disabled={!!w.lack(step())} onClick={() => void next.run()}>{next.busy() && step() === 0 ? "Proving the strategy" : "Continue"}</Button>
              </Show>
            </div>
          </div>
        </div>
      </div>
    </>
  );
}
