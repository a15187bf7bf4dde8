// The consoles' figures: what a first visit loads, when a page can be used, and whether 100 bots that tell something ten times a second
// keep it smooth.   node tests/bench/console.mjs PERIGEE [--runs N] [--seconds N] [--bots N] [--real]
//
// Prints figures and judges nothing. In Debian's Chromium, headless, against `perigee serve` with its own data directory. The bots'
// events come over a WebSocket of this process, which stands between browser and service: the page does not know, and no test tool works
// in it. --real: bots of the service itself, on a market ten bars of which end each second; then engine and browser share the machine.
import { createHash } from "node:crypto";
import http from "node:http";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url)), console_ = join(here, "../console");
const args = process.argv.slice(2);
const number = (name, otherwise) => {
  const i = args.indexOf(name);
  return i < 0 ? otherwise : Number(args.splice(i, 2)[1]);
};
const runs = number("--runs", 9), seconds = number("--seconds", 10), bots = number("--bots", 100);
const real = args.includes("--real") && args.splice(args.indexOf("--real"), 1).length > 0;
const [perigee] = args;
if (!perigee) {
  console.error("usage: node tests/bench/console.mjs PERIGEE [--runs N] [--seconds N] [--bots N] [--real]");
  process.exit(2);
}
const { World, DESK } = await import(join(console_, "browser.mjs"));
const { machine } = await import(join(console_, "people.mjs"));

const world = new World({ perigee: resolve(perigee), chromium: process.env.PERIGEE_CHROMIUM ?? "/usr/bin/chromium", packages: join(here, "../../admin/console/node_modules"), feeds: real ? ["fast=sim:speed=600"] : [] });
const sorted = (list) => [...list].sort((a, b) => a - b);
const at = (list, share) => sorted(list)[Math.min(list.length - 1, Math.floor(list.length * share))];
const ms = (x) => `${x.toFixed(0)} ms`;

// ---- what a first visit loads: the document and what it names, as the wire carries it

const get = (url) => new Promise((done, fail) => http.get(url, { headers: { "accept-encoding": "gzip" } }, (r) => {
  const parts = [];
  r.on("data", (d) => parts.push(d)).on("end", () => done({ headers: r.headers, bytes: Buffer.concat(parts) }));
}).on("error", fail));

async function size(start) {
  const { gunzipSync } = await import("node:zlib");
  const page = await get(world.url + start), html = gunzipSync(page.bytes).toString();
  let sum = page.bytes.length;
  for (const [, path] of html.matchAll(/(?:src|href)="(\/[^"]+)"/g)) sum += (await get(world.url + path)).bytes.length;
  return sum;
}

// ---- when a page can be used

// Interactive: what the page is about is on the screen, and the main thread has been free of long tasks (50 ms) since; measured from the
// start of the navigation by the browser's own clock.
async function visit(context, path, ready) {
  const page = await context.newPage();
  await page.addInitScript(() => {
    globalThis.long_ = [];
    new PerformanceObserver((list) => globalThis.long_.push(...list.getEntries().map((e) => e.startTime + e.duration))).observe({ type: "longtask", buffered: true });
    globalThis.ready_ = (selector) => new Promise((done) => {
      const look = () => {
        if (document.querySelector(selector) && !document.querySelector("main .skeleton")) done(performance.now());
        else requestAnimationFrame(look);
      };
      look();
    });
  });
  let bytes = 0;
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.loadingFinished", (e) => (bytes += e.encodedDataLength));
  await page.goto(path);
  const shown = await page.evaluate((selector) => globalThis.ready_(selector), ready);
  await page.waitForTimeout(600);
  const { paint, long } = await page.evaluate(() => ({ paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0, long: globalThis.long_ }));
  await page.close();
  return { paint, shown, interactive: Math.max(shown, ...long.filter((end) => end <= shown + 500)), bytes };
}

