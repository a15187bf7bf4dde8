// Who hears a hook's signals: bots, each with its own sizing – its script's parameters –, by which symbol, and how many at most.
import { A } from "@solidjs/router";
import { createEffect, createMemo, createSignal, For, on, Show, type JSX } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { all, api, ok, type Schemas } from "~/api/client";
import { ParamForm } from "~/customer/params/form";
import { useAction } from "~/lib/action";
import { isNumeric, toTexts, toValues, type ParamSpec, type ParamTexts, type ScriptHeader } from "~/lib/params";
import { createResource } from "~/lib/resource";
import { Badge, Button, ConfirmDialog, Dialog, Empty, ErrorNote, LinkButton, Load, ModeBadge, Note, Panel, Segmented, Skeleton, StateBadge, Table, TextField, toast, toastProblem, type Column } from "~/ui";
import { STATES as BOT } from "~/customer/bots/state";
import type { Hook } from "./model";
import type { HookHandle } from "./page";

type Bot = Schemas["Bot"];

const readBots = (): Promise<Bot[]> => all((cursor) => ok(api.GET("/api/v1/bots", { params: { query: { limit: 200, cursor } } })));

// A script's header, once for all bots of it. null: closed to its user, or unreadable.
const headers = new Map<string, Promise<ScriptHeader | null>>();
function headerOf(b: Bot): Promise<ScriptHeader | null> {
  const version = b.live?.version ?? b.version, key = `${b.strategy_id} ${version ?? "active"}`;
  const read = async (): Promise<ScriptHeader | null> => {
    const n = version ?? (await ok(api.GET("/api/v1/strategies/{strategy_id}", { params: { path: { strategy_id: b.strategy_id } } }))).active_version;
    return n ? ((await ok(api.GET("/api/v1/strategies/{strategy_id}/versions/{version}", { params: { path: { strategy_id: b.strategy_id, version: n } } }))).header as ScriptHeader) : null;
  };
  if (!headers.has(key)) headers.set(key, read().catch(() => null));
  return headers.get(key)!;
}
const hears = (h: ScriptHeader | null): boolean => !h || !Array.isArray(h.callbacks) || (h.callbacks as string[]).includes("on_signal");

/** Parameters that say how much: by what they are called. */
const sizing = (specs: readonly ParamSpec[]): ParamSpec[] => specs.filter((p) => isNumeric(p) && /size|qty|risk|share|lots?|stake|notional|equity|pct/i.test(`${p.name} ${p.label ?? ""} ${p.group ?? ""}`));

function Sizing(props: { bot: Bot; header: ScriptHeader; onClose: () => void; onDone: () => void }): JSX.Element {
  const specs = () => props.header.params ?? [];
  const [texts, setTexts] = createStore<ParamTexts>(toTexts(specs(), props.bot.params ?? {}));
  createEffect(on(() => props.bot.id, () => setTexts(reconcile(toTexts(specs(), props.bot.params ?? {})))));
  const started = () => props.bot.wanted !== "stopped";
  const change = () => toValues(specs(), texts, props.bot.params ?? {});
  const save = useAction(async () => {
    await ok(api.POST("/api/v1/bots/{bot_id}/params", { params: { path: { bot_id: props.bot.id } }, body: { params: change().values } }));
    toast("Parameters changed", "good", started() ? "They hold from its next call on." : undefined);
    props.onDone();
    props.onClose();
  });
  const none = () => Object.keys(change().values).length === 0 || Object.keys(change().errors).length > 0;
  return (
    <Dialog large title={`How ${props.bot.name} trades a signal`} onClose={props.onClose} footer={<><Button onClick={() => props.onClose()}>Cancel</Button><Button kind="primary" type="submit" form="sizing" busy={save.busy()} disabled={none()}>Change</Button></>}>
      <form id="sizing" class="stack" onSubmit={save.submit}>
        <p class="muted small">Its script decides what it makes of a signal's size; these are its parameters. Rounding and limits are its account's.</p>
        <Show when={started() && specs().some((p) => !p.live)}><Note>While it is started only parameters that its script calls live can be changed.</Note></Show>
        <ParamForm specs={specs()} texts={texts} onText={(name, text) => setTexts(name, text)} problem={save.problem()} editable={(p) => !started() || p.live === true} markLive={started()} />
        <ErrorNote problem={save.problem()} what="The parameters were not changed" />
      </form>
    </Dialog>
  );
}

