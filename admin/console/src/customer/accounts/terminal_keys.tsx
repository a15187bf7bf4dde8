// A terminal's keys, shown once, as its expert wants them; and the expert itself with how it is set up.
import { For, type JSX } from "solid-js";
import type { Schemas } from "~/api/client";
import { Snippet } from "~/customer/signals/parts";
import { Button, Dialog, Note, saveFile, toastProblem } from "~/ui";

// Read when somebody asks for them: no page needs their text.
const FILES = {
  "Perigee.mqh": () => import("../../../../../examples/metatrader/Perigee.mqh?raw"),
  "PerigeeBridge.mq5": () => import("../../../../../examples/metatrader/PerigeeBridge.mq5?raw"),
  "PerigeeBridge.mq4": () => import("../../../../../examples/metatrader/PerigeeBridge.mq4?raw"),
} as const;
type File = keyof typeof FILES;

const download = (name: File): Promise<void> => FILES[name]().then((m) => saveFile(name, m.default, "text/plain;charset=utf-8"), (e) => toastProblem("It could not be fetched", e));

/** The files of a platform, and the steps to a terminal that comes. */
export function Expert(props: { platform: 4 | 5 }): JSX.Element {
  const folder = () => `MQL${props.platform}/Experts`;
  const files = (): File[] => ["Perigee.mqh", props.platform === 5 ? "PerigeeBridge.mq5" : "PerigeeBridge.mq4"];
  return (
    <div class="stack">
      <div class="row"><For each={files()}>{(name) => <Button icon="download" onClick={() => void download(name)}>{name}</Button>}</For></div>
      <ol class="steps">
        <li>Copy both files into <code>{folder()}</code> (in the terminal: File › Open Data Folder) and compile the second in MetaEditor. Read its warnings.</li>
        <li>In Tools › Options › Expert Advisors allow algorithmic trading, and WebRequest for <code class="break">{location.origin}</code>.</li>
        <li>Put the expert on one chart. <code>InpUrl</code> and <code>InpSecret</code> are the address and the secret that were shown with the keys; <code>InpSymbols</code> is what it may tell of and trade.</li>
        <li>This page says “Connected” a moment later. Then test the account, and begin with a demo account and the least volume.</li>
      </ol>
      <Note tone="warn"><p class="small">The service's side is tested with a scripted expert. These files were neither compiled nor run by its makers, since MetaTrader runs on Windows: read the warnings, and watch the first orders.</p></Note>
    </div>
  );
}

export function Keys(props: { title: string; keys: Schemas["EaKeys"]; renewed?: boolean; onClose: () => void }): JSX.Element {
  return (
    <Dialog large title={props.title} onClose={props.onClose} footer={<Button kind="primary" onClick={() => props.onClose()}>I have kept them</Button>}>
      <Note tone="warn" title="Its keys are shown once"><p class="small">Who has both can speak for the account. {props.renewed ? "The old ones have ended: the expert is refused until it has these." : "Lost, they are replaced by new ones."}</p></Note>
      <Snippet label="Address (InpUrl)" copy="Copy address" text={`${location.origin}${props.keys.path}`} testId="ea-url" />
      <Snippet label="Secret (InpSecret)" copy="Copy secret" text={props.keys.secret} testId="ea-secret" />
    </Dialog>
  );
}
