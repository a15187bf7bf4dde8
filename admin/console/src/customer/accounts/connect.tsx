// A new account: play money, a venue by an API key, or a terminal of MetaTrader, which gets keys of ours. Keys go in and never come out; the
// form forgets them as soon as they are sent.
import { A } from "@solidjs/router";
import { createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { me } from "~/api/session";
import { useAction } from "~/lib/action";
import { Button, Checkbox, Dialog, ErrorNote, ModeBadge, Note, Select, TextField } from "~/ui";
import { ENVIRONMENTS, TERMINALS, VENUES, type VenueKind } from "./venues";

type Kind = "paper" | "venue" | "terminal";
const KINDS: readonly { value: Kind; title: string; text: string }[] = [
  { value: "paper", title: "Paper", text: "Play money on live prices" },
  { value: "venue", title: "A venue", text: "By API key: test network or real money" },
  { value: "terminal", title: "MetaTrader", text: "Your own terminal, by an expert" },
];

export function Connect(props: { onClose: () => void; onMade: (account: Schemas["Account"]) => void }): JSX.Element {
  const [kind, setKind] = createSignal<Kind>("paper");
  const [name, setName] = createSignal("");
  const [balance, setBalance] = createSignal("10000");
  const [currency, setCurrency] = createSignal("USDT");
  const [fee, setFee] = createSignal("0.0005");
  const [venue, setVenue] = createSignal(VENUES[0]!.id);
  const [environment, setEnvironment] = createSignal("testnet");
  const [category, setCategory] = createSignal(VENUES[0]!.categories?.[0]?.id ?? "");
  const [key, setKey] = createSignal("");
  const [secret, setSecret] = createSignal("");
  const [limits, setLimits] = createSignal({ max_order: "", max_exposure: "", day_loss: "" });
  const [known, setKnown] = createSignal(false);
  const [money, setMoney] = createSignal("USD"); // a terminal's currency
  const live = () => kind() !== "paper" && environment() === "live";
  const offered = (): readonly VenueKind[] => (kind() === "terminal" ? TERMINALS : VENUES);
  const kindOf = (id: string): VenueKind => offered().find((v) => v.id === id) ?? offered()[0]!;
  const turn = (k: Kind): void => {
    setKind(k);
    if (k !== "paper") choose(offered()[0]!.id);
  };
  const environments = () => kindOf(venue()).environments;
  const categories = () => kindOf(venue()).categories ?? [];
  const choose = (id: string): void => {
    setVenue(id);
    setEnvironment(kindOf(id).environments[0]!);
    setCategory(kindOf(id).categories?.[0]?.id ?? "");
  };
  const usualName = (): string => `${kindOf(venue()).name} ${category() === "spot" ? "spot " : ""}${environment()}`;
  const make = useAction(async () => {
    const given = Object.fromEntries(Object.entries(limits()).filter(([, v]) => v.trim()).map(([k, v]) => [k, v.trim()]));
    const body: Schemas["AccountRequest"] = kind() === "paper"
      ? { venue: "paper", name: name().trim() || "Paper money", settings: { balance: balance().trim(), currency: currency().trim(), fee_maker: fee().trim(), fee_taker: fee().trim() } }
      : { venue: venue(), name: name().trim() || usualName(), settings: { environment: environment(), ...(category() ? { category: category() } : {}), ...given, ...(kind() === "terminal" ? { currency: money().trim() } : {}), ...(live() ? { risk_acknowledged: known() } : {}) },
          ...(kind() === "venue" ? { secrets: { api_key: key().trim(), api_secret: secret().trim() } } : {}) };
    const made = await ok(api.POST("/api/v1/accounts", { body }));
    setKey("");
    setSecret("");
    props.onMade(made);
  });
  const limit = (k: "max_order" | "max_exposure" | "day_loss", label: string, hint: string): JSX.Element => (
    <TextField label={label} hint={hint} numeric required={live()} value={limits()[k]} onValue={(v) => setLimits({ ...limits(), [k]: v })} problem={make.problem()} pointer={`/settings/${k}`} />
  );
  return (
    <Dialog drawer title="Add account" onClose={props.onClose} footer={<><Button onClick={() => props.onClose()}>Cancel</Button><Button type="submit" form="connect" kind={live() ? "danger" : "primary"} solid busy={make.busy()} disabled={kind() !== "paper" && !me()?.two_factor}>{kind() === "paper" ? "Make paper account" : live() ? "Connect with real money" : "Connect"}</Button></>}>
      <form id="connect" class="stack" onSubmit={make.submit} autocomplete="off">
        <div class="kinds" role="radiogroup" aria-label="Kind of account">
          <For each={KINDS}>
            {(k) => (
              <label class="kind">
                <input type="radio" name="kind" checked={kind() === k.value} onChange={() => turn(k.value)} />
                <span class="strong">{k.title}</span><span class="small muted">{k.text}</span>
              </label>
            )}
          </For>
        </div>
        <TextField label="Name" value={name()} onValue={setName} placeholder={kind() === "paper" ? "Paper money" : usualName()} maxLength={100} problem={make.problem()} pointer="/name" />
        <Show when={kind() === "paper"}>
          <div class="cols-2">
            <TextField label="Begins with" numeric value={balance()} onValue={setBalance} required problem={make.problem()} pointer="/settings/balance" />
            <TextField label="Currency" value={currency()} onValue={setCurrency} required maxLength={12} problem={make.problem()} pointer="/settings/currency" />
          </div>
          <TextField label="Fee of each order" hint="A fraction of its value: 0.0005 is 0.05 %." numeric value={fee()} onValue={setFee} required problem={make.problem()} pointer="/settings/fee_taker" />
        </Show>
        <Show when={kind() !== "paper"}>
          <Show when={!me()?.two_factor}>
            <Note tone="warn" title="Set up two-factor authentication first"><p class="small">{kind() === "terminal" ? "Keys of a terminal are only made" : "Credentials of a venue are only stored"} for who signs in with a second factor. <A href="/account/security">Set it up</A></p></Note>
          </Show>
          <div class="cols-2">
            <Select label={kind() === "terminal" ? "Terminal" : "Venue"} value={venue()} onValue={choose} options={offered().map((v) => ({ value: v.id, label: kind() === "terminal" ? v.name : `${v.name}: ${v.about}` }))} problem={make.problem()} pointer="/venue" />
            <Select label="Environment" value={environment()} onValue={setEnvironment} options={environments().map((e) => ({ value: e, label: ENVIRONMENTS[e]!.label }))} hint={kind() === "terminal" && environment() === "demo" ? "The broker's demo account. A terminal with real money is refused." : ENVIRONMENTS[environment()]!.about} problem={make.problem()} pointer="/settings/environment" />
          </div>
          <Show when={categories().length}>
            <Select label="Markets" value={category()} onValue={setCategory} options={categories().map((c) => ({ value: c.id, label: c.label }))} hint={`${categories().find((c) => c.id === category())?.about ?? ""} An account is of one kind; the same key may serve for both.`} problem={make.problem()} pointer="/settings/category" />
          </Show>
          <div class="row"><span class="small muted">Orders will go to</span><ModeBadge mode={environment()} /></div>
          <Show when={kind() === "terminal"} fallback={
            <>
              <TextField label="API key" value={key()} onValue={setKey} required autocomplete="off" spellcheck={false} class="mono" problem={make.problem()} pointer="/secrets/api_key" />
              <TextField label="API secret" type="password" value={secret()} onValue={setSecret} required autocomplete="new-password" class="mono" hint="Stored sealed; nobody can read it again, you neither." problem={make.problem()} pointer="/secrets/api_secret" />
              <Note><p class="small">The key needs the right to trade and must not have the right to withdraw: keys that may withdraw are refused. Bind it to this server's address if the venue offers that.</p></Note>
            </>
          }>
            <TextField label="Currency" hint="The account's own. A terminal in another one is refused." value={money()} onValue={(v) => setMoney(v.toUpperCase())} required maxLength={12} problem={make.problem()} pointer="/settings/currency" />
            <Note><p class="small">An expert in your terminal asks for orders over HTTPS and reports what the account has. Nothing has to reach your computer, and the account's password stays there. Its keys are shown next.</p></Note>
          </Show>
          <Show when={live()}>
            <Note tone="bad" title="Real money"><p class="small">Bots on this account buy and sell for real. These limits hold for all of them together, whatever a script asks for.</p></Note>
            <div class="cols-2">
              {limit("max_order", "Largest order", "In the account's currency")}
              {limit("max_exposure", "Largest exposure", "Of all positions together")}
              {limit("day_loss", "Loss of a day", "Then only closing, until the day turns")}
            </div>
            <Checkbox label="I know that live trading moves real money and that losses are mine." checked={known()} onChecked={setKnown} />
          </Show>
        </Show>
        <ErrorNote problem={make.problem()} what={make.problem()?.code === "second_factor_missing" ? "Sign in with your second factor first" : undefined} />
        <Show when={make.problem()?.code === "second_factor_missing"}><p class="small">This session began without a code. Sign out and in again with one, then connect.</p></Show>
      </form>
    </Dialog>
  );
}