function Choose(props: { hook: Hook; bots: Bot[]; onClose: () => void; onDone: () => void }): JSX.Element {
  const [chosen, setChosen] = createSignal<ReadonlySet<string>>(new Set());
  const [search, setSearch] = createSignal("");
  const free = () => props.bots.filter((b) => !props.hook.bots?.includes(b.id) && `${b.name} ${b.symbol}`.toLowerCase().includes(search().trim().toLowerCase()));
  const go = useAction(async () => {
    for (const bot_id of chosen()) await ok(api.PUT("/api/v1/hooks/{hook}/bots/{bot_id}", { params: { path: { hook: props.hook.id, bot_id } } }));
    toast(chosen().size === 1 ? "It listens" : `${chosen().size} bots listen`);
    props.onDone();
    props.onClose();
  });
  const turn = (id: string): void => {
    const next = new Set(chosen());
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <Dialog title="Bots that listen" onClose={props.onClose} footer={<><Button onClick={() => props.onClose()}>Cancel</Button><Button kind="primary" busy={go.busy()} disabled={!chosen().size} onClick={() => void go.run()}>{chosen().size > 1 ? `Add ${chosen().size} bots` : "Add"}</Button></>}>
      <Show when={props.bots.length} fallback={<Empty icon="bot" title="No bots yet" text="A bot whose strategy has on_signal can follow what this hook takes."><LinkButton kind="primary" href="/bots/new">Set up a bot</LinkButton></Empty>}>
        <div class="stack">
          <TextField label="Search" hideLabel type="search" placeholder="Search bots" value={search()} onValue={setSearch} />
          <Show when={free().length} fallback={<p class="muted">{search() ? "None is called so." : "All your bots listen already."}</p>}>
            <ul class="sig-pick"><For each={free()}>{(b) => <li><Pickable bot={b} on={chosen().has(b.id)} onTurn={() => turn(b.id)} /></li>}</For></ul>
          </Show>
          <ErrorNote problem={go.problem()} what="Not all were added" />
        </div>
      </Show>
    </Dialog>
  );
}

function Pickable(props: { bot: Bot; on: boolean; onTurn: () => void }): JSX.Element {
  const [header] = createResource(() => headerOf(props.bot));
  return (
    <label class="check">
      <input type="checkbox" checked={props.on} onChange={() => props.onTurn()} />
      <span class="grow"><span class="strong">{props.bot.name}</span> <span class="muted small">{props.bot.symbol} {props.bot.timeframe}{props.bot.paper ? " · paper" : " · live money"}</span>
        <Show when={header.state === "ready" && !hears(header.latest ?? null)}><br /><span class="small warn">Its strategy has no on_signal: it would hear and do nothing.</span></Show></span>
    </label>
  );
}

function Listening(props: { hook: Hook; bots: Bot[]; onChanged: () => void }): JSX.Element {
  const [choosing, setChoosing] = createSignal(false);
  const [sizingOf, setSizingOf] = createSignal<{ bot: Bot; header: ScriptHeader } | null>(null);
  const [leaving, setLeaving] = createSignal<Bot | null>(null);
  const mine = createMemo(() => props.bots.filter((b) => props.hook.bots?.includes(b.id)));
  const [accounts] = createResource(() => all((cursor) => ok(api.GET("/api/v1/accounts", { params: { query: { limit: 200, cursor } } }))).catch(() => []));
  const SizingCell = (p: { bot: Bot }): JSX.Element => {
    const [header] = createResource(() => headerOf(p.bot));
    const shown = () => sizing(header.latest?.params ?? []).slice(0, 3);
    return (
      <Show when={header.state === "ready"} fallback={<Skeleton lines={1} />}>
        <span class="sig-sizing small">
          <Show when={hears(header.latest ?? null)} fallback={<Badge tone="warn" title="It would hear and do nothing">no on_signal</Badge>}>
            <For each={shown()} fallback={<span class="muted">its script decides</span>}>{(s) => <span class="nowrap">{s.label ?? s.name} <strong class="num">{String(p.bot.params?.[s.name] ?? s.default)}{s.kind === "pct" ? " %" : ""}</strong></span>}</For>
          </Show>
          <Show when={header.latest?.params?.length}><button type="button" class="link" onClick={() => setSizingOf({ bot: p.bot, header: header.latest! })}>change<span class="sr"> how {p.bot.name} trades</span></button></Show>
        </span>
      </Show>
    );
  };
  const columns: readonly Column<Bot>[] = [
    { id: "name", label: "Bot", lead: true, value: (b) => b.name, cell: (b) => <A class="strong" href={`/bots/${b.id}`}>{b.name}</A> },
    { id: "account", label: "Account", value: (b) => accounts.latest?.find((a) => a.id === b.account_id)?.name ?? b.account_id, cell: (b) => <span class="row">{accounts.latest?.find((a) => a.id === b.account_id)?.name ?? "–"}<ModeBadge mode={b.paper ? "paper" : "live"} /></span> },
    { id: "market", label: "Market", value: (b) => `${b.symbol} ${b.timeframe}`, cell: (b) => <span class="nowrap">{b.symbol} <span class="muted small">{b.timeframe}</span></span> },
    { id: "state", label: "State", value: (b) => BOT[b.state].label, cell: (b) => <StateBadge state={BOT[b.state].label} tone={BOT[b.state].tone} pulse={BOT[b.state].pulse} /> },
    { id: "size", label: "Sizing", value: (b) => JSON.stringify(b.params), sortable: false, cell: (b) => <SizingCell bot={b} /> },
    { id: "act", label: "Actions", bare: true, right: true, value: () => "", cell: (b) => <Button small kind="quiet" icon="close" iconOnly onClick={() => setLeaving(b)}>{b.name} listens no more</Button> },
  ];
  return (
    <>
      <Panel flush title="Bots that listen" actions={<Button small kind="primary" icon="plus" onClick={() => setChoosing(true)}>Add bots</Button>}>
        <Table label="Bots that listen" rows={mine()} columns={columns} key={(b) => b.id} pageSize={50} search={mine().length > 10 ? "Search bots" : undefined}
          empty={<Empty icon="bot" title="No bot of yours listens" text="Signals are judged and kept all the same. Only bots that are to run are told."><Button kind="primary" icon="plus" onClick={() => setChoosing(true)}>Choose bots</Button></Empty>} />
      </Panel>
      <Show when={choosing()}><Choose hook={props.hook} bots={props.bots} onClose={() => setChoosing(false)} onDone={props.onChanged} /></Show>
      <Show when={sizingOf()}>{(s) => <Sizing bot={s().bot} header={s().header} onClose={() => setSizingOf(null)} onDone={props.onChanged} />}</Show>
      <Show when={leaving()}>
        {(b) => (
          <ConfirmDialog title={`${b().name} listens no more?`} confirm="It listens no more" onClose={() => setLeaving(null)} action={async () => {
            await ok(api.DELETE("/api/v1/hooks/{hook}/bots/{bot_id}", { params: { path: { hook: props.hook.id, bot_id: b().id } } }));
            props.onChanged();
          }}><p>It goes on with what it has; of this hook it hears nothing more.</p></ConfirmDialog>
        )}
      </Show>
    </>
  );
}

