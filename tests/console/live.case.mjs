// What happens now, and what happens when nothing comes: events in batches, a service that goes away and comes back, a session's end.
import assert from "node:assert/strict";
import { trader, until } from "./people.mjs";

const bot = (i) => ({
  id: `bot_${String(i).padStart(13, "0")}`, name: `Bot ${i}`, account_id: "acc_0000000000000", paper: true, strategy_id: "str_0000000000000", version: null, venue: "sim", symbol: "BTCUSDT", timeframe: "1m", pairs: [],
  params: {}, settings: {}, seed: 1, wanted: "running", state: "running", reason_code: "running", reason: "It is trading.", strikes: 0, retries: 0, since_ms: 1, retry_at_ms: null, created_at_ms: 1, updated_at_ms: 1, revision: 1, group_id: null,
  live: { run: 1, instant_ms: 1, intents: 0, fills: 0, denials: 0, errors: 0, open_orders: 0, equity: "1000", balance: "1000", pnl: "0", positions: [], host: "host 0", version: 1, reload: null },
});

export const cases = {
  "ninety bots at ten events a second: every row ends with its last event": async (t) => {
    const page = await t.page({ who: await t.person(), size: { width: 1280, height: 2400 } });
    const list = Array.from({ length: 90 }, (_, i) => bot(i)), rounds = 30;
    await page.route(/\/api\/v1\/bots\?/, (route) => route.fulfill({ json: { items: list, next_cursor: null } }));
    let subscribed;
    const ready = new Promise((done) => (subscribed = done));
    const seq = new Map();
    await page.routeWebSocket(/\/api\/v1\/ws/, (ws) => ws.onMessage((text) => {
      const m = JSON.parse(text);
      if (m.op !== "subscribe") return;
      ws.send(JSON.stringify({ op: "subscribed", channels: m.channels.map((ch) => ({ ch, seq: 100 })), denied: [] }));
      for (const ch of m.channels) if (ch.startsWith("bot:")) seq.set(ch, 100);
      if (seq.size === list.length) subscribed(ws);
    }));
    await page.goto("/bots"); // a new document, so that its socket is this one
    const ws = await Promise.race([ready, page.waitForTimeout(30_000)]);
    assert.ok(ws, `only ${seq.size} channels were asked for`);
    await page.evaluate(() => {
      globalThis.frames_ = [];
      let last = performance.now();
      const tick = (now) => {
        globalThis.frames_.push(now - last);
        last = now;
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    });
    for (let round = 1; round <= rounds; round++) {
      for (const b of list) {
        Object.assign(b.live, { equity: `${1000 + round}.25`, pnl: `${round}.25` }); // as a snapshot would tell
        const ch = `bot:${b.id}`;
        seq.set(ch, seq.get(ch) + 1);
        ws.send(JSON.stringify({ ch, seq: seq.get(ch), type: "equity", ts: 1, data: { equity: `${1000 + round}.25`, balance: "1000", margin: "0", time: round } }));
      }
      await page.waitForTimeout(100);
    }
    // Drawn is a screenful, however many there are; the others are followed all the same, as their pages show.
    assert.equal(await page.getByRole("table", { name: "Bots" }).locator("tbody tr").count(), 25);
    for (let shown = 0, number = 2; ; number++) {
      const drawn = await page.waitForFunction(() => {
        const all = [...document.querySelectorAll('[data-label="Equity"]')];
        return all.length > 0 && all.every((e) => e.innerText === "1,030.25") && all.length;
      });
      shown += await drawn.jsonValue();
      if (shown === list.length) break;
      assert.ok(shown < list.length, `${shown} rows of ${list.length}`);
      await page.getByRole("button", { name: "Next page" }).click();
      await page.getByText(new RegExp(`^${number} / `)).waitFor();
    }
    assert.equal(await page.locator('[data-label="P&L of the run"]').first().innerText(), "+30.25");
    const frames = (await page.evaluate(() => globalThis.frames_)).slice(2).sort((a, b) => a - b);
    console.log(`# ${list.length} bots at 10 Hz: ${frames.length} frames, median ${frames[frames.length >> 1].toFixed(1)} ms, 95 % within ${frames[Math.floor(frames.length * 0.95)].toFixed(1)} ms, longest ${frames.at(-1).toFixed(1)} ms`);
  },

  "a bot's chart is told something in every frame, and drawn a few times a second": async (t) => {
    const { who, bot } = await trader(t);
    await until("it runs", async () => (await who.get(`/bots/${bot.id}`)).live?.equity);
    await who.post(`/bots/${bot.id}/pause`);
    const page = await t.page({ who });
    let socket;
    await page.routeWebSocket(/\/api\/v1\/ws/, (ws) => ws.onMessage((text) => {
      const m = JSON.parse(text);
      if (m.op === "subscribe") ws.send(JSON.stringify({ op: "subscribed", channels: m.channels.map((ch) => ({ ch, seq: 100 })), denied: [] }));
      if (m.op === "subscribe" && m.channels.includes(`bot:${bot.id}`)) socket = ws;
    }));
    await page.goto(`/bots/${bot.id}`);
    const chart = page.locator(".chart .canvas[data-drawings]"), stat = page.locator(".stat").filter({ hasText: /^Equity/ });
    await chart.waitFor();
    await until("its channel is asked for", () => socket);
    const drawn = () => chart.evaluate((e) => [Number(e.dataset.drawings), performance.now()]);
    const told = 150, [before, from] = await drawn(), market = Date.now();
    for (let i = 1; i <= told; i++) {
      socket.send(JSON.stringify({ ch: `bot:${bot.id}`, seq: 100 + i, type: "equity", ts: 1, data: { equity: `${20000 + i}.25`, balance: "1000", margin: "0", time: market + i * 60_000 } }));
      await new Promise((done) => setTimeout(done, 10));
    }
    await stat.getByText("20,150.25").waitFor();
    await until("it is drawn once more", async () => (await drawn())[0] > before);
    const [after, now] = await drawn();
    console.log(`# told ${told} times in ${Math.round(now - from)} ms: drawn ${after - before} times`);
    assert.ok(after - before <= (now - from) / 200 + 2, `${after - before} drawings in ${now - from} ms`);
  },

  "missed events are asked for, and where they are gone the snapshot is read again": async (t) => {
    const page = await t.page({ who: await t.person() });
    let reads = 0;
    const now = bot(1);
    await page.route(/\/api\/v1\/bots\?/, (route) => {
      reads++;
      return route.fulfill({ json: { items: [now], next_cursor: null } });
    });
    const sockets = [], asked = [];
    await page.routeWebSocket(/\/api\/v1\/ws/, (ws) => {
      sockets.push(ws);
      ws.onMessage((text) => {
        const m = JSON.parse(text);
        if (m.op === "subscribe") ws.send(JSON.stringify({ op: "subscribed", channels: m.channels.map((ch) => ({ ch, seq: 5 })), denied: [] }));
        if (m.op !== "resume") return;
        asked.push([m.ch, m.seq]);
        if (sockets.length === 2 && m.ch === `bot:${bot(1).id}`) {
          for (const s of [7, 8, 8]) ws.send(JSON.stringify({ ch: m.ch, seq: s, type: "equity", ts: 1, data: { equity: `200${s}`, balance: "1", margin: "0", time: 1 } }));
          ws.send(JSON.stringify({ op: "resumed", ch: m.ch, seq: 8, complete: true }));
        } else ws.send(JSON.stringify({ op: "resumed", ch: m.ch, seq: 20, complete: false }));
      });
    });
    await page.goto("/bots");
    const equity = page.locator('[data-label="Equity"]');
    await equity.getByText("1,000.00").waitFor();
    const ch = `bot:${bot(1).id}`;
    for (let i = 0; i < 100 && !sockets[0]; i++) await page.waitForTimeout(50);
    now.live.equity = "1500";
    sockets[0].send(JSON.stringify({ ch, seq: 6, type: "equity", ts: 1, data: { equity: "1500", balance: "1", margin: "0", time: 1 } }));
    await equity.getByText("1,500.00").waitFor();
    now.live.equity = "2008";
    sockets[0].close({ code: 1001 });
    await equity.getByText("2,008.00").waitFor();
    assert.deepEqual(asked.filter(([name]) => name === ch), [[ch, 6]], "it resumed after the last event it had");
    const before = reads;
    now.live.equity = "3000";
    sockets[1].close({ code: 1001 });
    for (let i = 0; i < 100 && asked.filter(([name]) => name === ch).length < 2; i++) await page.waitForTimeout(50);
    assert.deepEqual(asked.filter(([name]) => name === ch)[1], [ch, 8]);
    // Incomplete: the page reads anew.
    await equity.getByText("3,000.00").waitFor();
    assert.ok(reads > before);
  },

  "the service goes away and comes back: the page says so, and goes on by itself": async (t) => {
    const ada = await t.person();
    const page = await t.page({ who: ada });
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Overview" }).click();
    t.expect(/WebSocket|ERR_CONNECTION|Failed to load resource|ERR_EMPTY_RESPONSE|ERR_SOCKET/);
    await page.waitForTimeout(500);
    await t.world.halt("SIGKILL");
    const banner = page.getByText("Not connected: what you see may be out of date.");
    await banner.waitFor();
    await t.accessible(page, "offline");
    await t.world.serve();
    await page.getByRole("button", { name: "Connect now" }).click().catch(() => {}); // it may have come back by itself just now
    await banner.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Kill switch" }).click();
    await page.getByRole("button", { name: "Halt now" }).click();
    await page.getByText("All your bots are halted").first().waitFor();
  },
};
