// The first five steps: each shows a part of the draft and changes it. What a step lacks is the wizard's to say (state.ts).
import { A } from "@solidjs/router";
import { createEffect, createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { all, api, ok } from "~/api/client";
import { me } from "~/api/session";
import { formatMoney } from "~/lib/format";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { Badge, Button, Empty, ErrorNote, Load, ModeBadge, Money, Note, Panel, Select, Skeleton, TextField } from "~/ui";
import { brand } from "~/ui/brand";
import { ParamForm } from "../params/form";
import { placeOf } from "../accounts/venues";
import { currencyOf, envOf, TIMEFRAMES, type Wizard } from "./state";

const headerOf = (of: { header?: unknown }): { name?: string; about?: string } => (of.header as { name?: string; about?: string } | undefined) ?? {};
const nice = (name: string): string => name.replace(/[_-]/g, " ").replace(/^./, (c) => c.toUpperCase());

function Choice(props: { name: string; checked: boolean; onPick: () => void; disabled?: boolean; title: JSX.Element; children?: JSX.Element }): JSX.Element {
  return (
    <label class="choice" classList={{ off: props.disabled }}>
      <input type="radio" name={props.name} checked={props.checked} disabled={props.disabled} onChange={() => props.onPick()} />
      <span class="row-between strong">{props.title}</span>
      <Show when={props.children}><span class="small muted">{props.children}</span></Show>
    </label>
  );
}

// ---- 1

export function Basics(props: { w: Wizard }): JSX.Element {
  const w = props.w;
  const pick = (strategyId: string, template: string, name: string): void => {
    w.setDraft({ strategyId, template });
    if (!w.draft.named) w.setDraft("name", name);
  };
  createEffect(() => { w.header(); w.fill(); });
  const own = createMemo(() => w.strategies.latest ?? []);
  const named = (name: string): boolean => own().some((s) => s.name === name && s.active_version) || (w.offers.latest ?? []).some((o) => o.name === name);
  const templates = createMemo(() => (w.may("custom_strategies") ? (w.templates.latest ?? []).filter((t) => !named(t.name)) : []));
  return (
    <div class="stack">
      <Panel title="What it does">
        <div class="stack">
          <Load of={w.strategies} skeleton={<Skeleton lines={5} />}>
            {() => (
              <Show when={own().length}>
                <fieldset class="param-group">
                  <legend>My strategies</legend>
                  <div class="choices">
                    <For each={own()}>
                      {(s) => (
                        <Choice name="strategy" checked={w.draft.strategyId === s.id} disabled={!s.active_version} onPick={() => pick(s.id, "", nice(s.name))} title={<>{nice(s.name)}<Badge plain>{s.active_version ? `v${s.active_version}` : "not proven"}</Badge></>}>
                          {s.active_version ? "" : "No version of it is active: see the studio."}
                        </Choice>
                      )}
                    </For>
                  </div>
                </fieldset>
              </Show>
            )}
          </Load>
          <Load of={w.offers} skeleton={<Skeleton lines={3} />}>
            {(list) => (
              <Show when={list().length}>
                <fieldset class="param-group">
                  <legend>By {brand().title}</legend>
                  <div class="choices">
                    <For each={list()}>
                      {(o) => <Choice name="strategy" checked={w.draft.strategyId === o.id} onPick={() => pick(o.id, "", headerOf(o).name ?? nice(o.name))} title={<>{headerOf(o).name ?? nice(o.name)}<Show when={o.presets.length}><Badge plain>{o.presets.length} {o.presets.length === 1 ? "preset" : "presets"}</Badge></Show></>}>{headerOf(o).about}</Choice>}
                    </For>
                  </div>
                </fieldset>
              </Show>
            )}
          </Load>
          <Load of={w.templates} skeleton={<Skeleton lines={3} />}>
            {() => (
              <Show when={templates().length}>
                <fieldset class="param-group">
                  <legend>Ready-made</legend>
                  <div class="choices">
                    <For each={templates()}>
                      {(t) => <Choice name="strategy" checked={w.draft.template === t.name} onPick={() => pick("", t.name, headerOf(t).name ?? nice(t.name))} title={headerOf(t).name ?? nice(t.name)}>{headerOf(t).about}</Choice>}
                    </For>
                  </div>
                </fieldset>
              </Show>
            )}
          </Load>
          <Show when={own().some((s) => s.id === w.draft.strategyId) && w.header()?.about}><Note><p class="small">{w.header()!.about}</p></Note></Show>
        </div>
      </Panel>
      <Panel title="What it is called">
        <TextField label="Name" hint="For you: lists and notices show it." value={w.draft.name} onValue={(v) => w.setDraft({ name: v, named: v !== "" })} maxLength={100} required />
      </Panel>
    </div>
  );
}

// ---- 2

function NewPaper(props: { w: Wizard }): JSX.Element {
  const [balance, setBalance] = createSignal("10000");
  const make = useAction(async () => {
    const made = await ok(api.POST("/api/v1/accounts", { body: { venue: "paper", name: "Paper money", settings: { balance: balance().trim(), fee_maker: "0.0005", fee_taker: "0.0005" } } }));
    await props.w.readAccounts();
    props.w.setDraft("accountId", made.id);
  });
  return (
    <form class="stack-s" onSubmit={make.submit}>
      <div class="param-grid">
        <TextField label="Play money to begin with" hint="Each order costs 0.05 %, as venues take it." numeric unit="USDT" value={balance()} onValue={setBalance} problem={make.problem()} pointer="/settings/balance" required />
        <div class="field"><span class="label" aria-hidden="true">&nbsp;</span><Button type="submit" kind="primary" icon="plus" busy={make.busy()}>Make a paper account</Button></div>
      </div>
      <ErrorNote problem={make.problem()} />
    </form>
  );
}

export function AccountStep(props: { w: Wizard }): JSX.Element {
  const w = props.w;
  const [another, setAnother] = createSignal(false);
  createEffect(() => {
    const list = w.accounts.latest;
    if (!w.draft.accountId && list?.length) w.setDraft("accountId", (list.find((a) => a.paper) ?? list[0]!).id);
  });
  const chosen = () => w.accounts.latest?.find((a) => a.id === w.draft.accountId);
  return (
    <div class="stack">
      <Panel title="Whose money it moves">
        <Load of={w.accounts} skeleton={<Skeleton lines={4} />}>
          {(list) => (
            <div class="stack">
              <Show when={list().length}>
                <div class="choices" role="radiogroup" aria-label="Account">
                  <For each={list()}>
                    {(a) => (
                      <Choice name="account" checked={w.draft.accountId === a.id} onPick={() => w.setDraft("accountId", a.id)} title={<>{a.name}<ModeBadge mode={envOf(a)} /></>}>
                        {a.paper ? "Play money on live prices: nothing can be lost." : `${placeOf(a)}, ${envOf(a)}`}
                      </Choice>
                    )}
                  </For>
                </div>
              </Show>
              <Show when={!list().length || another()} fallback={<div class="row"><Button small kind="quiet" icon="plus" onClick={() => setAnother(true)}>Another paper account</Button><A class="small" href="/accounts">Connect an exchange</A></div>}>
                <NewPaper w={w} />
              </Show>
            </div>
          )}
        </Load>
      </Panel>
      <Show when={chosen() && !chosen()!.paper && envOf(chosen()!) === "live"}>
        <Note tone="bad" title="This account moves real money"><p class="small">Orders of this bot go to {chosen()!.venue} and are executed. Try the strategy on paper first; the limits below hold whatever the script asks for.</p></Note>
      </Show>
      <Show when={chosen()}>
        <Panel title="How much of it">
          <div class="param-grid">
            <TextField
              label="Money for this bot" numeric unit={currencyOf(chosen())} value={w.draft.cash} onValue={(v) => w.setDraft("cash", v)} error={w.cashWrong()}
              hint={chosen()!.paper ? (w.free() ? `${formatMoney(w.free(), currencyOf(chosen()))} are free. Left empty: all that is free.` : "Left empty: all that is free.") : "Left empty: all that the account has free."}
            />
          </div>
        </Panel>
      </Show>
    </div>
  );
}

// ---- 3

export function MarketStep(props: { w: Wizard }): JSX.Element {
  const w = props.w;
  createEffect(() => { w.live(); w.meet(); });
  const timeframes = () => (TIMEFRAMES.includes(w.draft.timeframe) ? TIMEFRAMES : [w.draft.timeframe, ...TIMEFRAMES]);
  const [search, setSearch] = createSignal("");
  const found = createMemo(() => w.live().filter((m) => `${m.venue} ${m.symbol}`.toLowerCase().includes(search().trim().toLowerCase())).slice(0, 60));
  return (
    <div class="stack">
      <Panel title="Which market">
        <div class="stack">
          <Show when={w.live().length > 8}><div class="param-grid"><TextField label="Search markets" type="search" value={search()} onValue={setSearch} /></div></Show>
          <Load of={w.markets} skeleton={<Skeleton lines={4} />}>
            {() => (
              <Show when={found().length} fallback={<Empty icon="search" title={search() ? `No market is called “${search()}”` : "No live market"} text="The operator decides whose market data arrive here." />}>
                <div class="choices" role="radiogroup" aria-label="Market">
                  <For each={found()}>
                    {(m) => (
                      <Choice name="market" checked={w.draft.symbol === m.symbol && w.draft.venue === m.venue} onPick={() => w.setDraft({ symbol: m.symbol, venue: m.venue })} title={<>{m.symbol}<span class="muted small num">{m.price ?? ""}</span></>}>
                        Prices of {m.venue}{m.venue === "sim" ? ", a synthetic market" : ""}
                      </Choice>
                    )}
                  </For>
                </div>
              </Show>
            )}
          </Load>
          <Show when={w.strange()}>{(symbol) => <Note tone="warn">Its parameters were found on {symbol()}, which is not traded here: they say little of another market.</Note>}</Show>
          <Show when={w.others().length}><p class="small muted">The strategy also looks at {w.others().join(", ")}.</p></Show>
        </div>
      </Panel>
      <Panel title="How often it looks">
        <div class="param-grid">
          <Select label="Timeframe" hint="It is asked at the end of each bar." value={w.draft.timeframe} onValue={(v) => w.setDraft("timeframe", v)} options={timeframes().map((t) => ({ value: t, label: t }))} />
        </div>
      </Panel>
    </div>
  );
}

// ---- 4

export function ParamsStep(props: { w: Wizard }): JSX.Element {
  const w = props.w;
  const currency = () => currencyOf(w.account.latest);
  const limit = (name: keyof Wizard["draft"]["limits"], label: string, hint: string): JSX.Element => (
    <TextField label={label} hint={hint} numeric unit={currency()} value={w.draft.limits[name]} onValue={(v) => w.setDraft("limits", name, v)} error={w.amountWrong(w.draft.limits[name], false)} />
  );
  return (
    <div class="stack">
      <Show when={!w.may("custom_parameters")}><Note tone="warn" title="With your plan strategies run as their authors set them"><p class="small">The values below are shown, not changed{w.offer()?.presets.length ? "; a preset can be chosen" : ""}. <A href="/account/plan">Other plans</A> let you choose your own.</p></Note></Show>
      <Show when={w.offer()?.presets.length}>
        <Panel title="Begin with">
          <div class="choices" role="radiogroup" aria-label="Preset">
            <Choice name="preset" checked={!w.draft.preset} onPick={() => w.takePreset("")} title="As usual">The values its author chose.</Choice>
            <For each={w.offer()!.presets}>{(p) => <Choice name="preset" checked={w.draft.preset === p.name} onPick={() => w.takePreset(p.name)} title={p.name}>{p.about}</Choice>}</For>
          </div>
        </Panel>
      </Show>
      <Panel title="Parameters of the strategy">
        <Show when={w.header()} fallback={<Skeleton lines={4} />}>
          {(h) => <ParamForm specs={h().params ?? []} texts={w.draft.values} onText={(name, text) => w.setDraft("values", name, text)} editable={() => w.may("custom_parameters")} markLive />}
        </Show>
      </Panel>
      <WorstCase w={w} />
      <Panel title="Limits that hold whatever the script asks for">
        <div class="param-grid">
          {limit("max_order", "Largest order", "Empty: no limit of its own.")}
          {limit("day_loss", "Loss of a day", "From then on it may only close, until the UTC day turns.")}
          {limit("max_drawdown", "Loss from the peak", "From then on it may only close.")}
        </div>
      </Panel>
    </div>
  );
}

/** What the script itself says it can hold at most – with the usual values by its header, with the chosen ones by the backtest –, and what
    it is given, which it can never exceed. */
export function WorstCase(props: { w: Wizard; most?: string | null }): JSX.Element {
  const w = props.w;
  const usual = (): string | null | undefined => { const v = w.header()?.max_notional; return typeof v === "number" ? v.toFixed(2) : (v as string | null | undefined); };
  const changed = () => Object.keys(w.params().values).length > 0;
  const most = () => props.most ?? usual();
  return (
    <Note tone="info" title="Worst case">
      <p class="small">
        <Show when={most() != null} fallback={usual() === null ? "The strategy does not state how much it can hold at most: its money and the limits are what bounds it." : "How much it can hold at most is told with the backtest of the last step."}>
          By its own statement this strategy holds at most <strong><Money value={most()} currency={currencyOf(w.account.latest)} /></strong> at once
          {props.most ? " with these parameters" : changed() ? " with its usual values; the last step tells it for yours" : ""}.
        </Show>{" "}
        Without leverage no more can be lost than <strong>{w.draft.cash.trim() ? formatMoney(w.draft.cash.trim(), currencyOf(w.account.latest)) : "what is free in the account"}</strong>: that is all it is given.
      </p>
    </Note>
  );
}

// ---- 5

export function NoticesStep(): JSX.Element {
  const [channels, { refetch }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/notifications/channels", { params: { query: { limit: 200, cursor } } })), 1000));
  const active = () => (channels.latest ?? []).filter((c) => c.state === "active");
  // The owner's own address is a channel from the first notice on, without being made.
  const mailed = () => me()?.email_verified && !(channels.latest ?? []).some((c) => c.own);
  return (
    <Panel title="How you hear of it">
      <div class="stack">
        <Note title="In this console"><p class="small">Every order with its reason, refusals, failures and the kill switch: on the bot's page and, all together, under “Needs a look” on the overview. They arrive while the page is open.</p></Note>
        <Load of={channels} retry={() => void refetch()} skeleton={<Skeleton lines={2} />}>
          {() => (
            <Show when={active().length || mailed()} fallback={<Note tone="warn" title="Nothing is told elsewhere yet"><p class="small">A bot that fails is stopped safely, and nobody hears of it while no page is open. Your mail address gets notices once it is confirmed; Telegram, webhooks and others are added under <A href="/notices">Notices</A>.</p></Note>}>
              <div class="stack-s">
                <p class="muted">Outside of it, what happens to your bots is told to:</p>
                <ul class="stack-s"><Show when={mailed()}><li class="row"><Badge plain tone="info">mail</Badge><span class="break">{me()!.email}</span><span class="small muted">failures, halts and refused orders</span></li></Show><For each={active()}>{(c) => <li class="row"><Badge plain tone="info">{c.kind}</Badge><span class="break">{c.name || c.address}</span><span class="small muted break">{c.name ? c.address : ""}</span></li>}</For></ul>
                <p class="small muted">Which events go where, quiet hours and more channels: <A href="/notices">Notices</A>.</p>
              </div>
            </Show>
          )}
        </Load>
      </div>
    </Panel>
  );
}
