// What can be done to a bot: start, pause, stop, flatten; and less often restart, clone, rename, delete.
import { A, useNavigate } from "@solidjs/router";
import { createSignal, Match, Show, Switch, type JSX } from "solid-js";
import { api, ok } from "~/api/client";
import { refreshHalts } from "~/customer/kill";
import { Button, Checkbox, ConfirmDialog, Icon, Menu, Note, TextField, toast, toastProblem } from "~/ui";
import type { BotData } from "./data";
import { canStart, isOn } from "./state";

type Ask = "stop" | "flatten" | "delete" | "clone" | "rename" | null;

export function BotActions(props: { data: BotData }): JSX.Element {
  const d = props.data, navigate = useNavigate();
  const params = { path: { bot_id: d.id } };
  const [busy, setBusy] = createSignal("");
  const [ask, setAsk] = createSignal<Ask>(null);
  const [close, setClose] = createSignal(false);
  const [name, setName] = createSignal("");
  const done = (): void => void setAsk(null);

  const run = async (what: "start" | "pause" | "restart"): Promise<void> => {
    setBusy(what);
    try {
      const bot = what === "start" ? await ok(api.POST("/api/v1/bots/{bot_id}/start", { params })) : what === "pause" ? await ok(api.POST("/api/v1/bots/{bot_id}/pause", { params })) : await ok(api.POST("/api/v1/bots/{bot_id}/restart", { params }));
      d.setBot(bot);
      toast({ start: "Started", pause: "Paused: its orders and positions stay", restart: "It opens anew, from its journal" }[what]);
    } catch (e) {
      toastProblem(`${what[0]!.toUpperCase()}${what.slice(1)} failed`, e);
    }
    setBusy("");
  };
  const open = (what: Ask): void => {
    setClose(false);
    setName(what === "clone" ? `${d.bot().name} copy` : d.bot().name);
    setAsk(what);
  };
  const position = () => d.bot().live?.positions ?? [];
  const holds = () => position().map((p) => `${p.qty} ${p.symbol}`).join(", ");
  const halted = () => d.bot().state === "halted";

  return (
    <>
      <Show when={isOn(d.bot())} fallback={<Button kind="primary" icon="play" busy={busy() === "start"} disabled={!canStart(d.bot())} onClick={() => void run("start")}>Start</Button>}>
        <Button icon="pause" busy={busy() === "pause"} onClick={() => void run("pause")}>Pause</Button>
      </Show>
      <Show when={d.bot().state !== "stopped" && d.bot().wanted !== "stopped"}>
        <Button icon="square" onClick={() => open("stop")}>Stop</Button>
        <Button kind="danger" icon="flatten" onClick={() => open("flatten")}>Flatten</Button>
      </Show>
      <Menu label="More actions" icon="more">
        {(shut) => (
          <>
            <button type="button" role="menuitem" onClick={() => { shut(); open("rename"); }}><Icon name="edit" />Rename</button>
            <button type="button" role="menuitem" onClick={() => { shut(); open("clone"); }}><Icon name="copy" />Clone</button>
            <Show when={isOn(d.bot())}><button type="button" role="menuitem" onClick={() => { shut(); void run("restart"); }}><Icon name="reload" />Restart</button></Show>
            <Show when={!d.offered()}><A role="menuitem" href={`/strategies/${d.bot().strategy_id}`}><Icon name="studio" />Its strategy</A></Show>
            <div class="sep" />
            <button type="button" role="menuitem" class="danger" disabled={d.bot().wanted !== "stopped"} title={d.bot().wanted === "stopped" ? undefined : "Stop it first"} onClick={() => { shut(); open("delete"); }}><Icon name="trash" />Delete</button>
          </>
        )}
      </Menu>

      <Switch>
        <Match when={ask() === "stop"}>
          <ConfirmDialog title={`Stop ${d.bot().name}`} confirm="Stop" danger={close()} onClose={done} action={async () => { d.setBot(await ok(api.POST("/api/v1/bots/{bot_id}/stop", { params, body: { close: close() } }))); toast("Stopping"); }}>
            <p>Its open orders are cancelled and its run ends. A later start is a new run.</p>
            <Checkbox label="Also close its positions, at the market" hint={holds() ? `It holds ${holds()}. Otherwise that stays, and nothing cares for it.` : "It holds none."} checked={close()} onChecked={setClose} />
          </ConfirmDialog>
        </Match>
        <Match when={ask() === "flatten"}>
          <ConfirmDialog title={`Flatten ${d.bot().name}`} confirm="Close everything now" danger onClose={done} action={async () => {
            await ok(api.POST("/api/v1/bots/{bot_id}/halt", { params, body: { mode: "flatten" } }));
            refreshHalts();
            d.refresh();
            toast("Flattening", "warn", "Orders are cancelled and positions closed at the market. The bot opens nothing until you lift its halt.");
          }}>
            <p>Cancels its orders, closes {holds() || "whatever it holds"} at the market and keeps it from opening anything until you lift its halt. Its script goes on to run.</p>
            <Show when={!d.bot().paper}><Note tone="warn">This bot trades live money.</Note></Show>
          </ConfirmDialog>
        </Match>
        <Match when={ask() === "delete"}>
          <ConfirmDialog title={`Delete ${d.bot().name}`} confirm="Delete" danger onClose={done} action={async () => { await ok(api.DELETE("/api/v1/bots/{bot_id}", { params })); toast("Deleted"); navigate("/bots"); }}>
            <p>It disappears from your lists. Its orders and trades stay in the books of its account.</p>
          </ConfirmDialog>
        </Match>
        <Match when={ask() === "clone"}>
          <ConfirmDialog title={`Clone ${d.bot().name}`} confirm="Clone" onClose={done} disabled={!name().trim()} action={async () => { const bot = await ok(api.POST("/api/v1/bots/{bot_id}/clone", { params, body: { name: name().trim() } })); toast("Cloned: it is stopped until you start it"); navigate(`/bots/${bot.id}`); }}>
            <p>The same script, parameters, market and limits, on the same account.</p>
            <TextField label="Name" value={name()} onValue={setName} maxlength={100} />
          </ConfirmDialog>
        </Match>
        <Match when={ask() === "rename"}>
          <ConfirmDialog title="Rename" confirm="Rename" onClose={done} disabled={!name().trim()} action={async () => { d.setBot(await ok(api.PATCH("/api/v1/bots/{bot_id}", { params: { ...params, header: { "If-Match": d.etag() } }, body: { name: name().trim() } }))); }}>
            <TextField label="Name" value={name()} onValue={setName} maxlength={100} />
          </ConfirmDialog>
        </Match>
      </Switch>
      <Show when={halted()}>
        <Button small onClick={() => void ok(api.DELETE("/api/v1/bots/{bot_id}/halt", { params })).then(() => { toast("The halt is lifted"); d.refresh(); }, (e) => toastProblem("The halt could not be lifted", e))}>Lift its halt</Button>
      </Show>
    </>
  );
}
