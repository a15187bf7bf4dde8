// The kill switch: one click away on every page, and in force before any bot is asked. What is halted stays visible until it is lifted.
import { createRoot, createSignal, For, Show, type JSX } from "solid-js";
import { api, ok, type Schemas } from "~/api/client";
import { me } from "~/api/session";
import { createResource } from "~/lib/resource";
import { Button, ConfirmDialog, Icon, toast, toastProblem } from "~/ui";

type Mode = Schemas["HaltMode"];

const MODES: { value: Mode; label: string; text: string }[] = [
  { value: "reduce", label: "Open nothing new", text: "Orders that open or enlarge a position are refused. Exits and stops go on." },
  { value: "silent", label: "No orders at all", text: "Nothing is sent, exits neither. Open positions stay as they are, without your bots' care." },
  { value: "flatten", label: "Close everything", text: "Open orders are cancelled and every position of your bots is closed at the market." },
];

// Of the whole console: asked at the start, after each change, and twice a minute, since an operator may halt, too.
const { halts, refresh } = createRoot(() => {
  const [halts, { refetch }] = createResource(me, () => ok(api.GET("/api/v1/me/halt")).catch(() => null));
  setInterval(() => me() && !document.hidden && void refetch(), 30_000);
  return { halts, refresh: () => void refetch() };
});
export { refresh as refreshHalts };
export const ownHalt = () => halts.latest?.items.find((h) => h.level === "tenant" && h.cause !== "operator");

export function KillSwitch(): JSX.Element {
  const [open, setOpen] = createSignal(false);
  const [mode, setMode] = createSignal<Mode>("reduce");
  const halt = async (): Promise<void> => {
    await ok(api.POST("/api/v1/me/halt", { body: { mode: mode() } }));
    refresh();
    toast("All your bots are halted", "warn", MODES.find((m) => m.value === mode())?.text);
  };
  return (
    <>
      <Button class="kill" icon="stop" onClick={() => setOpen(true)}>Kill switch</Button>
      <Show when={open()}>
        <ConfirmDialog title="Halt all your bots" confirm="Halt now" danger action={halt} onClose={() => setOpen(false)}>
          <p>It holds for every bot of this account, at once and also after a restart, until you lift it.</p>
          <fieldset class="stack-s" style={{ border: "0", padding: "0", margin: "0" }}>
            <legend class="sr">How</legend>
            <For each={MODES}>
              {(m) => (
                <label class="check">
                  <input type="radio" name="halt-mode" value={m.value} checked={mode() === m.value} onChange={() => setMode(m.value)} />
                  <span><strong>{m.label}</strong><br /><span class="small muted">{m.text}</span></span>
                </label>
              )}
            </For>
          </fieldset>
        </ConfirmDialog>
      </Show>
    </>
  );
}

const WHAT: Record<string, string> = { all: "Trading is halted for everybody", venue: "A venue is halted", tenant: "All your bots are halted" };

export function HaltBanner(): JSX.Element {
  const [busy, setBusy] = createSignal(false);
  const shown = () => (halts.latest?.items ?? []).filter((h) => h.level !== "bot");
  const lift = async (): Promise<void> => {
    setBusy(true);
    try {
      await ok(api.DELETE("/api/v1/me/halt"));
      toast("Your bots may trade again");
    } catch (e) {
      toastProblem("The halt could not be lifted", e);
    }
    setBusy(false);
    refresh();
  };
  return (
    <For each={shown()}>
      {(h) => (
        <div class="banner bad" role="status">
          <Icon name="stop" />
          <span>{WHAT[h.level]}{h.level === "venue" ? ` (${h.id})` : ""}: {MODES.find((m) => m.value === h.mode)?.label.toLowerCase()}.</span>
          <Show when={h.level === "tenant" && h.cause !== "operator"} fallback={<span class="muted">By the operator.</span>}><Button small busy={busy()} onClick={() => void lift()}>Lift the halt</Button></Show>
        </div>
      )}
    </For>
  );
}
