// A terminal of MetaTrader as an account: made with keys that are shown once, seen when it comes, what it is handed and what became of that.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { guarded, until } from "./people.mjs";
import { Terminal } from "./terminal.mjs";

export const feeds = ["mt5-ea=sim:speed=300"];

const HOLD = `strategy{ name="hold", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.done then ctx.state.done = true ctx:buy{qty=0.02, tag="once"} end
end
function on_order(ctx, e)
  if e.status == "REJECTED" then ctx.state.done = false end -- the first bar may be here before the terminal is
end
`;

export const cases = {
  "a terminal: its keys once, connected, an order under way, unknown and done; new keys end the old; signals; deleted": async (t) => {
    const { who, page } = await guarded(t, "meta");
    await who.post("/subscriptions/upgrade", { plan: "enterprise" });
    const strategy = await who.post("/strategies", { name: "hold", source: HOLD, activate: true }), hook = await who.post("/hooks", { name: "From the chart" }, 201);
    await page.goto("/accounts");
    await page.getByRole("button", { name: "Add account" }).first().click();
    await page.getByRole("dialog").getByText("MetaTrader", { exact: true }).click();
    await page.getByRole("dialog").getByLabel("Name").fill("My MT5");
    await page.getByText("Nothing has to reach your computer").waitFor();
    await t.look(page, "terminal-new", { full: false });
    await page.getByRole("dialog").getByRole("button", { name: "Connect" }).click();
    const url = new URL(await page.getByTestId("ea-url").innerText()), secret = await page.getByTestId("ea-secret").innerText();
    assert.match(url.pathname, /^\/api\/v1\/ea\/[\w-]{43}$/);
    await t.look(page, "terminal-keys", { full: false });
    await page.getByRole("button", { name: "I have kept them" }).click();
    await page.getByText("Never came").waitFor();
    const fetched = page.waitForEvent("download");
    await page.getByRole("button", { name: "PerigeeBridge.mq5" }).click();
    assert.equal(readFileSync(await (await fetched).path(), "utf8"), readFileSync(new URL("../../examples/metatrader/PerigeeBridge.mq5", import.meta.url), "utf8"));
    await t.look(page, "terminal-never");

    const terminal = new Terminal(t.url, { path: url.pathname, secret });
    await terminal.hello();
    terminal.start();
    t.ends.push(() => terminal.stop());
    await page.getByText("Connected", { exact: true }).waitFor();
    await page.getByText("70012345").waitFor();
    await page.getByText("50,012.50").waitFor();

    // An order: handed out; begun, and nobody knows; done after all.
    const account = (await who.get("/accounts")).items.find((a) => a.venue === "mt5-ea");
    await until("it is proven", async () => (await who.get(`/strategies/${strategy.id}`)).active_version);
    const bot = await who.post("/bots", { name: "On the chart", account_id: account.id, strategy_id: strategy.id, venue: "mt5-ea", symbol: "BTCUSDT", timeframe: "1m", settings: { cash: "5000" }, start: true });
    const order = page.getByRole("table", { name: "Commands" }).getByRole("row").filter({ hasText: "buy 0.02 BTCUSDT market" });
    await order.getByText("Under way", { exact: true }).waitFor();
    const command = terminal.got.find((c) => c.do === "place");
    terminal.told = "unsure";
    terminal.results.push({ id: command.id, said: "unsure" });
    await order.getByText("Unknown", { exact: true }).waitFor();
    await page.getByText("1 unknown").waitFor();
    await t.look(page, "terminal-unknown");
    terminal.results.push({ id: command.id, said: "done", ticket: terminal.executed(command, "60000.5") });
    await order.getByText("Done", { exact: true }).waitFor();
    await page.getByText("0 unknown").waitFor();
    await page.getByRole("table", { name: "Positions in the terminal" }).getByRole("row", { name: /BTCUSDT/ }).getByText("0.02").waitFor();
    await until("the bot holds it", async () => Number((await who.get(`/bots/${bot.id}`)).live?.positions?.[0]?.qty) === 0.02);

    // Its signals.
    await page.getByLabel("Go to the hook").selectOption({ label: "From the chart" });
    await page.getByText("Its signals go there from now on").waitFor();
    await terminal.stop();
    await terminal.request("signals", { id: "s1", symbol: "BTCUSDT", action: "buy" });
    assert.equal((await who.get(`/hooks/${hook.id}/deliveries`)).items.length, 1);

    // Other keys: the present ones are nobody's.
    await page.getByRole("button", { name: "New keys" }).click();
    await page.getByRole("button", { name: "Make new keys" }).click();
    const fresh = { path: new URL(await page.getByTestId("ea-url").innerText()).pathname, secret: await page.getByTestId("ea-secret").innerText() };
    await page.getByRole("button", { name: "I have kept them" }).click();
    await assert.rejects(terminal.poll(), { status: 404 });
    const other = Object.assign(new Terminal(t.url, fresh), { orders: terminal.orders, deals: terminal.deals, positions: terminal.positions });
    await other.hello();
    await other.poll();
    await t.look(page, "terminal");

    await who.post(`/bots/${bot.id}/stop`);
    await until("it has stopped", async () => (await who.get(`/bots/${bot.id}`)).state === "stopped");
    await who.call("DELETE", `/bots/${bot.id}`);
    t.expect(/404.*\/ea\b/); // the page may ask once more before it is left
    await page.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete account" }).click();
    await page.waitForURL(/\/accounts$/);
    await assert.rejects(other.poll(), { status: 404 });
  },
};
