// What the six steps gather, what each of them lacks, and what is sent at the end.
import { createMemo, createSignal } from "solid-js";
import { createStore } from "solid-js/store";
import { api, all, ok, type Schemas } from "~/api/client";
import { cmp, parse, sign } from "~/lib/decimal";
import { toTexts, toValues, type ParamTexts, type ParamValue, type ScriptHeader } from "~/lib/params";
import { createResource } from "~/lib/resource";

export type Account = Schemas["Account"];
export type Market = Schemas["Market"];

export const STEPS = ["Basics", "Account", "Market", "Parameters", "Notices", "Review"] as const;

export const TIMEFRAMES: readonly string[] = ["1m", "5m", "15m", "30m", "1h", "4h", "1d"];
export const isTimeframe = (text: string): boolean => /^[1-9]\d*[smhdw]$/.test(text);

/** What a link brings along, as that of a search does. */
export interface Preset {
  strategy?: string;
  params?: Record<string, ParamValue>;
  symbol?: string;
  timeframe?: string;
  venue?: string; // where the history came from: of a market with these prices it is the one that is chosen
}

export interface Draft {
  name: string;
  named: boolean; // typed by hand: no longer made up
  strategyId: string;
  template: string; // instead: a ready-made one, not yet among the own
  accountId: string;
  cash: string;
  venue: string;
  symbol: string;
  timeframe: string;
  values: ParamTexts;
  preset: string; // of the edition, that the values began with; "": none
  limits: { max_order: string; day_loss: string; max_drawdown: string };
  start: boolean;
}

const amountWrong = (text: string, wanted: boolean): string | undefined => {
  if (!text.trim()) return wanted ? "is needed" : undefined;
  const d = parse(text.trim());
  return !d ? "must be a number" : sign(d) <= 0 ? "must be above 0" : undefined;
};

export const envOf = (a: Account): "paper" | "testnet" | "live" | string => (a.paper ? "paper" : String((a.settings as { environment?: string } | null)?.environment ?? "testnet"));
export const currencyOf = (a: Account | undefined): string => a?.settings?.currency ?? "USDT";

