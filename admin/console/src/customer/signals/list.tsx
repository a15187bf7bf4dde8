// All hooks: on or off, what came last, and how much of it passed.
import { A, useNavigate } from "@solidjs/router";
import { createMemo, createSignal, onCleanup, Show, type JSX } from "solid-js";
import { all, api, ok } from "~/api/client";
import { useChannel } from "~/api/live";
import { createResource } from "~/lib/resource";
import { Ago, Badge, Button, Empty, LinkButton, Load, PageHead, Panel, Skeleton, Table, toast, toastProblem, type Column } from "~/ui";
import { Chats } from "./chats";
import { CreateHook } from "./create";
import type { Delivery, Hook } from "./model";
import { Rates, Verdict } from "./parts";
import { SharedHook } from "./targets";

const SHOWN = 100; // deliveries of a hook that its rates are of

const hooksOf = (shared: boolean): Promise<Hook[]> => all((cursor) => ok(api.GET("/api/v1/hooks", { params: { query: { limit: 200, cursor, ...(shared ? { shared } : {}) } } })), 200);

/** The latest of each: those of all hooks together, and of who is not among them its own. */
async function latest(hooks: readonly Hook[]): Promise<Map<string, Delivery[]>> {
  const by = new Map<string, Delivery[]>(hooks.map((h) => [h.id, []]));
  const newest = await ok(api.GET("/api/v1/signals", { params: { query: { limit: 200 } } }));
  if (newest.next_cursor === null) for (const d of newest.items) by.get(d.hook_id)?.push(d);
  else await Promise.all(hooks.map(async (h) => by.set(h.id, (await ok(api.GET("/api/v1/hooks/{hook}/deliveries", { params: { path: { hook: h.id }, query: { limit: SHOWN } } }))).items)));
  for (const [id, list] of by) by.set(id, list.slice(0, SHOWN));
  return by;
}

export default function Signals(): JSX.Element {
  const navigate = useNavigate();
  const [hooks, { refetch, mutate }] = createResource(() => hooksOf(false));
  const [came, { refetch: cameAgain }] = createResource(() => hooks.latest, latest);
  const [shared, { refetch: sharedAgain }] = createResource(() => hooksOf(true));
  const [creating, setCreating] = createSignal(false);
  const [chosen, setChosen] = createSignal<Hook | null>(null);
  const of = (h: Hook): Delivery[] => came.latest?.get(h.id) ?? [];

  let soon: ReturnType<typeof setTimeout> | undefined;
  const again = (): void => {
    clearTimeout(soon);
    soon = setTimeout(() => void cameAgain(), 400);
  };
  useChannel("signals", { events: again, reload: again });
  const timer = setInterval(() => !document.hidden && again(), 10_000); // what is turned away is told by no event
  onCleanup(() => {
    clearInterval(timer);
    clearTimeout(soon);
  });

  const turn = async (h: Hook): Promise<void> => {
    try {
      const changed = await ok(api.PATCH("/api/v1/hooks/{hook}", { params: { path: { hook: h.id } }, body: { enabled: !h.enabled } }));
      mutate((list) => list?.map((x) => (x.id === h.id ? changed : x)));
      toast(changed.enabled ? `${h.name} takes messages again` : `${h.name} is paused`, "good", changed.enabled ? undefined : "Senders are told so; nothing is kept for later.");
    } catch (e) {
      toastProblem("It could not be changed", e);
    }
  };
  const bots = (h: Hook): number => h.listeners ?? h.bots?.length ?? 0;
  const columns = createMemo((): readonly Column<Hook>[] => [
    { id: "name", label: "Hook", value: (h) => h.name, lead: true, cell: (h) => <A class="strong" href={`/signals/hooks/${h.id}`}>{h.name}</A> },
    { id: "state", label: "State", value: (h) => (h.enabled ? "on" : "paused"), cell: (h) => <span class="row"><Badge tone={h.enabled ? "good" : "neutral"}>{h.enabled ? "On" : "Paused"}</Badge><Show when={h.shared}><Badge plain tone="info">shared</Badge></Show></span> },
    { id: "last", label: "Last message", kind: "number", right: false, value: (h) => of(h)[0]?.received_at_ms, cell: (h) => <Show when={of(h)[0]} fallback={<span class="muted">{came.latest ? "none" : "…"}</span>}>{(d) => <span class="row"><Ago ms={d().received_at_ms} /><Verdict state={d().state} /></span>}</Show> },
    { id: "rates", label: `Of the last ${SHOWN}`, value: (h) => of(h).length, cell: (h) => <Rates list={of(h)} /> },
    { id: "bots", label: "Bots", kind: "number", value: bots, cell: (h) => <Show when={bots(h)} fallback={<span class="warn">none</span>}><span class="num">{bots(h)}</span></Show> },
    { id: "rules", label: "Rules", kind: "number", value: (h) => (h.settings as { stages?: unknown[] }).stages?.length ?? 0 },
    { id: "act", label: "Actions", bare: true, right: true, value: () => "", cell: (h) => <Button small kind="quiet" icon={h.enabled ? "pause" : "play"} iconOnly onClick={() => void turn(h)}>{h.enabled ? `Pause ${h.name}` : `Resume ${h.name}`}</Button> },
  ]);
  return (
    <>
      <PageHead title="Signals">
        <LinkButton href="/signals/rules" icon="shield">Rules</LinkButton>
        <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>New hook</Button>
      </PageHead>
      <div class="stack">
        <Panel flush label="Hooks">
          <Load of={hooks} retry={() => void refetch()} what="The hooks cannot be listed" skeleton={<div class="pad"><Skeleton lines={4} height={22} /></div>}>
            {(list) => (
              <Table label="Hooks" rows={list()} columns={columns()} key={(h) => h.id} pageSize={50} search={list().length > 10 ? "Search hooks" : undefined}
                empty={<Empty icon="signal" title="No hooks yet" text="A hook takes what TradingView and others say, asks your rules about it, and tells your bots."><Button kind="primary" icon="plus" onClick={() => setCreating(true)}>Make a hook</Button></Empty>} />
            )}
          </Load>
        </Panel>
        <Show when={shared.latest?.length}>
          <Panel flush title="Offered to everybody">
            <Table label="Hooks of others" rows={shared.latest!} key={(h) => h.id} columns={[
              { id: "name", label: "Hook", value: (h) => h.name, lead: true, cell: (h) => <span class="strong">{h.name}</span> },
              { id: "bots", label: "My bots that listen", kind: "number", value: (h) => h.bots?.length ?? 0 },
              { id: "act", label: "", bare: true, right: true, value: () => "", cell: (h) => <Button small onClick={() => setChosen(h)}>Choose bots</Button> },
            ]} />
          </Panel>
        </Show>
        <Show when={hooks.latest}>{(list) => <Chats hooks={list()} />}</Show>
      </div>
      <Show when={creating()}><CreateHook onClose={(made) => { setCreating(false); if (made) navigate(`/signals/hooks/${made.id}`); }} /></Show>
      <Show when={chosen()}>{(h) => <SharedHook hook={h()} onClose={() => { setChosen(null); void sharedAgain(); }} />}</Show>
    </>
  );
}
