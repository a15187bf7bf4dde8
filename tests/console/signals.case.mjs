// Signals: a hook made, an alert as TradingView sends it, what bots did with it and why; forged ones; mappings; rules of one's own.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { trader } from "./bots.case.mjs";
import { machine, staff, until } from "./people.mjs";

const FOLLOWS = `strategy{ name="Follows", api=1, about="Buys what a signal says.", params={ share=num{1,min=0.1,max=10,label="Share of the signal's size",live=true} } }
function on_bar(ctx, bar) end
function on_signal(ctx, s)
  ctx:log("info", "heard", s.action, s.symbol, tostring(s.size))
  if s.action == "buy" then ctx:buy{qty=(s.size or 0.01) * ctx.p.share, tag="followed"} elseif s.action == "close" then ctx:close{tag="left"} end
end
`;
const RULE = (limit) => `rule{ name="House limit", api=1, about="Sizes above a limit are refused.", settings={ most={default=${limit}, min=0.0, max=100.0, about="Largest size that passes"} } }
function on_signal(s, env)
  if s.size and s.size > env.settings.most then return {accept=false, score=env.settings.most / s.size, reason=string.format("size %g is too much", s.size)} end
  return {accept=true, score=1}
end
`;
const code = (page) => page.locator(".code .cm-content");

// A picture for whoever asked for pictures; what is like another page is not checked for faults in every run.
const glance = (t, page, name, options) => (t.world.shots ? t.look(page, name, options) : undefined);

async function write(page, text) {
  await code(page).click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
}

// One that scores, and one that never ends.
const SCORES = `rule{ name="Desk score", api=1, about="How much the desk likes it." }
function on_signal(s, env) return {accept=true, score=s.action == "buy" and 0.75 or 0.25} end
`;
const SPINS = `rule{ name="Spins", api=1, about="Thinks for ever." }
function on_signal(s, env) while true do end end
`;

async function follower(who, account, name, symbol = "BTCUSDT") {
  const strategy = (await who.get("/strategies")).items[0] ?? (await who.post("/strategies", { name: "Follows", source: FOLLOWS, activate: true }));
  for (let i = 0; i < 300 && !(await who.get(`/strategies/${strategy.id}`)).active_version; i++) await new Promise((done) => setTimeout(done, 100));
  return who.post("/bots", { name, account_id: account.id, strategy_id: strategy.id, venue: "sim", symbol, timeframe: "1m", settings: { cash: "20000" }, start: true });
}

/** Posts as somebody outside does; returns the status. */
async function post(t, path, body, headers = {}) {
  const answer = await fetch(t.url + path, { method: "POST", headers: { "Content-Type": "text/plain", ...headers }, body: typeof body === "string" ? body : JSON.stringify(body) });
  return answer.status;
}
const row = (page, text) => page.getByRole("table", { name: "Deliveries" }).getByRole("row").filter({ hasText: text });

/** What TradingView makes of an alert's message. */
const filled = (text, words) => text.replace(/\{\{([^}]+)\}\}/g, (all, name) => words[name] ?? "");

