// One hook: what came, who hears it, which rules it passes, how a message is read, and who may post.
import { useNavigate, useParams } from "@solidjs/router";
import { createSignal, Match, Show, Switch, type JSX } from "solid-js";
import { api, ok, okTagged, type Schemas } from "~/api/client";
import { useAction } from "~/lib/action";
import { createResource } from "~/lib/resource";
import { Badge, Button, ConfirmDialog, Dialog, ErrorNote, Icon, Load, Menu, Note, PageHead, SkeletonTiles, Tabs, TextField, toast, toastProblem } from "~/ui";
import { createQuery } from "~/ui/routing";
import { may } from "~/operator/lib/may";
import { Access } from "./access";
import { Deliveries } from "./deliveries";
import { MessageTab } from "./message";
import { type Hook, type HookSettings } from "./model";
import { RulesTab } from "./rules_tab";
import { Targets } from "./targets";
import { TokenDialog } from "./token";

type Tab = "deliveries" | "bots" | "rules" | "message" | "access";
const TABS: readonly { value: Tab; label: string }[] = [
  { value: "deliveries", label: "Deliveries" }, { value: "bots", label: "Bots" }, { value: "rules", label: "Rules" }, { value: "message", label: "Message" }, { value: "access", label: "Who may post" },
];

/** The hook, and the one way in which tabs change it. */
export interface HookHandle {
  hook: () => Hook;
  settings: () => HookSettings;
  /** Throws Problem: changed elsewhere, or not valid. */
  patch: (change: Schemas["HookPatch"]) => Promise<Hook>;
  /** settings go whole: the keys given are replaced, undefined takes one away. */
  patchSettings: (change: { [K in keyof HookSettings]?: HookSettings[K] | undefined }) => Promise<Hook>;
  refresh: () => void;
}

function Rename(props: { of: HookHandle; onClose: () => void }): JSX.Element {
  const [name, setName] = createSignal(props.of.hook().name);
  const go = useAction(async () => {
    await props.of.patch({ name: name().trim() });
    props.onClose();
  });
  return (
    <Dialog title="Rename the hook" onClose={props.onClose} footer={<><Button onClick={() => props.onClose()}>Cancel</Button><Button kind="primary" type="submit" form="rename-hook" busy={go.busy()} disabled={!name().trim()}>Rename</Button></>}>
      <form id="rename-hook" class="stack" onSubmit={go.submit}>
        <TextField label="Name" hint="Bots see it as the signal's source, where the message names none." required maxLength={100} value={name()} onValue={setName} problem={go.problem()} pointer="/name" />
        <ErrorNote problem={go.problem()} />
      </form>
    </Dialog>
  );
}

