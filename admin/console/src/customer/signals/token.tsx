// Where to post: shown once, with what to paste into TradingView, or what another program sends.
import { createSignal, Show, type JSX } from "solid-js";
import { Button, Dialog, Note, Segmented } from "~/ui";
import { alertOf, programBody, tradingviewReaches, type AlertKind, type Hook, type HookSettings } from "./model";
import { Snippet } from "./parts";

type Shape = AlertKind | "program";
const SHAPES: readonly { value: Shape; label: string }[] = [{ value: "strategy", label: "Strategy" }, { value: "indicator", label: "Indicator" }, { value: "text", label: "Text" }, { value: "program", label: "Program" }];

const curl = (url: string, hook: Pick<Hook, "body_secret" | "signed">, settings: HookSettings, secret: string | null): string => {
  const body = programBody(settings, hook.body_secret ? (secret ?? "YOUR SECRET") : null);
  const sign = hook.signed ? " \\\n  -H \"webhook-id: $ID\" -H \"webhook-timestamp: $(date +%s)\" -H \"webhook-signature: v1,$SIGNATURE\"" : "";
  return `curl -X POST '${url}'${sign} \\\n  -d '${body}'`;
};

/** The messages themselves; secret null: not known here, a mark stands in its place. */
export function Alerts(props: { hook: Hook; url: string; secret: string | null }): JSX.Element {
  const [shape, setShape] = createSignal<Shape>("strategy");
  const settings = () => props.hook.settings as HookSettings;
  const secret = () => (props.hook.body_secret ? (props.secret ?? "YOUR SECRET") : null);
  return (
    <div class="stack-s">
      <div class="row-between"><span class="label-text">What the sender posts</span><Segmented label="Sender" items={SHAPES} value={shape()} onValue={setShape} /></div>
      <Show when={shape() !== "program"} fallback={
        <>
          <Snippet label="Command" text={curl(props.url, props.hook, settings(), props.secret)} />
          <Show when={props.hook.signed}><p class="small muted">The signature is the Base64 of HMAC-SHA-256 over <code>id.timestamp.body</code>, as Standard Webhooks has it.</p></Show>
        </>
      }>
        <Snippet label="Message" testId="alert" text={alertOf(shape() as AlertKind, settings(), secret())} />
        <p class="small muted">
          <Show when={shape() === "text"} fallback={<>In TradingView: Alert › Message. The address goes to Notifications › Webhook URL. Double braces are filled in there.</>}>One line of text: action, symbol, size, <code>@</code> price, <code>name=value</code>. What TradingView itself writes of a strategy's order is read, too. A body secret needs JSON.</Show>
        </p>
      </Show>
      <Show when={!tradingviewReaches(location.port) && shape() !== "program"}><Note tone="warn"><p class="small">TradingView posts to the ports 80 and 443 only, and this console is at port {location.port}: it needs an address in front of it.</p></Note></Show>
      <Show when={props.hook.signed && shape() !== "program"}><Note tone="warn"><p class="small">This hook wants signed messages. TradingView cannot sign: use a body secret for it, and its addresses.</p></Note></Show>
    </div>
  );
}

export function TokenDialog(props: { hook: Hook; secret: string | null; onClose: () => void; fresh: boolean }): JSX.Element {
  const url = () => `${location.origin}${props.hook.path ?? ""}`;
  return (
    <Dialog large title={props.fresh ? `“${props.hook.name}” is there` : "A new address"} onClose={props.onClose} footer={<Button kind="primary" onClick={() => props.onClose()}>I have kept it</Button>}>
      <Note tone="warn" title="Its address is shown once"><p class="small">Who knows it can post. {props.fresh ? "Lost, it is replaced by a new one." : "The old address has ended: nothing that is posted there is taken any more."}</p></Note>
      <Snippet label="Address" text={url()} testId="hook-url" />
      <Show when={props.secret}>{(s) => <Snippet label="Body secret" text={s()} testId="hook-secret" />}</Show>
      <Alerts hook={props.hook} url={url()} secret={props.secret} />
    </Dialog>
  );
}
