// Notices: what was told and whether it arrived, the channels, and what goes where and when.
import { Match, Switch, type JSX } from "solid-js";
import { PageHead, Tabs } from "~/ui";
import { createQuery } from "~/ui/routing";
import { Channels } from "./channels";
import { Log } from "./log";
import { PreferencesTab } from "./preferences";
import "./notices.css";

const TABS = [{ value: "log", label: "What was told" }, { value: "channels", label: "Channels" }, { value: "preferences", label: "What goes where" }];

export default function Notices(): JSX.Element {
  const [chosen, setTab] = createQuery("tab");
  const tab = () => TABS.find((t) => t.value === chosen())?.value ?? "log";
  return (
    <>
      <PageHead title="Notices" />
      <Tabs label="Notices" items={TABS} value={tab()} onValue={(v) => setTab(v === "log" ? undefined : v)}>
        <div class="nt-tab">
          <Switch>
            <Match when={tab() === "log"}><Log onChannels={() => setTab("channels")} /></Match>
            <Match when={tab() === "channels"}><Channels /></Match>
            <Match when={tab() === "preferences"}><PreferencesTab onChannels={() => setTab("channels")} /></Match>
          </Switch>
        </div>
      </Tabs>
    </>
  );
}