export const cases = {
  "a hook is made, a tradingview alert becomes a bot's order, and the order says why": async (t) => {
    const { who, account } = await trader(t);
    const bot = await follower(who, account, "Follows Bitcoin");
    const page = await t.page({ who, permissions: ["clipboard-read", "clipboard-write"] });
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Signals" }).click();
    await page.getByText("No hooks yet").waitFor();
    await glance(t, page, "signals-empty");
    await page.getByRole("button", { name: "Make a hook" }).click();
    await page.getByLabel("Name").fill("TradingView desk");
    await glance(t, page, "signals-new", { full: false });
    await page.getByRole("button", { name: "Make the hook" }).click();
    const url = await page.getByTestId("hook-url").innerText(), message = await page.getByTestId("alert").innerText();
    assert.match(url, /^http.*\/api\/v1\/hooks\/[\w-]{43}$/);
    assert.equal(JSON.parse(message).secret, await page.getByTestId("hook-secret").innerText());
    await page.getByRole("button", { name: "Copy address" }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), url);
    await t.look(page, "signals-token", { full: false });
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.waitForURL(/\/signals\/hooks\/hok_/);
    await page.getByText("Nothing was posted yet").waitFor();
    await page.getByRole("button", { name: "Choose bots" }).first().click();
    await page.getByRole("button", { name: "Add bots" }).click();
    await page.getByRole("dialog").getByLabel("Follows Bitcoin").check();
    await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
    const listening = page.getByRole("table", { name: "Bots that listen" }).getByRole("row", { name: /Follows Bitcoin/ });
    await listening.getByText("Share of the signal's size").waitFor();
    await listening.getByText("Running", { exact: true }).waitFor();

    // Its sizing, changed here.
    await listening.getByRole("button", { name: /change/ }).click();
    await page.getByRole("dialog").getByLabel("Share of the signal's size").fill("2");
    await page.getByRole("dialog").getByRole("button", { name: "Change", exact: true }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await listening.getByText("2", { exact: true }).waitFor();
    await t.look(page, "signals-bots");

    await page.getByRole("tab", { name: "Deliveries" }).click();
    const words = { ticker: "BTCUSDT", "strategy.order.action": "buy", "strategy.order.contracts": "0.01", "strategy.order.price": "43000", "strategy.order.id": "Long", timenow: "2026-03-30T07:00:00Z" };
    const path = new URL(url).pathname;
    assert.equal(await post(t, path, filled(message, words)), 200);
    await row(page, "buy 0.01 BTCUSDT").getByText("Passed").waitFor();
    assert.equal(await post(t, path, filled(message, words)), 200); // again: not acted upon
    await page.getByRole("table", { name: "Deliveries" }).getByText("Duplicate").waitFor();
    assert.equal(await post(t, path, filled(message, { ...words, ticker: "ETHUSDT" }).replace(/"secret": "[^"]+"/, '"secret": "guessed it"')), 403);
    await page.getByRole("table", { name: "Deliveries" }).getByText("Turned away").waitFor();
    await t.look(page, "signals-deliveries");
    await row(page, "Passed").getByRole("button", { name: /buy 0.01 BTCUSDT/ }).click();
    const drawer = page.getByRole("dialog");
    await drawer.getByText("heard", { exact: true }).waitFor();
    assert.doesNotMatch(await drawer.innerText(), new RegExp(JSON.parse(message).secret)); // cut out before it was kept
    const order = drawer.getByRole("link", { name: /submit .*buy 0.02 BTCUSDT/ });
    await order.waitFor();
    await t.look(page, "signals-delivery", { full: false });
    await order.click();
    await page.waitForURL(new RegExp(`/bots/${bot.id}\\?why=`));
    const why = page.getByRole("dialog");
    await why.getByText("Made again: it decided exactly as recorded").waitFor();
    await why.getByText(/a signal came, and on_signal asked for it in line 5/).waitFor();
    await glance(t, page, "signals-why", { full: false });

    await page.goto("/signals");
    await page.getByRole("row", { name: /TradingView desk/ }).getByText("1 passed, 1 turned away, 1 other").waitFor();
    await t.look(page, "signals");
    await page.getByRole("button", { name: "Pause TradingView desk" }).click();
    await page.getByText("TradingView desk is paused").waitFor();
    assert.equal(await post(t, path, "buy BTCUSDT"), 409);

    t.expect(/404/);
    const eve = await t.person("eve"), other = await t.page({ who: eve });
    await other.goto(page.url().replace(/signals.*/, `signals/hooks/${(await who.get("/hooks")).items[0].id}`));
    await other.getByText("This hook cannot be shown").waitFor();
  },

  "a forged signature is turned away and seen, a true one passes; a new address ends the old; deleted": async (t) => {
    const who = await t.person("signer"), hook = await who.post("/hooks", { name: "Signed" }, 201);
    const page = await t.page({ who, path: `/signals/hooks/${hook.id}?tab=access` });
    const panel = page.locator("form").filter({ hasText: "For senders that can sign" });
    await panel.getByRole("button", { name: "Make one" }).click();
    const secret = await panel.getByLabel("Secret").inputValue();
    assert.match(secret, /^whsec_/);
    await panel.getByRole("button", { name: "Ask for it" }).click();
    await panel.getByText("asked for", { exact: true }).waitFor();
    await page.getByLabel("Acted upon within").fill("0");
    await page.getByText("A whole number, 1 to 86400.").waitFor();
    await page.getByLabel("Acted upon within").fill("30");
    await page.getByLabel("Only from these addresses").fill("127.0.0.0/8\nnowhere");
    t.expect(/422/);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText(/nowhere is no address/).waitFor();
    await t.look(page, "signals-access");
    await page.getByRole("button", { name: "Add TradingView's" }).click();
    assert.match(await page.getByLabel("Only from these addresses").inputValue(), /^127\.0\.0\.0\/8\nnowhere\n52\.89\.214\.238\n.*\n52\.32\.178\.7$/s);
    await page.getByLabel("Only from these addresses").fill("127.0.0.0/8 ::1/128");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved", { exact: true }).waitFor();

    const body = JSON.stringify({ symbol: "BTCUSDT", action: "sell", size: 0.5 }), stamp = String(Math.floor(Date.now() / 1000));
    const sign = (key, id) => ({ "webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": `v1,${createHmac("sha256", key).update(`${id}.${stamp}.${body}`).digest("base64")}` });
    const key = Buffer.from(secret.slice(6), "base64");
    await page.getByRole("tab", { name: "Deliveries" }).click();
    assert.equal(await post(t, hook.path, body, sign(Buffer.from("not the key"), "msg_1")), 403);
    await page.getByRole("table", { name: "Deliveries" }).getByText("Turned away").waitFor();
    await page.getByRole("button", { name: /^unreadable/ }).click();
    assert.match(await page.getByRole("dialog").innerText(), /signature/);
    await glance(t, page, "signals-forged", { full: false });
    await page.keyboard.press("Escape");
    assert.equal(await post(t, hook.path, body, sign(key, "msg_1")), 200);
    await row(page, "sell 0.5 BTCUSDT").getByText("Passed").waitFor();

    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "New address" }).click();
    await page.getByRole("button", { name: "Make a new address" }).click();
    const fresh = new URL(await page.getByTestId("hook-url").innerText()).pathname;
    assert.equal(await post(t, hook.path, body, sign(key, "msg_2")), 404);
    assert.equal(await post(t, fresh, body, sign(key, "msg_2")), 200);
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("No hooks yet").waitFor();
    assert.equal((await who.get("/hooks")).items.length, 0);
  },

  "a mapping shows as it is typed what a message becomes": async (t) => {
    const who = await t.person("mapper"), hook = await who.post("/hooks", { name: "Other names" }, 201);
    const page = await t.page({ who, path: `/signals/hooks/${hook.id}` });
    await page.getByRole("button", { name: "Test", exact: true }).click();
    const becomes = page.getByRole("region", { name: "What it becomes" });
    await becomes.getByText("BTCUSDT").waitFor(); // the sample
    await page.getByLabel("As the sender posts it").fill('{"data": {"pair": "ETHUSDT", "orders": [{"way": "BUY", "lots": "lots"}]}}');
    await becomes.getByText("No field of a signal was found in it.").waitFor();
    await page.getByRole("button", { name: "A mapping" }).click();
    await page.getByLabel("symbol", { exact: true }).fill("data.pair");
    await becomes.getByText("ETHUSDT").waitFor();
    await page.getByLabel("action", { exact: true }).fill("data.orders.0.way");
    await becomes.getByText("buy", { exact: true }).waitFor();
    await page.getByLabel("size", { exact: true }).fill("data.orders.0.lots");
    await becomes.getByText(/size: 'lots' is no number/).waitFor();
    t.expect(/422/);
    await page.getByLabel("size", { exact: true }).fill("data..lots");
    await page.getByText("'data..lots' is no path").waitFor();
    await page.getByLabel("size", { exact: true }).fill("=0.25");
    await becomes.getByText("0.25").waitFor();
    await page.getByRole("button", { name: "Ask the rules" }).click();
    await page.getByText("It would pass").waitFor();
    await t.look(page, "signals-message");
    await page.getByRole("button", { name: "Save the mapping" }).click();
    await page.getByText("Messages are read this way from now on").waitFor();
    assert.deepEqual((await who.get(`/hooks/${hook.id}`)).settings, { mapping: { symbol: "data.pair", action: "data.orders.0.way", size: "=0.25" } });
    assert.equal((await who.get(`/hooks/${hook.id}/deliveries`)).items.length, 0); // nothing was acted upon
  },

  "a rule of one's own: written, tried on yesterday, asked, edited, and the verdict changes": async (t) => {
    const { who } = await trader(t, "judge");
    const hook = await who.post("/hooks", { name: "Judged" }, 201);
    for (const size of [1, 3, 7]) assert.equal(await post(t, hook.path, `buy BTCUSDT ${size}`), 200);
    t.expect(/Applying inline style/); // Chrome's own, of what is typed over a selection; the editor takes it away
    const page = await t.page({ who, path: "/signals/rules" });
    await page.getByText("No rules of your own").waitFor();
    await glance(t, page, "rules-empty");
    await page.getByRole("button", { name: "New rule" }).click();
    await page.getByLabel("Name").fill("house limit");
    await page.getByRole("button", { name: "Begin" }).click();
    await page.waitForURL(/\/signals\/rules\/house_limit$/);
    await page.getByText("No errors found").waitFor();
    await write(page, RULE("5.0").replace("function on_signal", "function on_signl"));
    await page.getByText("One error").waitFor();
    await page.getByRole("button", { name: /is 'on_signl' meant/ }).waitFor();
    await glance(t, page, "rule-error");
    await write(page, RULE("5.0"));
    await page.getByText("No errors found").waitFor();
    await page.getByRole("complementary").getByText("House limit").waitFor();
    await page.getByRole("button", { name: "Try on the last day's signals" }).click();
    await page.getByText("2 of 3 would pass; 3 did. 1 verdict would be another.").waitFor();
    assert.equal((await who.get("/rules/house_limit")).latest_version, 1); // nothing is stored
    await page.getByRole("button", { name: "Save version" }).click();
    await page.getByLabel("What changed").fill("five");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Version 2 active", { exact: true }).waitFor();
    await glance(t, page, "rule");

    await page.goto(`/signals/hooks/${hook.id}?tab=rules`);
    await page.getByText("No rules", { exact: true }).waitFor();
    await page.getByLabel("Rule", { exact: true }).selectOption({ label: "House limit (mine)" });
    await page.getByRole("button", { name: "Add rule" }).click();
    await page.getByLabel("Rule", { exact: true }).selectOption("symbol_map");
    await page.getByRole("button", { name: "Add rule" }).click();
    await page.getByRole("button", { name: "Ask Symbol mapping earlier" }).click();
    await page.getByLabel("map", { exact: true }).fill("BTCUSDT = BTCPERP\nnonsense");
    await page.getByText(/line 2: two names/).waitFor();
    await page.getByLabel("map", { exact: true }).fill("XBT = BTCUSDT");
    await page.getByLabel("Most", { exact: true }).fill("101");
    await page.getByText("Must be at most 100").waitFor();
    await page.getByLabel("Most", { exact: true }).fill("2");
    await page.getByRole("button", { name: "Try on the last day's signals" }).click();
    await page.getByText("1 of 3 would pass; 3 did. 2 verdicts would be another.").waitFor();
    await page.getByRole("table", { name: "Verdicts" }).getByText("house_limit: size 7 is too much").waitFor();
    await t.look(page, "signals-rules");
    await page.getByLabel("Most", { exact: true }).fill("5");
    await page.getByRole("button", { name: "Save the rules" }).click();
    await page.getByText("Rules saved").waitFor();
    assert.deepEqual((await who.get(`/hooks/${hook.id}`)).settings.stages, [{ rule: "symbol_map", settings: { map: { XBT: "BTCUSDT" } } }, { rule: "house_limit" }]);

    await page.getByRole("tab", { name: "Deliveries" }).click();
    await post(t, hook.path, "buy XBT 6");
    await row(page, "buy 6 BTCUSDT").getByText("Rejected").waitFor();
    await row(page, "buy 6 BTCUSDT").getByText("house_limit: size 6 is too much").waitFor();
    await row(page, "buy 6 BTCUSDT").getByRole("button").click();
    await page.getByRole("dialog").getByText("XBT is BTCUSDT").waitFor();
    await page.getByRole("dialog").getByText("score 0.833").waitFor();
    await glance(t, page, "signals-rejected", { full: false });
    await page.keyboard.press("Escape");

    // The last hundred, each with its verdict and why; older ones are not listed.
    for (let i = 0; i < 20; i++) await Promise.all([0, 1, 2, 3, 4].map((k) => until("it is taken", async () => (await post(t, hook.path, `sell XBT ${i * 5 + k + 10}.5`)) === 200)));
    await page.getByText("0 passed, 100 rejected").waitFor();
    await page.getByText("100 rows").waitFor();
    assert.equal(await row(page, "house_limit: size").filter({ hasText: "Rejected" }).count(), 25);
    await page.getByLabel("Search deliveries").fill("size 57.5 is");
    await row(page, "sell 57.5 BTCUSDT").getByText("house_limit: size 57.5 is too much").waitFor();
    assert.equal(await row(page, "house_limit: size").count(), 1); // also where milliseconds of others have a 57 in them

    await page.goto("/signals/rules/house_limit");
    await page.getByText("No errors found").waitFor();
    await write(page, RULE("9.0"));
    await page.getByRole("button", { name: "Save version" }).click();
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Version 3 active", { exact: true }).waitFor();
    await post(t, hook.path, "buy XBT 6.5");
    await page.goto(`/signals/hooks/${hook.id}`);
    await row(page, "buy 6.5 BTCUSDT").getByText("Passed").waitFor();
    await page.goto("/signals/rules/house_limit?tab=versions");
    await page.locator(".diff .cm-changedLine").first().waitFor();
    await glance(t, page, "rule-versions");
    await page.getByRole("listitem").filter({ hasText: "Version 2" }).getByRole("button", { name: "Activate" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Activate" }).click();
    await page.getByText("Version 2 active", { exact: true }).waitFor();
    await page.goto("/signals/rules");
    await page.getByRole("row", { name: /House limit/ }).waitFor();
    await glance(t, page, "rules");
  },

  "a telegram chat is linked by its code, and what is written there is a signal": async (t) => {
    const who = await t.person("writer"), hook = await who.post("/hooks", { name: "From my phone" }, 201);
    const page = await t.page({ who, path: "/signals" });
    await page.getByText("No chat is linked").waitFor();
    await page.getByRole("button", { name: "Link a chat" }).click();
    await page.getByLabel("Other messages go to").selectOption({ label: "From my phone" });
    await page.getByRole("button", { name: "Make a code" }).click();
    t.world.say(777001, await page.getByTestId("link-code").innerText());
    const chats = page.getByRole("table", { name: "Telegram chats" });
    await chats.getByRole("cell", { name: "From my phone" }).waitFor();
    t.world.say(777001, "buy BTCUSDT 0.03");
    await page.getByRole("table", { name: "Hooks" }).getByText("1 passed").waitFor();
    assert.equal((await who.get(`/hooks/${hook.id}/deliveries`)).items[0].signal.size, 0.03);
    await t.look(page, "signals-chats");
    await chats.getByRole("button", { name: /no more/ }).click();
    await page.getByRole("button", { name: "Link it no more" }).click();
    await page.getByText("No chat is linked").waitFor();
  },

  "a hook that an operator shares: routed by symbol, drawn by lot within its cap, sized by each bot": async (t) => {
    const { page: desk } = await staff(t, "admin", true, { path: "/admin/login" });
    await desk.goto("/signals");
    await desk.getByRole("button", { name: "Make a hook" }).click();
    await desk.getByLabel("Name").fill("House desk");
    await desk.getByLabel("Messages must hold a secret").uncheck();
    await desk.getByRole("button", { name: "Make the hook" }).click();
    const path = new URL(await desk.getByTestId("hook-url").innerText()).pathname;
    await desk.getByRole("button", { name: "I have kept it" }).click();
    await desk.getByRole("button", { name: "More actions" }).click();
    await desk.getByRole("menuitem", { name: "Share with everybody" }).click();
    await glance(t, desk, "signals-share", { full: false });
    await desk.getByRole("alertdialog").getByRole("button", { name: "Share it" }).click();
    await desk.getByText("shared with everybody").waitFor();
    await desk.getByRole("tab", { name: "Bots" }).click();
    await desk.getByRole("button", { name: "Those of its symbol" }).click();
    await desk.getByLabel("At most so many bots").fill("1");
    await desk.getByLabel("At most so much together").fill("0.5");
    await desk.getByRole("button", { name: "Save", exact: true }).click();
    await desk.getByText("Saved", { exact: true }).waitFor();

    const { who, account } = await trader(t, "shares");
    const bots = [await follower(who, account, "One on Bitcoin"), await follower(who, account, "Two on Bitcoin"), await follower(who, account, "One on Ether", "ETHUSDT")];
    await until("they run", async () => (await who.get("/bots")).items.every((b) => b.state === "running"));
    const page = await t.page({ who, path: "/signals" });
    await page.getByRole("table", { name: "Hooks of others" }).getByRole("row", { name: /House desk/ }).getByRole("button", { name: "Choose bots" }).click();
    const dialog = page.getByRole("dialog").first();
    await dialog.getByRole("button", { name: "Add bots" }).click();
    const picking = page.getByRole("dialog").last();
    for (const name of ["One on Bitcoin", "Two on Bitcoin", "One on Ether"]) await picking.getByLabel(name).check();
    await picking.getByRole("button", { name: "Add 3 bots" }).click();
    const ether = dialog.getByRole("row", { name: /One on Ether/ });
    await ether.getByRole("button", { name: /change/ }).click();
    await page.getByRole("dialog").last().getByLabel("Share of the signal's size").fill("3");
    await page.getByRole("dialog").last().getByRole("button", { name: "Change", exact: true }).click();
    await ether.getByText("3", { exact: true }).waitFor();
    await t.look(page, "signals-shared", { full: false });

    // Of its symbol, as large as this bot takes it; of two that listen one; nothing above the cap of sizes.
    const heard = (bot) => who.get(`/bots/${bot.id}/logs?limit=50`).then((l) => l.items.filter((x) => x.text.startsWith("heard")).length);
    assert.equal(await post(t, path, "buy ETHUSDT 0.02"), 200);
    await until("Ether heard it", () => heard(bots[2]));
    assert.equal((await until("its order", async () => (await who.get(`/bots/${bots[2].id}/orders`)).items[0])).qty, "0.06");
    for (let i = 0; i < 3; i++) assert.equal(await post(t, path, `sell BTCUSDT 0.1 id=s${i}`), 200);
    assert.equal(await post(t, path, "buy BTCUSDT 0.9"), 200);
    const rows = desk.getByRole("table", { name: "Deliveries" }).getByRole("row");
    await desk.getByRole("tab", { name: "Deliveries" }).click();
    await rows.filter({ hasText: "buy 0.9 BTCUSDT" }).waitFor();
    await until("each of the three was heard by one", async () => (await heard(bots[0])) + (await heard(bots[1])) >= 3);
    assert.equal((await heard(bots[0])) + (await heard(bots[1])), 3);
    assert.equal(await heard(bots[2]), 1);
    await t.look(desk, "signals-shared-deliveries");
    await rows.filter({ hasText: "buy 0.02 ETHUSDT" }).getByRole("button").click();
    await desk.getByRole("dialog").getByText("a bot of somebody else").waitFor();
    await desk.goto("/signals");
    await desk.getByRole("link", { name: "House desk" }).click();
    await desk.getByRole("button", { name: "More actions" }).click();
    await desk.getByRole("menuitem", { name: "Delete" }).click();
    await desk.getByRole("button", { name: "Delete it" }).click();
    await desk.getByText("No hooks yet").waitFor();
  },

  "operators see what was posted to whom and why, set rules that all signals pass first, and release one that was held": async (t) => {
    const who = await t.person("posted"), hook = await who.post("/hooks", { name: "Somebody's hook" }, 201);
    for (const body of ["buy BTCUSDT 1", { symbol: "BTCUSDT", size: "lots" }]) await post(t, hook.path, body);
    const { page } = await staff(t, "admin");
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Signals" }).click();
    const rows = page.getByRole("table", { name: "Deliveries" }).getByRole("row").filter({ hasText: "Somebody's hook" });
    await rows.nth(1).waitFor();
    await page.getByLabel("Verdict").selectOption("refused");
    await rows.filter({ hasText: "Passed" }).waitFor({ state: "detached" });
    await rows.getByText(/size: 'lots' is no number/).waitFor();
    await rows.getByRole("button", { name: /^posted-/ }).click();
    await page.getByRole("button", { name: "Of everybody" }).waitFor();
    await t.look(page, "op-signals");

    // A stage for everybody, and its score with each signal from then on.
    const script = await machine(t, "POST", "/admin/scripts", { kind: "rule", name: "desk_score", source: SCORES });
    await machine(t, "POST", `/admin/scripts/${script.id}/versions/1/activate`);
    await page.getByRole("tab", { name: "Rules of all hooks" }).click();
    await page.getByText("Asked about every signal of every customer").waitFor();
    await page.getByLabel("Rule", { exact: true }).selectOption("desk_score");
    await page.getByRole("button", { name: "Add rule" }).click();
    t.ends.push(() => machine(t, "PUT", "/admin/signals/stages", { stages: [] }));
    await page.getByRole("button", { name: "Save for everybody" }).click();
    await page.getByText("Saved for all hooks of all customers").waitFor();
    await t.look(page, "op-rules");
    await post(t, hook.path, "buy BTCUSDT 2");
    await page.getByRole("tab", { name: "Deliveries" }).click();
    await page.getByLabel("Verdict").selectOption("");
    await rows.first().getByText("desk_score 0.75").waitFor();
    const hers = await t.page({ who, path: `/signals/hooks/${hook.id}` });
    await row(hers, "buy 2 BTCUSDT").getByText("0.75").waitFor();

    // Eight times its budget: held until an operator lets it go.
    await who.post("/rules", { name: "spins", source: SPINS, activate: true }, 201);
    await who.call("PATCH", `/hooks/${hook.id}`, { settings: { stages: [{ rule: "spins" }] } });
    for (let i = 0; i < 8; i++) await post(t, hook.path, `sell BTCUSDT ${i + 1}`);
    await until("it is held", async () => (await who.get("/rules/spins")).held);
    await hers.goto("/signals/rules/spins");
    await hers.getByText("It is in quarantine").waitFor();
    await glance(t, hers, "rule-held");
    await page.getByRole("tab", { name: "Rules in quarantine" }).click();
    const held = page.getByRole("table", { name: "Rules in quarantine" }).getByRole("row", { name: /spins/ });
    await held.getByText(/its budgets had to stop it/).waitFor();
    await t.look(page, "op-held");
    await held.getByRole("button", { name: "Release" }).click();
    await page.getByText("spins is asked again").waitFor();
    await held.waitFor({ state: "detached" });
    await hers.reload();
    await hers.getByText("Version 1 active").waitFor();
    assert.equal(await hers.getByText("It is in quarantine").count(), 0);
  },
};
