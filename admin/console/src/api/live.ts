// What happens now: one WebSocket for the page (engine/api/stream.h), as many channels as pages want, each subscribed once.
//
// Per channel events are numbered without holes. After a break the socket comes back by itself and asks for what was missed; where
// the service no longer has it, `reload` is called, and the page reads its snapshot again. Events are handed over in batches, once
// per animation frame, so that a hundred bots at ten events a second cost one update of the page each frame.
import { batch, createSignal, onCleanup } from "solid-js";
import { refresh, signedOut } from "./session";

export interface LiveEvent {
  ch: string;
  seq: number;
  type: string;
  ts: number;
  data: unknown;
}

export interface Listener {
  /** New events, oldest first, within one frame's batch. */
  events?(events: LiveEvent[]): void;
  /** Read the snapshot over HTTP: once subscribed, and again when events were missed. */
  reload?(): void;
  /** Not permitted, or there is no such channel. */
  denied?(code: string): void;
}

interface Channel {
  listeners: Set<Listener>;
  seq: number; // of the last event; 0: none known
  pending: LiveEvent[];
}

const PENDING_MAX = 2000; // per channel in one batch; beyond it a snapshot is cheaper
const NAMES_MAX = 100; // of one message (engine/api/stream.h)
const RESUMED_MAX = 30; // channels; of more, what all of them kept might not go through the connection at once, and one snapshot is less
const BACKOFF_MS = [250, 500, 1000, 2000, 4000, 8000, 15000];
const PING_MS = 25_000;
const ANSWER_MS = 10_000;

export type LiveState = "off" | "connecting" | "on" | "waiting";

const [state, setState] = createSignal<LiveState>("off");
const [downSince, setDownSince] = createSignal<number | null>(null);
/** For the banner: when the connection was lost; null while it is up, or not wanted. */
export { state as liveState, downSince };

const channels = new Map<string, Channel>();
let socket: WebSocket | null = null;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
let ping: ReturnType<typeof setInterval> | undefined;
let answered = 0;
let frame = false;

// ---- handing over

function deliver(): void {
  frame = false;
  batch(() => {
    for (const channel of channels.values()) {
      if (!channel.pending.length) continue;
      const events = channel.pending;
      channel.pending = [];
      const tooMany = events.length > PENDING_MAX;
      for (const l of [...channel.listeners]) {
        if (tooMany) l.reload?.();
        else l.events?.(events);
      }
    }
  });
}

function schedule(): void {
  if (frame) return;
  frame = true;
  // Hidden pages draw no frames, and need not be quick.
  if (typeof document !== "undefined" && document.hidden) setTimeout(deliver, 500);
  else requestAnimationFrame(deliver);
}

// ---- the socket

function send(message: object): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function sendNames(op: "subscribe" | "unsubscribe", names: string[]): void {
  for (let i = 0; i < names.length; i += NAMES_MAX) send({ op, channels: names.slice(i, i + NAMES_MAX) });
}

function subscribeAll(): void {
  const fresh: string[] = [], resume = channels.size <= RESUMED_MAX;
  for (const [ch, channel] of channels) {
    if (resume && channel.seq) send({ op: "resume", ch, seq: channel.seq });
    else fresh.push(ch);
  }
  coming.clear();
  going.clear();
  sendNames("subscribe", fresh);
}

// A page that comes or goes may mean hundreds of channels: they are told together, since the service counts a client's messages.
const coming = new Set<string>(), going = new Set<string>();
let telling = false;
function tell(): void {
  if (telling) return;
  telling = true;
  queueMicrotask(() => {
    telling = false;
    sendNames("unsubscribe", [...going]);
    sendNames("subscribe", [...coming].filter((ch) => channels.has(ch)));
    coming.clear();
    going.clear();
  });
}

function reload(ch: string): void {
  const channel = channels.get(ch);
  if (!channel) return;
  channel.pending = [];
  for (const l of [...channel.listeners]) l.reload?.();
}

type Told = { op?: string; ch?: string; seq?: number; complete?: boolean; channels?: { ch: string; seq: number }[]; denied?: { ch: string; code: string }[] };

