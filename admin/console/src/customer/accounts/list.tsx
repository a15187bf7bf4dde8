// The accounts that bots trade on: play money and connected venues, never to be mistaken for each other.
import { A, useNavigate } from "@solidjs/router";
import { createSignal, For, Show, type JSX } from "solid-js";
import { api, all, ok, type Schemas } from "~/api/client";
import { createResource } from "~/lib/resource";
import { every } from "~/lib/throttle";
import { Button, Empty, Load, ModeBadge, Money, PageHead, Skeleton } from "~/ui";
import { Connect } from "./connect";
import { Keys } from "./terminal_keys";
import { isTerminal, placeOf } from "./venues";
import "./accounts.css";

type Account = Schemas["Account"];
export const modeOf = (a: Account): string => (a.paper ? "paper" : (a.settings?.environment ?? "testnet"));

function Tile(props: { account: Account }): JSX.Element {
  const a = props.account;
  // A venue's balances may be slow or refused: the tile stands without them.
  const [money] = createResource(() => ok(api.GET("/api/v1/accounts/{account_id}/balances", { params: { path: { account_id: a.id } } })).then((b) => b.items).catch(() => []));
  return (
    <li class={`account ${modeOf(a)}`}>
      <div class="row-between"><A class="strong" href={`/accounts/${a.id}`}>{a.name}</A><ModeBadge mode={modeOf(a)} /></div>
      <p class="small muted">{placeOf(a)}<Show when={a.fields.length && !isTerminal(a.venue)}> · credentials stored: {a.fields.join(", ")}</Show></p>
      <Show when={!money.loading} fallback={<Skeleton lines={1} height={26} />}>
        <Show when={money.latest?.length} fallback={<p class="small muted">Balances are not known. <A href={`/accounts/${a.id}`}>{isTerminal(a.venue) ? "See its terminal" : "Test the connection"}</A></p>}>
          <For each={money.latest!.slice(0, 3)}>
            {(b) => <p class="account-money"><Money value={b.equity ?? b.balance} currency={b.currency} /><span class="small muted">free <Money value={b.free} /></span></p>}
          </For>
        </Show>
      </Show>
    </li>
  );
}

export default function Accounts(): JSX.Element {
  const navigate = useNavigate();
  const [open, setOpen] = createSignal(false);
  const [keyed, setKeyed] = createSignal<Account | null>(null); // with keys that are shown once
  const [accounts, { refetch }] = createResource(() => all((cursor) => ok(api.GET("/api/v1/accounts", { params: { query: { limit: 200, cursor } } })), 1000));
  every(60_000, () => void refetch());
  return (
    <>
      <PageHead title="Accounts"><Button kind="primary" icon="plus" onClick={() => setOpen(true)}>Add account</Button></PageHead>
      <Load of={accounts} retry={() => void refetch()}>
        {(list) => (
          <Show when={list().length} fallback={<section class="panel"><Empty icon="account" title="No account yet" text="A paper account trades with play money on live prices. A venue's account needs an API key that may trade but not withdraw."><Button kind="primary" icon="plus" onClick={() => setOpen(true)}>Add account</Button></Empty></section>}>
            <ul class="accounts"><For each={list()}>{(a) => <Tile account={a} />}</For></ul>
          </Show>
        )}
      </Load>
      <Show when={open()}><Connect onClose={() => setOpen(false)} onMade={(a) => { setOpen(false); if (a.ea) setKeyed(a); else navigate(`/accounts/${a.id}`); }} /></Show>
      <Show when={keyed()}>{(a) => <Keys title={`“${a().name}” is there`} keys={a().ea!} onClose={() => navigate(`/accounts/${a().id}`)} />}</Show>
    </>
  );
}