async function interactive(t, who, name, path, ready) {
  const cold = [], warm = [];
  for (let i = 0; i < runs; i++) {
    const page = await t.page({ who }), context = page.context();
    const cookies = await context.storageState();
    await context.close();
    const fresh = await world.browser.newContext({ baseURL: world.url, viewport: DESK, storageState: cookies }); // nothing cached
    cold.push(await visit(fresh, path, ready));
    warm.push(await visit(fresh, path, ready));
    await fresh.close();
  }
  for (const [how, list] of [["first visit", cold], ["cached", warm]])
    console.log(`${name}, ${how}: interactive after ${ms(at(list.map((v) => v.interactive), 0.5))} (median of ${list.length}; ${ms(at(list.map((v) => v.interactive), 0))} to ${ms(at(list.map((v) => v.interactive), 1))}), first paint ${ms(at(list.map((v) => v.paint), 0.5))}, ${(at(list.map((v) => v.bytes), 0.5) / 1024).toFixed(0)} KB over the wire`);
}

// ---- many bots that tell something

const bot = (i) => ({
  id: `bot_${String(i).padStart(13, "0")}`, name: `Bot ${i}`, account_id: "acc_0000000000000", paper: true, strategy_id: "str_0000000000000", version: null, venue: "sim", symbol: "BTCUSDT", timeframe: "1m", pairs: [],
  params: {}, settings: {}, seed: 1, wanted: "running", state: "running", reason_code: "running", reason: "It is trading.", strikes: 0, retries: 0, since_ms: 1, retry_at_ms: null, created_at_ms: 1, updated_at_ms: 1, revision: 1, group_id: null,
  live: { run: 1, instant_ms: 1, intents: 0, fills: 0, denials: 0, errors: 0, open_orders: 0, equity: "1000", balance: "1000", pnl: "0", positions: [], host: "host 0", version: 1, reload: null },
});

function frameOf(text) {
  const body = Buffer.from(text), head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255]);
  return Buffer.concat([head, body]);
}

// Text frames of a client, which are masked; whole ones only, as they are small.
function textsOf(state, chunk) {
  const texts = [];
  let buffer = Buffer.concat([state.rest, chunk]);
  for (;;) {
    if (buffer.length < 6) break;
    let length = buffer[1] & 127, from = 2;
    if (length === 126) [length, from] = [buffer.readUInt16BE(2), 4];
    if (buffer.length < from + 4 + length) break;
    const mask = buffer.subarray(from, from + 4), data = Buffer.from(buffer.subarray(from + 4, from + 4 + length).map((b, i) => b ^ mask[i & 3]));
    if ((buffer[0] & 15) === 1) texts.push(data.toString());
    buffer = buffer.subarray(from + 4 + length);
  }
  state.rest = buffer;
  return texts;
}

