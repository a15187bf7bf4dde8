// What a customer does with a bot after it was set up – its limits, what-if, a version in its shadow –, an installation's own strategies
// and its looks, and that nothing of it reaches anybody else.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { look, trader, TRADES, until } from "./people.mjs";

const examples = join(dirname(fileURLToPath(import.meta.url)), "../../examples");

export const cases = {
  "limits of a bot that trades are changed, hold at once, and are taken back": async (t) => {
    const { who, bot } = await trader(t);
    await until("it trades", async () => (await who.get(`/bots/${bot.id}`)).live?.fills > 1);
    await who.call("PATCH", `/bots/${bot.id}`, { settings: { max_open: 50, protections: [{ kind: "cooldown", pause_s: 60 }] } });
    const page = await t.page({ who, path: `/bots/${bot.id}?tab=setup` });
    const largest = page.getByLabel("Largest order");
    await largest.waitFor();
    assert.equal(await page.getByLabel("Working orders").inputValue(), "50");
    await page.getByText("1 min, after any trade of a symbol").waitFor();
    const save = page.getByRole("button", { name: "Save limits" });
    assert.ok(await save.isDisabled());
    await largest.fill("abc");
    await page.getByText("Must be a number").waitFor();
    assert.ok(await save.isDisabled());
    await largest.fill("0.01");
    await page.getByLabel("Working orders").fill("");
    await look(t, page, "bot-limits");
    await save.click();
    await page.getByText("Its limits are changed").waitFor();
    const settings = (await who.get(`/bots/${bot.id}`)).settings;
    assert.deepEqual([settings.max_order, settings.max_open, settings.protections.length], ["0.01", undefined, 1], "what the form does not show stays");
    await until("the next order is denied", async () => (await who.get(`/bots/${bot.id}/decisions?kind=deny&limit=5`)).items.some((d) => d.code === "MAX_ORDER"));
    await largest.fill("");
    await save.click();
    await until("it is taken back", async () => (await who.get(`/bots/${bot.id}`)).settings.max_order === undefined);
  },

  "what if: a run forked with other parameters, beside what it was, kept and removed": async (t) => {
    const { who, bot } = await trader(t, { source: TRADES.replace("size=num{0.0005,", "size=num{0.0005, live=true,") });
    await until("it trades", async () => (await who.get(`/bots/${bot.id}/trades`)).items.length >= 3);
    const page = await t.page({ who, path: `/bots/${bot.id}?tab=whatif` });
    const ask = page.getByRole("button", { name: "What if?" });
    await ask.waitFor();
    assert.ok(await ask.isDisabled(), "nothing is changed yet");
    await page.getByRole("slider", { name: "From when" }).fill("0");
    await page.getByLabel("size").fill("5");
    await page.getByText("Must be at most 1").waitFor();
    assert.ok(await ask.isDisabled());
    await page.getByLabel("size").fill("0.001");
    await ask.click();
    await page.getByRole("rowheader", { name: "Profit" }).waitFor();
    await page.getByText("They part at").waitFor();
    await page.locator(".chart canvas").last().waitFor();
    const cells = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "Profit" }) }).getByRole("cell");
    const [was, would] = [await cells.nth(0).innerText(), await cells.nth(1).innerText()];
    assert.notEqual(was, would);
    const [made] = (await who.get(`/bots/${bot.id}/replays`)).items.filter((r) => r.kind === "what_if"), whole = await who.get(`/bots/${bot.id}/replays/${made.id}`);
    assert.deepEqual(whole.request.params, { size: 0.001 });
    assert.equal(whole.result.same, false);
    await look(t, page, "bot-whatif");
    assert.equal((await who.get(`/bots/${bot.id}`)).params?.size, undefined, "the bot itself goes on as it was");
    const before = page.getByRole("button", { name: /^size = 0.001/ });
    await before.waitFor();
    await page.getByRole("button", { name: "Remove" }).click();
    await before.waitFor({ state: "detached" });
  },

  "a version in the shadow of the live one: what both asked for, bot by bot": async (t) => {
    const { who, bot } = await trader(t);
    await until("it trades", async () => (await who.get(`/bots/${bot.id}`)).live?.fills > 0);
    await who.post(`/strategies/${bot.strategy_id}/versions`, { source: TRADES.replace('tag="in"', 'tag="in", type="limit", price=bar.close*0.9'), comment: "patient" });
    const page = await t.page({ who, path: `/strategies/${bot.strategy_id}?tab=shadow` });
    await page.getByText("No shadow runs").waitFor();
    await page.getByRole("button", { name: "Begin" }).click();
    await page.getByText("Version 2 runs beside 1 bot").waitFor();
    await page.locator(".studio-diffs li").first().waitFor();
    await page.locator(".studio-diffs code.only").first().waitFor();
    await look(t, page, "studio-shadow-running");
    await page.getByRole("button", { name: "End", exact: true }).click();
    await page.getByText("The shadow has ended").waitFor();
    await page.getByText("ended", { exact: true }).first().waitFor();
  },

  "an edition: its name, colour and logo; its strategies run with a preset, and say what is not shown": async (t) => {
    const who = await t.person();
    const twin = await t.world.twin(t);
    execFileSync(t.world.perigee, ["edition", "load", join(examples, "marketpilot"), "--data-dir", twin.data]);
    const { branding } = JSON.parse(readFileSync(join(examples, "marketpilot/edition.json"), "utf8"));
    const page = await t.page({ base: twin.url, path: "/login" });
    t.expect(/401/);
    await page.getByText(branding.tagline).waitFor();
    await page.getByRole("link", { name: branding.title }).waitFor();
    await look(t, page, "brand-login");
    const accent = () => page.evaluate(() => {
      const probe = document.createElement("p");
      probe.style.color = "var(--accent)";
      document.body.append(probe);
      const { color } = getComputedStyle(probe);
      probe.remove();
      return color;
    });
    const light = await accent();
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await accent();
    await page.emulateMedia({ colorScheme: "light" });
    assert.ok(light !== "rgb(47, 79, 208)", light); // Perigee's own
    assert.ok(dark !== light && dark !== "rgb(138, 164, 255)", dark);
    assert.match(await page.title(), new RegExp(`${branding.title}$`));
    await page.getByLabel("Mail address").fill(who.email);
    await page.getByLabel("Password").fill(who.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".shell .brand img[src^='data:image/svg+xml;base64,']").waitFor();

    // A plan without strategies or parameters of one's own still has what the edition offers.
    await page.goto("/bots/new");
    await page.getByText(`By ${branding.title}`).waitFor();
    assert.equal(await page.getByText("Ready-made").count(), 0);
    await page.locator("label.choice", { hasText: "EMA DCA" }).click();
    await look(t, page, "brand-wizard");
    const next = page.getByRole("button", { name: "Continue" });
    await next.click();
    await page.getByRole("button", { name: "Make a paper account" }).click();
    await page.getByText(/10,000\.00 USDT are free/).waitFor();
    await next.click();
    await page.locator("label.choice", { hasText: "BTCUSDT" }).click();
    await next.click();
    await page.getByText("Begin with").waitFor();
    const preset = page.getByRole("radiogroup", { name: "Preset" }).locator("label.choice").nth(1);
    const name = (await preset.locator(".strong").innerText()).trim();
    await preset.click();
    await look(t, page, "brand-presets");
    await next.click();
    await next.click();
    await page.getByText("Largest fall").or(page.getByText("The backtest could not begin")).waitFor();
    await page.getByRole("button", { name: "Create and start" }).click();
    await page.waitForURL(/\/bots\/bot_/);
    await page.getByRole("tab", { name: /^Parameters/ }).click();
    await page.getByText("its text stays with the operators").waitFor();
    await look(t, page, "brand-bot-setup");
    const headers = { Authorization: `Bearer ${(await (await fetch(`${twin.url}/api/v1/auth/login`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ email: who.email, password: who.password }) })).json()).access_token}` };
    const edition = await (await fetch(`${twin.url}/api/v1/edition`)).json(), [bot] = (await (await fetch(`${twin.url}/api/v1/bots`, { headers })).json()).items;
    for (const [k, v] of Object.entries(edition.presets.find((p) => p.strategy === "ema_dca" && p.name === name).params)) assert.equal(String(bot.params[k]), String(v), k);
    await page.goto(`/strategies/${bot.strategy_id}`);
    await page.getByText("This strategy is the installation's own").waitFor();
  },

  "what is Ada's is Eve's by no address and no stream": async (t) => {
    const { who: ada, bot } = await trader(t);
    await until("it trades", async () => (await ada.get(`/bots/${bot.id}`)).live?.fills > 0);
    const account = bot.account_id, strategy = bot.strategy_id;
    const run = await ada.post("/backtests", { strategy_id: strategy, data: [{ venue: "sim", symbol: "BTCUSDT", timeframe: "1h" }] }, 202);
    const tenant = (await ada.get("/me")).tenant_id;
    const eve = await t.person("eve"), page = await t.page({ who: eve });
    t.expect(/404|403/);
    for (const [path, said] of [[`/bots/${bot.id}`, "This bot cannot be shown"], [`/bots/${bot.id}?tab=whatif`, "This bot cannot be shown"], [`/strategies/${strategy}`, "The strategy cannot be shown"],
      [`/strategies/${strategy}?tab=shadow`, "The strategy cannot be shown"], [`/backtests/${run.id}`, "The backtest cannot be shown"], [`/accounts/${account}`, "This account cannot be shown"], [`/backtests/compare?ids=${run.id},${run.id}`, /./]]) {
      await page.goto(path);
      await page.getByText(said).first().waitFor();
      await page.waitForLoadState("networkidle");
      const text = await page.locator("body").innerText();
      for (const secret of [bot.name, "Play", ada.email]) assert.ok(!text.includes(secret), `${path} shows ${secret}`);
    }
    // The stream, asked for by name, with Eve's own session, while Ada's bot trades.
    const told = await page.evaluate((channels) => new Promise((done) => {
      const ws = new WebSocket(`ws://${location.host}/api/v1/ws`), got = [];
      ws.onopen = () => {
        ws.send(JSON.stringify({ op: "subscribe", channels }));
        for (const ch of channels) ws.send(JSON.stringify({ op: "resume", ch, seq: 1 }));
      };
      ws.onmessage = (e) => got.push(JSON.parse(e.data));
      setTimeout(() => { ws.close(); done(got); }, 1500);
    }), [`bot:${bot.id}`, `backtest:${run.id}`, "audit", "system"]);
    const answer = told.find((m) => m.op === "subscribed");
    assert.deepEqual([answer.channels, answer.denied.length], [[], 4], JSON.stringify(told).slice(0, 500));
    assert.ok(!told.some((m) => m.ch && m.seq && !m.op) && !told.some((m) => m.op === "resumed" && m.complete), JSON.stringify(told).slice(0, 500));
    // Nor by saying that she belongs to Ada.
    const refused = await page.evaluate(async (id) => (await fetch("/api/v1/bots", { headers: { "Perigee-Tenant": id } })).status, tenant);
    assert.ok(refused === 403 || refused === 404, `${refused}`);
    await page.evaluate((id) => localStorage.setItem("perigee.tenant", id), tenant);
    await page.goto("/bots");
    await page.waitForLoadState("networkidle");
    assert.ok(!(await page.locator("body").innerText()).includes(bot.name));
  },
};