export function useWizard(preset: Preset) {
  const [draft, setDraft] = createStore<Draft>({
    name: "", named: false, strategyId: preset.strategy ?? "", template: "", accountId: "", cash: "", venue: "", symbol: "", timeframe: preset.timeframe && isTimeframe(preset.timeframe) ? preset.timeframe : "1m", values: {}, preset: "",
    limits: { max_order: "", day_loss: "", max_drawdown: "" }, start: true,
  });
  const [strategies, { refetch: readStrategies }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/strategies", { params: { query: { limit: 200, cursor } } })), 1000));
  const [templates] = createResource(() => ok(api.GET("/api/v1/strategies/templates")).then((l) => l.items));
  /** The installation's own: run as they are. */
  const [offers] = createResource(() => ok(api.GET("/api/v1/strategies/offered")).then((l) => l.items));
  const offer = () => offers.latest?.find((o) => o.id === draft.strategyId);
  const [accounts, { refetch: readAccounts }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/accounts", { params: { query: { limit: 200, cursor } } })), 1000));
  const [markets] = createResource(() => all((cursor) => ok(api.GET("/api/v1/markets", { params: { query: { limit: 200, cursor } } })), 2000));
  const [strategy] = createResource(() => (offers.latest && draft.strategyId && !offer() ? draft.strategyId : null), (strategy_id) => ok(api.GET("/api/v1/strategies/{strategy_id}", { params: { path: { strategy_id } } })));
  const [subscription] = createResource(() => ok(api.GET("/api/v1/subscriptions/current")));
  /** Whether the plan allows it; while that is not known, yes: the service has the last word. */
  const may = (right: string): boolean => subscription.latest?.plan.rights.includes(right) ?? true;
  // With its money, as the list has none.
  const [account] = createResource(() => draft.accountId || null, (account_id) => ok(api.GET("/api/v1/accounts/{account_id}", { params: { path: { account_id } } })));

  const header = createMemo((): ScriptHeader | null => {
    if (draft.template) return (templates.latest?.find((t) => t.name === draft.template)?.header as unknown as ScriptHeader | undefined) ?? null;
    if (offer()) return offer()!.header as unknown as ScriptHeader;
    return draft.strategyId && strategy.latest?.id === draft.strategyId ? ((strategy.latest.version?.header as unknown as ScriptHeader | undefined) ?? null) : null;
  });
  const params = createMemo(() => toValues(header()?.params ?? [], draft.values));
  /** Symbols beside the bot's own that the script reads or trades by name. */
  const others = (): string[] => [...new Set(Object.values(header()?.data ?? {}).flatMap((d) => (d.symbol && !d.symbol.startsWith("param:") ? [d.symbol] : [])))];
  let filledFor = "";
  const fill = (): void => {
    const h = header(), key = draft.template || draft.strategyId;
    if (!h || filledFor === key) return;
    filledFor = key;
    if (!draft.named && !draft.name && h.name) setDraft("name", h.name); // a link chose the strategy
    setDraft("values", toTexts(h.params ?? [], key === preset.strategy ? (preset.params ?? {}) : {}));
    setDraft("preset", "");
  };
  /** An edition's preset: its values, the others as usual; "": the usual ones. */
  const takePreset = (name: string): void => {
    const values = offer()?.presets.find((p) => p.name === name)?.params ?? {};
    setDraft({ preset: name, values: toTexts(header()?.params ?? [], values) });
  };
  const live = createMemo(() => (markets.latest ?? []).filter((m) => m.live && (!account.latest || account.latest.paper || account.latest.venue === m.venue)));
  // Once, when it is known what trades: the market of the link, at its venue if that is one.
  const meet = (): void => {
    if (draft.symbol || !preset.symbol || !markets.latest) return;
    const same = live().filter((m) => m.symbol === preset.symbol), found = same.find((m) => m.venue === preset.venue) ?? same[0];
    if (found) setDraft({ symbol: found.symbol, venue: found.venue });
  };
  /** The link's market where nothing of it is live; "": none such. */
  const strange = (): string => (preset.symbol && markets.latest && !live().some((m) => m.symbol === preset.symbol) ? preset.symbol : "");
  const free = (): string | null => account.latest?.money?.free ?? null;
  const cashWrong = (): string | undefined => {
    const wrong = amountWrong(draft.cash, false), have = parse(free()), want = parse(draft.cash.trim());
    return wrong ?? (have && want && cmp(want, have) > 0 ? `is more than is free (${free()})` : undefined);
  };
  const [touched, setTouched] = createSignal(0); // the furthest step that was seen

  /** What a step still lacks; "": nothing. */
  const lack = (step: number): string => {
    switch (step) {
      case 0: return !draft.strategyId && !draft.template ? "Choose a strategy" : !draft.name.trim() ? "Give the bot a name" : !header() ? (strategy.state === "errored" ? "The strategy cannot be read: choose another" : "The strategy is being read") : "";
      case 1: return !draft.accountId ? "Choose an account" : cashWrong() ? `The bot's money ${cashWrong()}` : "";
      case 2: return !draft.symbol ? "Choose a market" : !isTimeframe(draft.timeframe) ? "Choose a timeframe" : "";
      case 3: return Object.keys(params().errors).length ? "Some parameters are out of range" : Object.values(draft.limits).some((v) => amountWrong(v, false)) ? "A limit is no amount" : "";
      default: return "";
    }
  };
  /** The first step that lacks something; 5: none. */
  const reachable = (): number => { for (let i = 0; i < 5; i++) if (lack(i)) return i; return 5; };

  const body = (): Schemas["BotRequest"] => ({
    name: draft.name.trim(), account_id: draft.accountId, venue: draft.venue || undefined, symbol: draft.symbol, timeframe: draft.timeframe,
    // A plan without parameters of one's own still has the edition's presets.
    ...(draft.preset && !may("custom_parameters") ? { strategy: offer()?.name, preset: draft.preset } : { strategy_id: draft.strategyId, params: params().values }),
    settings: { ...(draft.cash.trim() ? { cash: draft.cash.trim() } : {}), ...Object.fromEntries(Object.entries(draft.limits).filter(([, v]) => v.trim()).map(([k, v]) => [k, v.trim()])) },
    start: draft.start,
  });
  /** A ready-made strategy becomes one's own: it is proven as every upload is. */
  const adopt = async (): Promise<void> => {
    if (!draft.template) return;
    const t = templates.latest!.find((x) => x.name === draft.template)!;
    const mine = strategies.latest?.find((s) => s.name === t.name && s.active_version);
    const made = mine ?? (await ok(api.POST("/api/v1/strategies", { body: { name: t.name, source: t.source, comment: "As it is shipped", activate: true } })));
    setDraft({ strategyId: made.id, template: "" });
    filledFor = made.id;
    void readStrategies();
  };
  return { draft, setDraft, strategies, templates, offers, offer, takePreset, accounts, account, readAccounts, markets, live, header, params, others, may, fill, meet, strange, free, cashWrong, amountWrong, lack, reachable, body, adopt, touched, setTouched };
}

export type Wizard = ReturnType<typeof useWizard>;
