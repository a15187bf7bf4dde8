// One account: its money, positions, limits, and for a venue its test, session and credentials; for a terminal of MetaTrader the terminal.
import { A, useNavigate, useParams } from "@solidjs/router";
import { createSignal, Match, Show, Switch, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { createResource } from "~/lib/resource";
import { every } from "~/lib/throttle";
import { Button, ConfirmDialog, Empty, Load, ModeBadge, Money, Note, PageHead, Panel, Price, Quantity, Table, Tabs, toast, type Column } from "~/ui";
import { createQuery } from "~/ui/routing";
import { Limits } from "./limits";
import { modeOf } from "./list";
import { PaperMoney } from "./money";
import { Terminal } from "./terminal";
import { Credentials, VenueBalances, VenueConnection, VenueTest } from "./venue";
import { ENVIRONMENTS, isTerminal, placeOf } from "./venues";
import "./accounts.css";

const positionColumns: Column<Schemas["BotPosition"]>[] = [
  { id: "symbol", label: "Symbol", value: (p) => p.symbol, lead: true },
  { id: "qty", label: "Quantity", kind: "decimal", value: (p) => p.qty, cell: (p) => <Quantity value={p.qty} signed /> },
  { id: "avg", label: "Average", kind: "decimal", value: (p) => p.avg_price, cell: (p) => <Price value={p.avg_price} /> },
  { id: "upnl", label: "Unrealised", kind: "decimal", value: (p) => p.unrealised, cell: (p) => <Money value={p.unrealised} signed /> },
  { id: "bot", label: "Bot", value: (p) => p.bot_id, sortable: false, cell: (p) => <A href={`/bots/${p.bot_id}`}>To the bot</A> },
];

export default function AccountPage(): JSX.Element {
  const params = useParams(), navigate = useNavigate();
  const id = () => params.id ?? "";
  const [asked, setTab] = createQuery("tab");
  const [deleting, setDeleting] = createSignal(false);
  const [turn, setTurn] = createSignal(0);
  const [account, { refetch }] = createResource(id, (account_id) => ok(api.GET("/api/v1/accounts/{account_id}", { params: { path: { account_id } } })));
  const [positions, { refetch: readPositions }] = createResource(id, (account_id) => ok(api.GET("/api/v1/accounts/{account_id}/positions", { params: { path: { account_id } } })).then((l) => l.items));
  every(10_000, () => { void refetch(); void readPositions(); });
  const tabs = (a: Schemas["Account"]) => [...(isTerminal(a.venue) ? [{ value: "terminal", label: "Terminal" }] : []), { value: "money", label: a.paper ? "Money" : "Balances and test" }, { value: "positions", label: "Positions", count: positions.error ? undefined : positions.latest?.length }, { value: "limits", label: "Limits" }, ...(a.paper || isTerminal(a.venue) ? [] : [{ value: "credentials", label: "Credentials" }])];
  const tab = () => (account.latest ? (tabs(account.latest).find((t) => t.value === asked()) ?? tabs(account.latest)[0]!).value : "money");
  return (
    <Load of={account} retry={() => void refetch()} what="This account cannot be shown">
      {(a) => (
        <>
          <PageHead title={a().name} heading={<>{a().name}<ModeBadge mode={modeOf(a())} /></>} up={{ href: "/accounts", label: "Accounts" }}>
            <Button kind="danger" icon="trash" onClick={() => setDeleting(true)}>Delete</Button>
          </PageHead>
          <Show when={!a().paper && modeOf(a()) === "live"}><Note tone="bad" title="Real money">Orders of bots on this account are executed at {placeOf(a())}.</Note></Show>
          <Show when={!a().paper && modeOf(a()) !== "live"}><Note tone="info">{placeOf(a())}: {isTerminal(a().venue) ? "The broker's demo account: live prices, play money. A terminal with real money is refused." : ENVIRONMENTS[modeOf(a())]?.about}</Note></Show>
          <Tabs label="About the account" items={tabs(a())} value={tab()} onValue={setTab} />
          <Switch>
            <Match when={tab() === "terminal"}><Terminal account={a()} /></Match>
            <Match when={tab() === "money" && a().paper}>
              <Show when={a().money} fallback={<Panel><Empty icon="account" title="The books are not open" text="No bots run in this service." /></Panel>}>{(m) => <PaperMoney account={a()} money={m()} onChanged={() => void refetch()} />}</Show>
            </Match>
            <Match when={tab() === "money"}><VenueTest account={a()} onTested={() => setTurn(turn() + 1)} /><VenueBalances account={a()} turn={turn()} /><VenueConnection account={a()} /></Match>
            <Match when={tab() === "positions"}>
              <Panel title="Positions of its bots" flush><Load of={positions} retry={() => void readPositions()}>{(rows) => <Table rows={rows()} columns={positionColumns} key={(p) => `${p.bot_id} ${p.symbol}`} label="Positions" empty={<Empty icon="flatten" title="No open positions" />} />}</Load></Panel>
            </Match>
            <Match when={tab() === "limits"}><Limits account={a()} onChanged={() => void refetch()} /></Match>
            <Match when={tab() === "credentials"}><Credentials account={a()} /></Match>
          </Switch>
          <Show when={deleting()}>
            <ConfirmDialog
              title={`Delete ${a().name}?`} confirm="Delete account" danger onClose={() => setDeleting(false)}
              action={async () => {
                await ok(api.DELETE("/api/v1/accounts/{account_id}", { params: { path: { account_id: id() } } }));
                toast(`${a().name} is deleted`);
                navigate("/accounts");
              }}
            >
              <p>{a().paper ? "Its play money is gone with it." : isTerminal(a().venue) ? "Its keys end at once: the expert is refused and should be taken off its chart. What the account holds stays there: open orders and positions too." : "Its credentials are erased here. What is at the venue stays there: open orders and positions too."} Trades that were made on it stay in the lists. While there are bots on it it cannot be deleted.</p>
            </ConfirmDialog>
          </Show>
        </>
      )}
    </Load>
  );
}
