// All round trips of all bots: filtered by the service, sorted here, as many as there are up to 20,000, and saved as CSV.
import { A } from "@solidjs/router";
import { createEffect, createMemo, createSignal, on, onCleanup, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { toProblem, type Problem } from "~/api/problem";
import { subscribe } from "~/api/live";
import { useAction } from "~/lib/action";
import { add, parse, sign, toText, ZERO } from "~/lib/decimal";
import { formatCount, formatDuration } from "~/lib/format";
import { Button, Dialog, Empty, ErrorNote, ErrorState, LinkButton, Money, PageHead, Panel, Percent, Price, Quantity, saveFile, Skeleton, Stat, Table, Time, toast, type Column } from "~/ui";
import { orderRef } from "../bots/state";
import { FilterBar, useTradeFilter, type TradeFilter } from "./filter";
import "./trades.css";

type Trade = Schemas["TenantTrade"];
const PAGE = 1000, MOST = 20_000;

const columns: Column<Trade>[] = [
  { id: "exit", label: "Closed", kind: "number", right: false, value: (t) => t.exit_ms, cell: (t) => <Time ms={t.exit_ms} /> },
  { id: "bot", label: "Bot", minor: true, value: (t) => t.bot, cell: (t) => <A href={`/bots/${t.bot_id}`}>{t.bot}</A> },
  { id: "symbol", label: "Symbol", value: (t) => t.symbol },
  { id: "side", label: "Side", minor: true, value: (t) => t.side },
  { id: "qty", label: "Quantity", minor: true, kind: "decimal", value: (t) => t.qty, cell: (t) => <Quantity value={t.qty} /> },
  { id: "entry_price", label: "Entry", minor: true, kind: "decimal", value: (t) => t.entry_price, cell: (t) => <Price value={t.entry_price} /> },
  { id: "exit_price", label: "Exit", minor: true, kind: "decimal", value: (t) => t.exit_price, cell: (t) => <Price value={t.exit_price} /> },
  { id: "pnl", label: "P&L", kind: "decimal", value: (t) => t.pnl, cell: (t) => <Money value={t.pnl} currency={t.currency} signed /> },
  { id: "fees", label: "Fees", minor: true, kind: "decimal", value: (t) => t.fees, cell: (t) => <Money value={t.fees} /> },
  { id: "held", label: "Held", minor: true, kind: "number", value: (t) => t.exit_ms - t.entry_ms, cell: (t) => <span class="num">{formatDuration(t.exit_ms - t.entry_ms)}</span> },
  { id: "tags", label: "In → out", minor: true, value: (t) => `${t.tag} ${t.exit_tag}`, cell: (t) => <span class="small muted">{[t.tag, t.exit_tag].filter(Boolean).join(" → ")}</span> },
];

function Detail(props: { trade: Trade; onClose: () => void }): JSX.Element {
  const t = props.trade;
  return (
    <Dialog drawer title={`${t.symbol} ${t.side}`} onClose={props.onClose}>
      <div class="tiles">
        <Stat name="P&L, net of fees"><Money value={t.pnl} currency={t.currency} signed /></Stat>
        <Stat name="Held" note={`${formatCount(t.bars)} bars`}>{formatDuration(t.exit_ms - t.entry_ms)}</Stat>
      </div>
      <dl class="facts">
        <dt>Bot</dt><dd><A href={`/bots/${t.bot_id}`}>{t.bot}</A>, run {t.run}, trade {t.number}</dd>
        <dt>Strategy</dt><dd>{t.strategy}</dd>
        <dt>Account</dt><dd>{t.account}</dd>
        <dt>Quantity</dt><dd><Quantity value={t.qty} /></dd>
        <dt>Entry</dt><dd><Price value={t.entry_price} /> · <Time ms={t.entry_ms} /> · order {t.entry_order}<Show when={t.tag}> · {t.tag}</Show></dd>
        <dt>Exit</dt><dd><Price value={t.exit_price} /> · <Time ms={t.exit_ms} /> · order {t.exit_order}<Show when={t.exit_tag}> · {t.exit_tag}</Show></dd>
        <dt>Fees</dt><dd><Money value={t.fees} /></dd>
        <dt>Worst on the way</dt><dd><Money value={t.mae} signed /></dd>
        <dt>Best on the way</dt><dd><Money value={t.mfe} signed /></dd>
        <Show when={t.liquidated}><dt>Liquidated</dt><dd class="down">The account's margin was used up.</dd></Show>
        <Show when={t.ambiguous}><dt>Ambiguous</dt><dd>Within the bar either side could have come first.</dd></Show>
      </dl>
      <div class="row">
        <LinkButton href={`/bots/${t.bot_id}?why=${orderRef(t.run, t.entry_order)}`} icon="question">Why did it open?</LinkButton>
        <LinkButton href={`/bots/${t.bot_id}?why=${orderRef(t.run, t.exit_order)}`} icon="question">Why did it close?</LinkButton>
      </div>
    </Dialog>
  );
}

export default function Trades(): JSX.Element {
  const f = useTradeFilter();
  const [rows, setRows] = createSignal<Trade[] | null>(null);
  const [cursor, setCursor] = createSignal<string | null>(null);
  const [busy, setBusy] = createSignal(false);
  const [problem, setProblem] = createSignal<Problem | null>(null);
  const [open, setOpen] = createSignal<Trade | null>(null);
  const [fresh, setFresh] = createSignal(false);
  let turn = 0;
  onCleanup(() => turn++);

  const read = async (filter: TradeFilter, from: string | null, upTo: number): Promise<void> => {
    const mine = ++turn;
    setBusy(true);
    setProblem(null);
    try {
      let at = from, have = from ? [...(rows() ?? [])] : [];
      do {
        const page = await ok(api.GET("/api/v1/trades", { params: { query: { ...filter, limit: have.length ? PAGE : 200, cursor: at ?? undefined } } }));
        if (mine !== turn) return;
        have = have.concat(page.items);
        at = page.next_cursor;
        setRows(have);
        setCursor(at);
        setFresh(false);
      } while (at && have.length < upTo);
    } catch (e) {
      if (mine === turn) setProblem(toProblem(e));
    } finally {
      if (mine === turn) setBusy(false);
    }
  };
  const again = (): void => void read(f.filter(), null, MOST);
  createEffect(on(f.filter, () => { setRows(null); again(); }));
  // New trades do not move what is being read: they are offered.
  onCleanup(subscribe("orders", { events: (events) => events.some((e) => e.type === "fill") && setFresh(true) }));

  const sums = createMemo(() => {
    const by = new Map<string, { pnl: typeof ZERO; fees: typeof ZERO; wins: number; count: number }>();
    for (const t of rows() ?? []) {
      const s = by.get(t.currency) ?? { pnl: ZERO, fees: ZERO, wins: 0, count: 0 }, pnl = parse(t.pnl) ?? ZERO;
      by.set(t.currency, { pnl: add(s.pnl, pnl), fees: add(s.fees, parse(t.fees) ?? ZERO), wins: s.wins + (sign(pnl) > 0 ? 1 : 0), count: s.count + 1 });
    }
    return [...by];
  });
  const save = useAction(async () => {
    const { data, error, response } = await api.GET("/api/v1/reports", { params: { query: { kind: "trades", ...f.filter() } }, parseAs: "text" });
    if (error !== undefined || !response.ok) throw new Error("The report could not be made.");
    saveFile("perigee-trades.csv", String(data ?? ""));
    if (response.headers.get("perigee-more")) toast("The file has the newest 100,000 trades", "warn", "Choose a shorter time for the others.");
  });

  return (
    <>
      <PageHead title="Trades">
        <Show when={fresh() && !busy()}><Button icon="reload" onClick={again}>New trades: load again</Button></Show>
        <Button icon="download" busy={save.busy()} disabled={!rows()?.length} onClick={() => void save.run()}>CSV</Button>
      </PageHead>
      <FilterBar of={f} fields={["bot", "symbol", "strategy", "account", "side", "result", "time"]} />
      <ErrorNote problem={save.problem()} />
      <Show when={!problem() || rows()} fallback={<ErrorState error={problem()} what="The trades could not be read" onRetry={again} />}>
        <Show when={rows()} fallback={<Panel><Skeleton lines={10} /></Panel>}>
          {(list) => (
            <>
              {sums().map(([currency, s]) => (
                <div class="tiles" role="group" aria-label={`Sums in ${currency}`}>
                  <Stat name="Trades" note={cursor() ? (busy() ? "reading on" : "there are more") : "all that fit the filter"}>{formatCount(s.count)}</Stat>
                  <Stat name="P&L" note={currency}><Money value={toText(s.pnl)} signed /></Stat>
                  <Stat name="Won"><Percent value={s.count ? (100 * s.wins) / s.count : null} places={1} /></Stat>
                  <Stat name="Fees" note="Already in the P&L"><Money value={toText(s.fees)} /></Stat>
                </div>
              ))}
              <ErrorNote problem={problem()} onRetry={again} />
              <Panel flush>
                <Table
                  rows={list()} columns={columns} key={(t) => `${t.bot_id} ${t.number}`} label="Trades" virtual={Math.min(640, 76 + list().length * 41)} search="Search in these" onRow={setOpen}
                  more={cursor() ? { busy: busy(), load: () => void read(f.filter(), cursor(), list().length + MOST) } : null}
                  empty={f.any() ? <Empty icon="search" title="No trade fits" text="Other filters may find some."><Button onClick={f.clear}>Clear the filters</Button></Empty> : <Empty icon="trades" title="No closed trades yet" text="A trade stands here once a position that a bot opened is closed." />}
                />
              </Panel>
            </>
          )}
        </Show>
      </Show>
      <Show when={open()}>{(t) => <Detail trade={t()} onClose={() => setOpen(null)} />}</Show>
    </>
  );
}