function OneHook(props: { id: string }): JSX.Element {
  const navigate = useNavigate();
  const [chosen, setTab] = createQuery("tab");
  const tab = (): Tab => TABS.find((t) => t.value === chosen())?.value ?? "deliveries";
  const path = { hook: props.id };
  const [found, { refetch, mutate }] = createResource(() => okTagged(api.GET("/api/v1/hooks/{hook}", { params: { path } })));
  const [ask, setAsk] = createSignal<"rename" | "token" | "share" | "delete" | null>(null);
  const [fresh, setFresh] = createSignal<Hook | null>(null);
  const [leaving, setLeaving] = createSignal(false); // it is being deleted: its deliveries are not read again
  const patch: HookHandle["patch"] = async (body) => {
    const changed = await okTagged(api.PATCH("/api/v1/hooks/{hook}", { params: { path, header: { "If-Match": found.latest!.etag } }, body }));
    mutate(changed);
    void refetch(); // who listens is no part of what a change answers for
    return changed.data;
  };
  const handle: HookHandle = {
    hook: () => found.latest!.data, settings: () => found.latest!.data.settings as HookSettings, patch, refresh: () => void refetch(),
    patchSettings: (change) => {
      const next: Record<string, unknown> = { ...found.latest!.data.settings, ...change };
      for (const [name, value] of Object.entries(next)) if (value === undefined) delete next[name];
      return patch({ settings: next as HookSettings });
    },
  };
  const turn = async (): Promise<void> => {
    try {
      const h = await patch({ enabled: !handle.hook().enabled });
      toast(h.enabled ? "It takes messages again" : "Paused", "good", h.enabled ? undefined : "Senders are told so; nothing is kept for later.");
    } catch (e) {
      toastProblem("It could not be changed", e);
    }
  };
  const rotate = async (): Promise<void> => {
    setFresh(await ok(api.POST("/api/v1/hooks/{hook}/token", { params: { path } })));
    void refetch();
  };
  return (
    <Load of={found} retry={() => void refetch()} what="This hook cannot be shown" skeleton={<SkeletonTiles count={4} />}>
      {(h) => (
        <>
          <PageHead title={h().data.name} up={{ href: "/signals", label: "Signals" }} heading={
            <>{h().data.name}<Badge tone={h().data.enabled ? "good" : "neutral"}>{h().data.enabled ? "On" : "Paused"}</Badge><Show when={h().data.shared}><Badge plain tone="info">shared with everybody</Badge></Show></>
          }>
            <Button icon="play" onClick={() => setTab("message")}>Test</Button>
            <Button icon={h().data.enabled ? "pause" : "play"} onClick={() => void turn()}>{h().data.enabled ? "Pause" : "Resume"}</Button>
            <Menu label="More actions" icon="more">
              {(close) => (
                <>
                  <button type="button" role="menuitem" onClick={() => { close(); setAsk("rename"); }}><Icon name="edit" />Rename</button>
                  <button type="button" role="menuitem" onClick={() => { close(); setAsk("token"); }}><Icon name="key" />New address</button>
                  <Show when={may("scripts")}><button type="button" role="menuitem" onClick={() => { close(); setAsk("share"); }}><Icon name="users" />{h().data.shared ? "Share it no more" : "Share with everybody"}</button></Show>
                  <div class="sep" />
                  <button type="button" role="menuitem" class="danger" onClick={() => { close(); setAsk("delete"); }}><Icon name="trash" />Delete</button>
                </>
              )}
            </Menu>
          </PageHead>
          <div class="stack">
            <Show when={!h().data.enabled}><Note tone="warn"><p>It is paused: whoever posts is answered that it is switched off.</p></Note></Show>
            <Show when={h().data.enabled && !h().data.bots?.length}><Note tone="info"><p>No bot listens yet, so signals are judged and kept, and nothing follows. <button type="button" class="link" onClick={() => setTab("bots")}>Choose bots</button></p></Note></Show>
            <Tabs label="Of this hook" items={TABS} value={tab()} onValue={(v) => setTab(v === "deliveries" ? undefined : v)}>
              <div class="sig-tab">
                <Switch>
                  <Match when={tab() === "deliveries" && !leaving()}><Deliveries of={handle} /></Match>
                  <Match when={tab() === "bots"}><Targets of={handle} /></Match>
                  <Match when={tab() === "rules"}><RulesTab of={handle} /></Match>
                  <Match when={tab() === "message"}><MessageTab of={handle} /></Match>
                  <Match when={tab() === "access"}><Access of={handle} onNewAddress={() => setAsk("token")} /></Match>
                </Switch>
              </div>
            </Tabs>
          </div>
          <Show when={ask() === "rename"}><Rename of={handle} onClose={() => setAsk(null)} /></Show>
          <Show when={ask() === "token"}>
            <ConfirmDialog danger title="A new address?" confirm="Make a new address" action={rotate} onClose={() => setAsk(null)}>
              <p>The present one ends at once: senders that still post there are told that nothing is there. Secrets and everything else stay.</p>
            </ConfirmDialog>
          </Show>
          <Show when={ask() === "share"}>
            <ConfirmDialog title={h().data.shared ? "Share it no more?" : "Share it with everybody?"} confirm={h().data.shared ? "Share it no more" : "Share it"} onClose={() => setAsk(null)} action={async () => {
              const changed = await patch({ shared: !h().data.shared });
              toast(changed.shared ? "Every customer may choose it now" : "It is yours alone again");
            }}>
              <p>{h().data.shared ? "Bots of customers that listen hear nothing of it any more." : "Every customer may let bots of theirs listen. They see its name and what their bots were told, not its address, its rules or what was posted. The cap and the routing below Bots hold over all of them together."}</p>
            </ConfirmDialog>
          </Show>
          <Show when={ask() === "delete"}>
            <ConfirmDialog danger title={`Delete “${h().data.name}”?`} confirm="Delete it" onClose={() => setAsk(null)} action={async () => {
              setLeaving(true);
              await ok(api.DELETE("/api/v1/hooks/{hook}", { params: { path } })).catch((e: unknown) => {
                setLeaving(false);
                throw e;
              });
              toast(`“${h().data.name}” is deleted`);
              navigate("/signals");
            }}>
              <p>Its address ends and its deliveries are gone. {h().data.bots?.length ? `${h().data.bots!.length === 1 ? "One bot hears" : `${h().data.bots!.length} bots hear`} nothing of it any more; orders and positions stay.` : ""}</p>
            </ConfirmDialog>
          </Show>
          <Show when={fresh()}>{(f) => <TokenDialog fresh={false} hook={f()} secret={null} onClose={() => setFresh(null)} />}</Show>
        </>
      )}
    </Load>
  );
}

export default function HookPage(): JSX.Element {
  const params = useParams<{ id: string }>();
  return <Show when={params.id} keyed>{(id) => <OneHook id={id} />}</Show>;
}