/** Everything is the service's but the list of bots and the stream. */
async function standIn(list) {
  const state = { socket: null, seq: new Map() };
  const server = http.createServer((request, answer) => {
    if (/^\/api\/v1\/bots\?/.test(request.url)) {
      answer.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ items: list, next_cursor: null }));
      return;
    }
    request.pipe(http.request({ port: world.port, path: request.url, method: request.method, headers: request.headers }, (r) => r.pipe(answer.writeHead(r.statusCode, r.headers))));
  });
  server.on("upgrade", (request, socket) => {
    const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64"), read = { rest: Buffer.alloc(0) };
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      for (const text of textsOf(read, chunk)) {
        const m = JSON.parse(text);
        if (m.op !== "subscribe") continue;
        for (const ch of m.channels) state.seq.set(ch, 100);
        state.socket = socket;
        socket.write(frameOf(JSON.stringify({ op: "subscribed", channels: m.channels.map((ch) => ({ ch, seq: 100 })), denied: [] })));
      }
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://localhost:${server.address().port}`, state, stop: () => { state.socket?.destroy(); server.closeAllConnections(); server.close(); } };
}

async function watch(page, during) {
  await page.evaluate(() => {
    // Of this watch only: the one before ends with its lists, else each frame would be counted twice.
    const frames = globalThis.frames_ = [], long = globalThis.long_ = [];
    new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration))).observe({ type: "longtask" });
    let last = performance.now();
    const tick = (now) => {
      frames.push(now - last);
      last = now;
      if (globalThis.frames_ === frames) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  const begun = Date.now();
  await during();
  const took = (Date.now() - begun) / 1000;
  const { frames, long } = await page.evaluate(() => ({ frames: globalThis.frames_.slice(2), long: globalThis.long_ }));
  return `${(frames.length / took).toFixed(1)} frames a second, median ${at(frames, 0.5).toFixed(1)} ms, 99 % within ${at(frames, 0.99).toFixed(1)} ms, longest ${Math.max(...frames).toFixed(0)} ms; ${long.length} long tasks${long.length ? `, the longest ${Math.max(...long).toFixed(0)} ms` : ""}`;
}

async function smooth(t, who) {
  const list = Array.from({ length: bots }, (_, i) => bot(i)), between = await standIn(list);
  const context = await world.browser.newContext({ baseURL: between.url, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto("/login");
  await page.getByLabel("Mail address").fill(who.email);
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator(".shell").waitFor();
  await page.goto("/bots");
  await page.locator("tbody tr").first().waitFor();
  const { state } = between;
  for (let i = 0; i < 300 && [...state.seq.keys()].filter((ch) => ch.startsWith("bot:")).length < bots; i++) await page.waitForTimeout(100);
  const channels = [...state.seq.keys()].filter((ch) => ch.startsWith("bot:")).length;
  const idle = await watch(page, () => page.waitForTimeout(2000));
  let sent = 0;
  const busy = await watch(page, async () => {
    const begun = Date.now();
    for (let round = 1; round <= seconds * 10; round++) {
      for (const b of list) {
        const ch = `bot:${b.id}`, seq = (state.seq.get(ch) ?? 100) + 1;
        state.seq.set(ch, seq);
        state.socket.write(frameOf(JSON.stringify({ ch, seq, type: "equity", ts: Date.now(), data: { equity: `${1000 + round}.25`, balance: "1000", margin: "0", time: round } })));
        sent++;
      }
      await new Promise((done) => setTimeout(done, Math.max(0, begun + round * 100 - Date.now())));
    }
  });
  const last = `${(1000 + seconds * 10).toLocaleString("en-GB")}.25`;
  const shown = await page.waitForFunction((text) => [...document.querySelectorAll('[data-label="Equity"]')].some((e) => e.innerText === text), last, { timeout: 10_000 }).then(() => "the last event is shown", () => "THE LAST EVENT IS NOT SHOWN");
  console.log(`${channels} bots, nothing told: ${idle}`);
  console.log(`${channels} bots at 10 Hz for ${seconds} s (${sent} events): ${busy}; ${shown}`);
  await context.close();
  between.stop();
}

async function smoothReal(t, who) {
  const { id } = await who.get("/me");
  await machine({ world }, "PUT", `/admin/users/${id}/plan`, { plan: "enterprise", limits: { bots: bots + 1, pairs: null, trades_per_day: null }, reason: "bench", expires_at_ms: null });
  const account = await who.post("/accounts", { venue: "paper", name: "Play", settings: { balance: "1000000" } });
  const strategy = await who.post("/strategies", { name: "watch", source: 'strategy{ name="watch", api=1 }\nfunction on_bar(ctx, bar) if ctx.pos.flat then ctx:buy{qty=0.001} end end', activate: true });
  for (let i = 0; i < bots; i++) await who.post("/bots", { name: `Bot ${i}`, account_id: account.id, strategy_id: strategy.id, venue: "fast", symbol: "BTCUSDT", timeframe: "1m", settings: { cash: "1000" }, start: true });
  const page = await t.page({ who, path: "/bots", size: { width: 1280, height: 900 } });
  for (let i = 0; i < 600 && (await who.get("/bots?limit=200")).items.filter((b) => b.state === "running").length < bots; i++) await page.waitForTimeout(100);
  const running = (await who.get("/bots?limit=200")).items.filter((b) => b.state === "running").length;
  await page.waitForTimeout(2000);
  console.log(`${running} bots of the service, ten bars a second each, for ${seconds} s: ${await watch(page, () => page.waitForTimeout(seconds * 1000))}`);
}

try {
  await world.start();
  const t = world.tools("bench");
  t.expect(/./);
  for (const start of ["/", "/admin"]) console.log(`first load of ${start}: ${((await size(start)) / 1024).toFixed(1)} KB gzipped`);
  const who = await t.person("bench");
  if (real) await smoothReal(t, who);
  else {
    await interactive(t, who, "overview", "/", "main h1");
    await interactive(t, who, "bots", "/bots", "main h1");
    await smooth(t, who);
  }
  await t.close();
} finally {
  await world.stop();
}
process.exit(0); // what browsers keep open holds nobody up
