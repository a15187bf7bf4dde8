// What a tenant uses of its plan.
import { For, Show, type JSX } from "solid-js";
import type { Schemas } from "~/api/client";
import { formatCount } from "~/lib/format";
import { Ago, Note } from "~/ui";
import { formatBytes } from "../lib/parts";

type Item = Schemas["UsageItem"];
const amount = (i: Item, n: number): string => (/_kib$/.test(i.name) ? formatBytes(n * 1024) : formatCount(n));

export function Meters(props: { of: Schemas["Usage"] }): JSX.Element {
  return (
    <div class="stack">
      <Show when={props.of.standing !== "within"}>
        <Note tone="warn" title={props.of.standing === "grace" ? "More is in use than the plan has: in its grace" : "The grace is over: what is too much opens nothing new"}><Show when={props.of.until_ms}><p>Until <Ago ms={props.of.until_ms} />.</p></Show></Note>
      </Show>
      <div class="op-grid">
        <For each={props.of.items}>
          {(i) => {
            const share = () => (i.limit ? Math.min(1, i.used / i.limit) : 0);
            return (
              <div class="stack-s">
                <div class="row-between small"><span>{i.name.replace(/_kib$/, "").replace(/_/g, " ").replace(/^./, (c) => c.toUpperCase())}</span><span class="num muted">{amount(i, i.used)}{i.limit == null ? ", no limit" : ` of ${amount(i, i.limit)}`}</span></div>
                <div class="op-meter" classList={{ none: i.limit == null, full: i.limit != null && i.used >= i.limit && i.used > 0 }} aria-hidden="true"><span style={{ width: `${share() * 100}%` }} /></div>
              </div>
            );
          }}
        </For>
      </div>
    </div>
  );
}