function onMessage(text: string): void {
  answered = Date.now();
  const m = JSON.parse(text) as Told & LiveEvent;
  if (m.op === undefined) {
    const channel = channels.get(m.ch);
    if (!channel || m.seq <= channel.seq) return; // of a channel left meanwhile; or twice
    channel.seq = m.seq;
    channel.pending.push(m);
    schedule();
    return;
  }
  if (m.op === "subscribed") {
    for (const { ch, seq } of m.channels ?? []) {
      const channel = channels.get(ch);
      if (!channel) continue;
      channel.seq = Math.max(channel.seq, seq);
      reload(ch);
    }
    for (const { ch, code } of m.denied ?? []) for (const l of channels.get(ch)?.listeners ?? []) l.denied?.(code);
  } else if (m.op === "resumed" && m.ch !== undefined && m.complete === false) {
    const channel = channels.get(m.ch);
    if (channel) channel.seq = m.seq ?? channel.seq;
    reload(m.ch);
  }
}

function connect(): void {
  clearTimeout(timer);
  if (socket || channels.size === 0) return;
  setState("connecting");
  const s = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/v1/ws`);
  socket = s;
  s.onopen = () => {
    answered = Date.now();
    setState("on");
    setDownSince(null);
    failures = 0;
    subscribeAll();
    clearInterval(ping);
    ping = setInterval(() => {
      if (Date.now() - answered > PING_MS + ANSWER_MS) s.close(); // the other side is gone without a word
      else send({ op: "ping" });
    }, PING_MS);
  };
  s.onmessage = (e: MessageEvent<string>) => onMessage(e.data);
  s.onclose = (e) => {
    if (socket !== s) return;
    socket = null;
    clearInterval(ping);
    if (channels.size === 0) {
      setState("off");
      setDownSince(null);
      return;
    }
    if (downSince() === null) setDownSince(Date.now());
    setState("waiting");
    // 4401: the cookie's token has expired, as it does every quarter of an hour; 4403: the session was ended.
    if (e.code === 4403) return signedOut(false);
    if (e.code === 4401 && failures === 0) {
      failures = 1;
      void refresh().then((renewed) => (renewed ? connect() : retry()));
      return;
    }
    retry();
  };
}

function retry(): void {
  const wait = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)]!;
  failures++;
  clearTimeout(timer);
  timer = setTimeout(connect, wait * (0.7 + 0.6 * Math.random()));
}

/** Now rather than after the pause: the reader asked, or the network is back. */
export function reconnect(): void {
  if (socket?.readyState === WebSocket.OPEN) return;
  failures = 0;
  connect();
}

/** At the end of a session: nothing of one user reaches the next. */
export function closeLive(): void {
  clearTimeout(timer);
  channels.clear();
  socket?.close(1000);
  setState("off");
  setDownSince(null);
}

if (typeof window !== "undefined") {
  window.addEventListener("online", reconnect);
  window.addEventListener("offline", () => {
    if (channels.size && downSince() === null) setDownSince(Date.now());
  });
}

/** Subscribes; the answer ends it. `reload` is called once the subscription stands, so a snapshot read then misses nothing. */
export function subscribe(ch: string, listener: Listener): () => void {
  let channel = channels.get(ch);
  if (channel) {
    channel.listeners.add(listener);
    if (channel.seq) queueMicrotask(() => channel!.listeners.has(listener) && listener.reload?.());
  } else {
    channel = { listeners: new Set([listener]), seq: 0, pending: [] };
    channels.set(ch, channel);
    if (socket?.readyState === WebSocket.OPEN) {
      coming.add(ch);
      tell();
    } else connect();
  }
  return () => {
    channel.listeners.delete(listener);
    if (channel.listeners.size || channels.get(ch) !== channel) return;
    channels.delete(ch);
    going.add(ch);
    tell();
  };
}

/** The same for a component, for as long as it is shown. */
export function useChannel(ch: string, listener: Listener): void {
  onCleanup(subscribe(ch, listener));
}
