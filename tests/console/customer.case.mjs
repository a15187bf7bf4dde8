// A customer's way: sign up, second factor, a bot on paper in six steps, trades by the thousand; and two customers who never meet.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The newest token that was mailed to an address (the development's mails are files). */
async function mailed(t, address) {
  const dir = join(t.world.data, "outbox");
  for (let i = 0; i < 300; i++) {
    for (const name of existsSync(dir) ? readdirSync(dir).sort().reverse() : []) {
      const text = readFileSync(join(dir, name), "utf8");
      const link = text.includes(address) && /(\/verify-email\?token=\S+)/.exec(text.replace(/=\r?\n/g, "").replace(/=3D/g, "="));
      if (link) return link[1];
    }
    await new Promise((go) => setTimeout(go, 50));
  }
  throw new Error(`no mail to ${address}`);
}

function totp(secret, ms) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bits = [...secret.replace(/\s/g, "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2))), count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(Math.floor(ms / 30_000)));
  const mac = createHmac("sha1", key).update(count).digest(), at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const TRADER = `strategy{ name="turns", api=1, params={ size=num{0.01, min=0.001, max=1, label="Size", group="Orders"} }, risk={ max_notional=function(p) return p.size * 100000 end } }
function on_bar(ctx, bar)
  ctx.state.n = (ctx.state.n or 0) + 1
  if ctx.state.n % 2 == 1 then ctx:buy{qty=ctx.p.size, tag="in"} else ctx:close{tag="out"} end
end`;

/** A bot that has traded, made at the API. */
async function trading(t, who, trades = 2) {
  const account = await who.post("/accounts", { venue: "paper", name: "Play money", settings: { balance: "50000" } });
  const strategy = await who.post("/strategies", { name: "turns", source: TRADER, activate: true });
  const bot = await who.post("/bots", { name: `Turns of ${who.email}`, account_id: account.id, strategy_id: strategy.id, venue: "sim", symbol: "BTCUSDT", timeframe: "1m", start: true });
  for (let i = 0; (await who.get(`/bots/${bot.id}/trades`)).items.length < trades; i++) {
    if (i > 600) throw new Error(`no trades: ${JSON.stringify(await who.get(`/bots/${bot.id}`))}`);
    await new Promise((go) => setTimeout(go, 100));
  }
  return { account, strategy, bot };
}

/** Pages that are made like others are looked at by people only: axe takes its time. */
const see = (t, page, name, how) => (t.world.shots ? t.look(page, name, how) : undefined);

export const cases = {
  "sign up, confirm, sign in, second factor with a QR code, sign in with a code": async (t) => {
    const email = "grace@example.org", password = "a long enough sentence, really";
    t.expect(/401|400|422/);
    const page = await t.page({ path: "/login" });
    await page.getByRole("link", { name: "Create an account" }).click();
    await t.look(page, "register");
    await page.getByLabel("Mail address").fill(email);
    await page.getByLabel("Password").pressSequentially("short");
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("button", { name: "Create account" }).click();
    await page.locator('input[type="password"][aria-invalid="true"]').waitFor();
    await page.getByLabel("Password").fill(password);
    await page.getByText("Strong").waitFor();
    await page.getByRole("button", { name: "Create account" }).click();
    await page.getByRole("heading", { name: "Look into your mailbox" }).waitFor();

    const link = await mailed(t, email);
    await page.goto(link);
    await page.getByRole("button", { name: "Confirm address" }).click();
    await page.getByText("Your address is confirmed").waitFor();
    await see(t, page, "verified");
    await page.goto(link); // used up
    await page.getByRole("button", { name: "Confirm address" }).click();
    await page.getByText("This link is used up or too old").waitFor();

    await page.goto("/login?next=%2Faccount%2Fsecurity");
    await page.getByLabel("Mail address").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(/\/account\/security$/);
    await page.getByRole("button", { name: "Set it up" }).click();
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("img", { name: /QR code/ }).waitFor();
    await t.look(page, "two-factor", { full: false });
    const secret = await page.getByLabel("Key to type").innerText();
    await page.getByLabel("Code", { exact: true }).fill(totp(secret, Date.now() - 30_000));
    await page.getByRole("button", { name: "Turn it on" }).click();
    const codes = page.getByRole("list", { name: "Recovery codes" });
    await codes.waitFor();
    assert.ok((await codes.getByRole("listitem").count()) >= 8);
    await t.accessible(page, "recovery codes");
    await page.getByRole("button", { name: "I have kept them" }).click();
    await page.getByText("Turn it off").waitFor();
    await see(t, page, "security");

    await page.getByRole("button", { name: email }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.waitForURL(/\/login/);
    await page.getByLabel("Mail address").fill(email);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByLabel("Code").fill(totp(secret, Date.now()));
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.locator(".shell").waitFor();
    // Where to after signing in: only ever within the console.
    await page.goto("/login?next=//example.com/");
    await page.waitForURL(t.url + "/");
  },

  "a first bot: six steps, an instant backtest, and it trades on paper": async (t) => {
    const ada = await t.person();
    await ada.post("/subscriptions/upgrade", { plan: "enterprise" });
    await ada.post("/strategies", { name: "turns", source: TRADER, activate: true });
    const page = await t.page({ who: ada });
    await page.getByText("Let a first bot trade on paper").waitFor();
    await see(t, page, "overview-first");
    await page.getByRole("main").getByRole("link", { name: "New bot" }).first().click();
    const next = page.getByRole("button", { name: "Continue" });
    await page.getByText("Ready-made").waitFor();
    assert.ok(await next.isDisabled());
    await page.locator("label.choice", { hasText: "Turns" }).click();
    await see(t, page, "wizard-1-basics");
    await page.getByLabel("Name").fill("My first");
    await next.click();

    await page.getByRole("button", { name: "Make a paper account" }).click();
    await page.locator("label.choice", { hasText: "Play money on live prices" }).waitFor();
    await page.getByText(/10,000\.00 USDT are free/).waitFor();
    await page.getByLabel("Money for this bot").fill("20000");
    await page.getByText(/is more than is free/).first().waitFor();
    assert.ok(await next.isDisabled());
    await page.getByLabel("Money for this bot").fill("5000");
    await see(t, page, "wizard-2-account");
    await next.click();

    await page.locator("label.choice", { hasText: "BTCUSDT" }).click();
    await see(t, page, "wizard-3-market");
    await next.click();

    const size = page.getByLabel("Size");
    await size.fill("7");
    await page.getByText("Must be at most 1").waitFor();
    assert.ok(await next.isDisabled());
    await size.fill("0.02");
    await page.getByText(/holds at most/).waitFor();
    await t.look(page, "wizard-4-parameters");
    await next.click();
    await page.getByText("How you hear of it").waitFor();
    await see(t, page, "wizard-5-notices");
    await next.click();
    await page.getByText("Largest fall").waitFor();
    await page.getByText(/holds at most 2,000\.00 USDT at once with these parameters/).waitFor();
    await page.getByRole("img", { name: /Equity in the backtest/ }).waitFor();
    await t.look(page, "wizard-6-review");
    await page.getByRole("button", { name: "Create and start" }).click();
    await page.waitForURL(/\/bots\/bot_/);

    const [bot] = (await ada.get("/bots")).items;
    assert.deepEqual([bot.name, bot.symbol, bot.params, bot.settings.cash, bot.paper], ["My first", "BTCUSDT", { size: 0.02 }, "5000", true]);
    await page.goto("/");
    await page.getByRole("table", { name: "Bots at work" }).getByText("running").waitFor();
    // Nobody loads anything anew: trades arrive while the page is open.
    await page.getByRole("table", { name: "Recent trades" }).getByRole("link", { name: "My first" }).first().waitFor();
    await page.getByRole("img", { name: /Profit in USDT/ }).waitFor();
    await t.look(page, "overview");
  },

  "accounts: paper money in and out, a venue is not to be mistaken, limits": async (t) => {
    const ada = await t.person();
    const page = await t.page({ who: ada, path: "/accounts" });
    t.expect(/422|409|402|403/);
    await page.getByText("No account yet").waitFor();
    await page.getByRole("button", { name: "Add account" }).first().click();
    await page.getByText("A venue", { exact: true }).click();
    await page.getByText("Set up two-factor authentication first").waitFor();
    await page.getByLabel("Environment").selectOption("live");
    await page.getByText("LIVE MONEY").waitFor();
    await page.getByLabel("Markets").selectOption("spot");
    assert.equal(await page.getByLabel("Name").getAttribute("placeholder"), "Bybit spot live");
    await page.getByText("I know that live trading moves real money").waitFor();
    assert.equal(await page.getByLabel("API secret").getAttribute("type"), "password");
    assert.ok(await page.getByRole("button", { name: "Connect with real money" }).isDisabled());
    await t.look(page, "connect-live", { full: false });
    await page.getByText("Paper", { exact: true }).click();
    await page.getByLabel("Begins with").fill("1000");
    await page.getByRole("button", { name: "Make paper account" }).click();
    await page.waitForURL(/\/accounts\/acc_/);
    await page.getByRole("button", { name: "Deposit" }).click();
    await page.getByLabel("Amount").fill("0.5");
    await page.getByRole("dialog").getByRole("button", { name: "Deposit" }).click();
    await page.locator(".stat", { hasText: "Equity" }).getByText("1,000.50").waitFor();
    await page.getByRole("button", { name: "Withdraw" }).click();
    await page.getByLabel("Amount").fill("5000");
    await page.getByRole("dialog").getByRole("button", { name: "Withdraw" }).click();
    await page.getByRole("dialog").getByRole("alert").waitFor();
    await page.keyboard.press("Escape");
    await see(t, page, "account-paper");
    await page.getByRole("tab", { name: "Limits" }).click();
    await page.getByLabel("Largest order").fill("-5");
    await page.getByRole("button", { name: "Save limits" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Largest order").fill("250");
    await page.getByRole("button", { name: "Save limits" }).click();
    await page.getByText("The limits hold from the next order on").waitFor();
    assert.equal((await ada.get("/accounts")).items[0].settings.max_order, "250");
    await see(t, page, "account-limits");
    await page.goto("/accounts");
    await page.getByText("1,000.50 USDT").waitFor();
    await see(t, page, "accounts");
  },

  "one's own account: profile, keys, plan, organisations, data": async (t) => {
    const ada = await t.person();
    const page = await t.page({ who: ada, path: "/account" });
    t.expect(/403|409/);
    await page.getByLabel("Name").fill("Ada L.");
    await page.getByRole("button", { name: "Save name" }).click();
    await page.getByText("Your name is saved").waitFor();
    await see(t, page, "account-profile");
    await page.getByRole("link", { name: "Plan and usage" }).click();
    await page.getByRole("button", { name: /^Take / }).last().click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Take it" }).click();
    await page.getByText("yours", { exact: true }).waitFor();
    await page.getByRole("alertdialog").waitFor({ state: "detached" });
    await t.look(page, "account-plan");
    await page.getByRole("link", { name: "API keys" }).click();
    await page.getByRole("button", { name: "New key" }).first().click();
    await page.getByLabel("Name").fill("My program");
    await page.getByRole("button", { name: "Make the key" }).click();
    const key = await page.getByTestId("key").innerText();
    assert.equal((await fetch(`${t.url}/api/v1/me`, { headers: { Authorization: `Bearer ${key}` } })).status, 200);
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("button", { name: "Delete My program" }).waitFor();
    await see(t, page, "account-keys");
    await page.getByRole("button", { name: "Delete My program" }).click();
    await page.getByRole("button", { name: "Delete key" }).click();
    await page.getByText("No keys yet").waitFor();
    assert.equal((await fetch(`${t.url}/api/v1/me`, { headers: { Authorization: `Bearer ${key}` } })).status, 401);
    await page.getByRole("link", { name: "Organisations" }).click();
    await page.getByRole("button", { name: "New organisation" }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("Works");
    await page.getByRole("button", { name: "Found it" }).click();
    await page.getByLabel("Invite by mail").fill("late@example.org");
    await page.getByRole("button", { name: "Invite" }).click();
    await page.getByText("The plan does not include this", { exact: false }).waitFor(); // an organisation begins with the smallest plan
    await see(t, page, "account-team");
    await page.getByRole("link", { name: "Your data" }).click();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export as JSON" }).click()]);
    assert.equal(JSON.parse(readFileSync(await file.path(), "utf8")).profile?.name ?? "Ada L.", "Ada L.");
    await see(t, page, "account-data");
  },

  "two customers never see each other's": async (t) => {
    const ada = await t.person(), eve = await t.person("eve");
    const { account, bot } = await trading(t, ada);
    t.expect(/404|401/);
    const hers = await t.page({ who: ada, path: "/trades" });
    await hers.getByRole("link", { name: bot.name }).first().waitFor();
    const page = await t.page({ who: eve });
    await page.getByText("Let a first bot trade on paper").waitFor();
    for (const path of ["/trades", `/trades?bot_id=${bot.id}`, "/analytics", "/accounts", `/accounts/${account.id}`]) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).or(page.locator(".empty h3")).first().waitFor();
      await page.waitForLoadState("networkidle");
      const text = await page.locator("body").innerText();
      for (const secret of [bot.name, "Play money", ada.email, bot.id]) assert.ok(!text.includes(secret), `${path} shows ${secret}`);
    }
    await page.getByText(/This account cannot be shown/).first().waitFor();
  },

  "ten thousand trades: all there, filtered, sorted, searched, drawn as far as seen, saved": async (t) => {
    const ada = await t.person();
    const { bot } = await trading(t, ada);
    await ada.post(`/bots/${bot.id}/stop`, { close: true });
    for (let i = 0; i < 200 && (await ada.get(`/bots/${bot.id}`)).state !== "stopped"; i++) await new Promise((go) => setTimeout(go, 50));
    // As if it had traded so often before: rows of the projection.
    execFileSync("python3", ["-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30)
bot, tenant, series = db.execute("SELECT bot_id, tenant_id, series_id FROM bot_trade WHERE tenant_id = (SELECT tenant_id FROM bot_trade ORDER BY bot_id DESC LIMIT 1) LIMIT 1").fetchone()
db.execute("DELETE FROM bot_trade WHERE bot_id = ?", (bot,))
m = 60 * 10**9
db.executemany("INSERT INTO bot_trade VALUES (?,?,?,1,?,?,?,?,?,600000,600100,1,2,?,?,?,0,0,1,0,'in','out')", ((bot, n, tenant, series, 1 if n % 2 else -1, 100, n * 30 * m, (n * 30 + 5) * m, n, (n % 5 - 1) * 12345678, 1000) for n in range(1, 10001)))
db.commit()`, join(t.world.data, "journal.db")]);
    const page = await t.page({ who: ada, path: "/trades" });
    await page.getByText("10,000 rows", { exact: false }).waitFor();
    const tile = (name) => page.locator(".stat", { has: page.getByText(name, { exact: true }) }).locator(".value");
    assert.equal(await tile("Trades").innerText(), "10,000");
    const want = Array.from({ length: 10000 }, (_, i) => BigInt(((i + 1) % 5) - 1) * 12345678n).reduce((a, b) => a + b, 0n);
    assert.equal((await tile("P&L").innerText()).replace(/[^\d.]/g, ""), (Number(want) / 1e8).toFixed(2));
    const table = page.getByRole("table", { name: "Trades" }), box = page.locator(".table-wrap");
    assert.ok((await table.getByRole("row").count()) < 100, "only what is seen is drawn");
    await t.look(page, "trades");

    // From end to end while frames are counted: no single one may hold the page up.
    const held = await box.evaluate(async (e) => {
      let worst = 0, last = performance.now();
      for (let i = 0; i <= 60; i++) {
        e.scrollTop = (e.scrollHeight * i) / 60;
        await new Promise((go) => requestAnimationFrame(go));
        const now = performance.now();
        worst = Math.max(worst, now - last);
        last = now;
      }
      return worst;
    });
    console.log(`# scrolling through 10,000 rows: the longest frame took ${held.toFixed(0)} ms`);
    await table.getByText("01 Jan 1970, 00:35:00").waitFor();
    const begun = Date.now();
    await table.getByRole("button", { name: "P&L" }).click();
    await page.waitForFunction(() => document.querySelector('th[aria-sort]')?.textContent?.includes("P&L"));
    console.log(`# sorting 10,000 rows by an exact decimal: ${Date.now() - begun} ms`);
    await page.getByLabel("Side").selectOption("short");
    await page.getByText("5,000 rows", { exact: false }).waitFor();
    assert.match(page.url(), /side=short/);
    await page.getByLabel("Result").selectOption("win");
    await page.waitForFunction(() => [...document.querySelectorAll(".stat")].some((s) => s.textContent?.includes("Won") && s.textContent.includes("100.0 %")));
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByText("10,000 rows", { exact: false }).waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()]);
    assert.equal(readFileSync(await file.path(), "utf8").trim().split("\r\n").length, 10001);
    await table.locator("tbody tr").nth(3).locator("td").nth(2).click();
    await page.getByRole("dialog").getByText("Worst on the way").waitFor();
    await see(t, page, "trade-detail", { full: false });

    await page.goto("/analytics?by=strategy");
    await page.getByRole("table", { name: "By strategy" }).getByRole("link", { name: "turns" }).waitFor();
    await t.look(page, "analytics");
  },
};