function Reach(props: { of: HookHandle }): JSX.Element {
  const s = () => props.of.settings();
  const [route, setRoute] = createSignal<"all" | "symbol">(s().route ?? "all");
  const [most, setMost] = createSignal(s().cap?.bots ? String(s().cap!.bots) : "");
  const [size, setSize] = createSignal(s().cap?.size ? String(s().cap!.size) : "");
  const bad = () => ({ most: most().trim() && !/^[1-9]\d{0,6}$/.test(most().trim()) ? "A whole number from 1 on." : undefined, size: size().trim() && !(Number(size()) >= 0.00000001) ? "A number above zero." : undefined });
  const save = useAction(async () => {
    const cap = { ...(most().trim() ? { bots: Number(most()) } : {}), ...(size().trim() ? { size: Number(size()) } : {}) };
    await props.of.patchSettings({ route: route() === "all" ? undefined : route(), cap: Object.keys(cap).length ? cap : undefined });
    toast("Saved");
  });
  return (
    <Panel title="Who is told, and how many">
      <form class="stack" onSubmit={save.submit}>
        <div class="stack-s"><span class="label-text" id="route-label">Of the bots that listen are told</span><div><Segmented label="Of the bots that listen are told" items={[{ value: "all", label: "All" }, { value: "symbol", label: "Those of its symbol" }]} value={route()} onValue={setRoute} /></div></div>
        <div class="sig-form">
          <TextField label="At most so many bots" numeric hint="Drawn by lot, anew for each signal. Empty: all" value={most()} onValue={setMost} error={bad().most} problem={save.problem()} pointer="/settings/cap/bots" />
          <TextField label="At most so much together" numeric hint="The signal's size times the bots that are told stays below. Empty: no cap" value={size()} onValue={setSize} error={bad().size} problem={save.problem()} pointer="/settings/cap/size" />
        </div>
        <ErrorNote problem={save.problem()} what="It was not saved" />
        <div class="row"><Button type="submit" kind="primary" busy={save.busy()} disabled={!!bad().most || !!bad().size}>Save</Button></div>
      </form>
    </Panel>
  );
}

export function Targets(props: { of: HookHandle }): JSX.Element {
  const [bots, { refetch }] = createResource(readBots);
  const others = () => (props.of.hook().listeners ?? 0) - (props.of.hook().bots?.length ?? 0);
  return (
    <div class="stack">
      <Load of={bots} retry={() => void refetch()} what="The bots cannot be listed" skeleton={<Skeleton lines={5} height={22} />}>{(list) => <Listening hook={props.of.hook()} bots={list()} onChanged={() => { props.of.refresh(); void refetch(); }} />}</Load>
      <Show when={others() > 0}><p class="small muted">{others()} {others() === 1 ? "bot" : "bots"} of other customers listen, too.</p></Show>
      <Reach of={props.of} />
    </div>
  );
}

/** Of a hook that an operator shares: which bots of mine listen. */
export function SharedHook(props: { hook: Hook; onClose: () => void }): JSX.Element {
  const [bots, { refetch }] = createResource(readBots);
  const [mine, setMine] = createSignal(props.hook.bots ?? []);
  const again = async (): Promise<void> => {
    try {
      const list = await all((cursor) => ok(api.GET("/api/v1/hooks", { params: { query: { shared: true, limit: 200, cursor } } })), 200);
      setMine(list.find((h) => h.id === props.hook.id)?.bots ?? []);
    } catch (e) {
      toastProblem("It could not be read again", e);
    }
    void refetch();
  };
  return <Dialog large title={props.hook.name} onClose={props.onClose}><Load of={bots}>{(list) => <Listening hook={{ ...props.hook, bots: mine() }} bots={list()} onChanged={() => void again()} />}</Load></Dialog>;
}
