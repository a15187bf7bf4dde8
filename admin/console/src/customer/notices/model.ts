// Notices: words for states, and preferences as the grid of events and channels that people change. Pure.
import type { Schemas } from "~/api/client";
import type { BadgeTone } from "~/ui";

export type Channel = Schemas["Channel"];
export type Kind = Channel["kind"];
export type EventInfo = Schemas["NoticeEventInfo"];
export type Mode = Schemas["NoticeMode"];
export type Notice = Schemas["Notice"];
export type Sending = Schemas["NoticeSending"];
export type Preferences = Schemas["NoticePreferencesPut"];

export const KINDS: Record<Kind, { label: string; address: string; hint: string; sample: string }> = {
  mail: { label: "Mail", address: "Address", hint: "A code is sent there first.", sample: "desk@example.org" },
  telegram: { label: "Telegram", address: "Chat", hint: "The chat's number, or @name of a public channel. Start the bot there first; it sends a code.", sample: "123456789" },
  discord: { label: "Discord", address: "Webhook URL", hint: "In Discord: channel settings › Integrations › Webhooks › Copy Webhook URL.", sample: "https://discord.com/api/webhooks/…" },
  slack: { label: "Slack", address: "Webhook URL", hint: "In Slack: an app with Incoming Webhooks; the URL of the channel.", sample: "https://hooks.slack.com/services/…" },
  sms: { label: "SMS", address: "Number", hint: "With the country's code. A code is sent there first; only what is critical goes by SMS unless you say otherwise.", sample: "+4915112345678" },
  webhook: { label: "Webhook", address: "URL", hint: "An https address of your own. Each message is signed as Standard Webhooks has it.", sample: "https://example.org/notices" },
};

export const CHANNEL_STATES: Record<Channel["state"], { label: string; tone: BadgeTone }> = {
  unverified: { label: "Waits for its code", tone: "warn" },
  active: { label: "Active", tone: "good" },
  disabled: { label: "Disabled", tone: "neutral" },
};

export const SENDING_STATES: Record<Sending["state"], { label: string; tone: BadgeTone }> = {
  waiting: { label: "on its way", tone: "info" },
  held: { label: "held back", tone: "info" },
  handed: { label: "in the mail queue", tone: "info" },
  sent: { label: "sent", tone: "good" },
  failed: { label: "failed", tone: "bad" },
  skipped: { label: "not sent", tone: "neutral" },
};
export const underWay = (s: Sending): boolean => s.state === "waiting" || s.state === "handed";

export const SEVERITIES: Record<Notice["severity"], { label: string; tone: BadgeTone }> = { info: { label: "info", tone: "info" }, warning: { label: "warning", tone: "warn" }, error: { label: "error", tone: "bad" } };

// ---- preferences

/** What holds on a channel of which nothing is said: what is said of all, else the usual; SMS get only what is critical. */
export function fallback(p: Preferences, e: EventInfo, kind: Kind): Mode {
  if (e.critical) return "now";
  return p.events?.[e.name]?.all ?? (kind === "sms" ? "off" : e.usual);
}
export const modeOf = (p: Preferences, e: EventInfo, c: Pick<Channel, "id" | "kind">): Mode => (e.critical ? "now" : (p.events?.[e.name]?.[c.id] ?? fallback(p, e, c.kind)));

/** With one cell changed; what is as it would be anyway is not said. */
export function withMode(p: Preferences, e: EventInfo, c: Pick<Channel, "id" | "kind">, mode: Mode): Preferences {
  if (e.critical) return p;
  const modes = { ...p.events?.[e.name] };
  if (mode === fallback(p, e, c.kind)) delete modes[c.id];
  else modes[c.id] = mode;
  const events = { ...p.events, [e.name]: modes };
  if (!Object.keys(modes).length) delete events[e.name];
  return { ...p, events };
}

/** Without channels that are gone: the service takes none that it does not know. */
export function known(p: Preferences, channels: readonly Pick<Channel, "id">[]): Preferences {
  const ids = new Set(["all", ...channels.map((c) => c.id)]);
  const events = Object.entries(p.events ?? {}).flatMap(([name, modes]) => {
    const kept = Object.fromEntries(Object.entries(modes).filter(([id]) => ids.has(id)));
    return Object.keys(kept).length ? [[name, kept] as const] : [];
  });
  return { ...p, events: Object.fromEntries(events) };
}

export const eventWords = (name: string): string => name.replace(/[._]/g, " ").replace(/^./, (c) => c.toUpperCase());
