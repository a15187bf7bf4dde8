// Bots: the list and a bot's page as they change, and "why?" of what was decided.
import assert from "node:assert/strict";

// Every third bar it asks for something; two parameters may change while it runs; one order a day is denied by its own limit.
const STEADY = `strategy{ name="Steady hand", api=1, about="Buys and sells in turn, to be looked at.",
  params={ every=int{3,min=2,max=50,label="Bars between orders",live=true}, size=num{0.01,min=0.001,max=1,label="Size",group="Orders",live=true}, slow=int{9,min=2,max=50,label="Slow line",group="Lines"} },
  ind={ fast={"sma",3}, slow={"sma","slow"} } }
function on_bar(ctx, bar)
  local n = (ctx.state.n or 0) + 1
  ctx.state.n = n
  ctx:plot("fast", ctx.ind.fast[0])
  ctx:plot("gap", ctx.ind.fast[0] - ctx.ind.slow[0])
  if n % ctx.p.every ~= 0 then return end
  local above = bar.close > ctx.ind.slow[0]
  if n % (ctx.p.every * 4) == 0 then ctx:buy{qty=900, tag="too much"} end
  if ctx.pos.flat then
    ctx:buy{qty=ctx.p.size, tag=above and "above" or "below"}
  else
    ctx:log("info", "closing after ", n, " bars")
    ctx:close{tag="turn"}
  end
end
`;

export async function trader(t, name = "ada") {
  const who = await t.person(name);
  await who.post("/subscriptions/upgrade", { plan: (await who.get("/subscriptions/plans")).items.at(-1).id });
  const account = await who.post("/accounts", { venue: "paper", name: "Paper", settings: { balance: "100000", currency: "USDT" } });
  return { who, account };
}

async function bot(who, account, more = {}) {
  const strategy = await who.post("/strategies", { name: "Steady hand", source: STEADY, activate: true });
  for (let i = 0; i < 300; i++) {
    if ((await who.get(`/strategies/${strategy.id}`)).active_version) break;
    await new Promise((done) => setTimeout(done, 100));
  }
  return who.post("/bots", { name: "Steady on Bitcoin", account_id: account.id, strategy_id: strategy.id, venue: "sim", symbol: "BTCUSDT", timeframe: "1m", settings: { max_order: "20000" }, start: true, ...more });
}

export const cases = {
  "no bots, then one that trades, paused and started, and every order says why": async (t) => {
    const { who, account } = await trader(t);
    const page = await t.page({ who });
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Bots" }).click();
    await page.getByText("No bots yet").waitFor();
    await t.look(page, "bots-empty");

    const b = await bot(who, account);
    await page.reload();
    const row = page.getByRole("row").filter({ hasText: "Steady on Bitcoin" });
    await row.getByText("Running", { exact: true }).waitFor();
    const equity = () => row.locator('[data-label="Equity"]').innerText();
    const before = await equity();
    await page.waitForFunction((was) => document.querySelector('[data-label="Equity"]')?.innerText !== was && !/–/.test(document.querySelector('[data-label="Equity"]')?.innerText), before);
    await row.getByRole("button", { name: "Pause Steady on Bitcoin" }).click();
    await row.getByText("Paused", { exact: true }).waitFor();
    await row.getByRole("button", { name: "Start Steady on Bitcoin" }).click();
    await row.getByText("Running", { exact: true }).waitFor();
    await t.look(page, "bots");

    await row.getByRole("link").click();
    await page.waitForURL(new RegExp(`/bots/${b.id}$`));
    await page.getByRole("heading", { level: 1 }).getByText("Steady on Bitcoin").waitFor();
    await page.locator("canvas").first().waitFor();
    const orders = page.getByRole("table", { name: "Orders" });
    await orders.getByText("filled").first().waitFor();
    await t.look(page, "bot-orders");

    // Why an order: the answer, the inputs, the steps through its text, its memory before and after.
    await orders.getByRole("row").filter({ hasText: "turn" }).filter({ hasText: "filled" }).first().getByRole("button", { name: /why/ }).click();
    const why = page.getByRole("dialog");
    await why.getByText("Made again: it decided exactly as recorded").waitFor();
    await why.getByText("ctx:close{tag=\"turn\"}").waitFor();
    await why.getByText(/on_bar asked for it in line 16/).waitFor();
    assert.match(await why.getByRole("row", { name: /^n /, exact: false }).innerText(), /n\s+\d+\s+\d+/);
    const step = why.getByRole("slider", { name: "Step" });
    const last = await step.inputValue();
    await why.getByRole("button", { name: "Step back" }).click();
    assert.equal(Number(await step.inputValue()), Number(last) - 1);
    assert.match(await why.getByRole("region", { name: "Variables before this line" }).innerText(), /above\s+(true|false)/);
    await t.look(page, "bot-why", { full: false });
    await page.keyboard.press("Escape");
    await why.waitFor({ state: "detached" });
    assert.doesNotMatch(page.url(), /why=/);

    // Why it was denied.
    await page.getByRole("tab", { name: /Decisions/ }).click();
    await page.getByRole("button", { name: "Denials" }).click();
    await page.getByText("MAX_ORDER").first().waitFor();
    await t.look(page, "bot-decisions");
    await page.getByRole("button", { name: /^why/ }).first().click();
    await why.getByText("The order is larger than the largest order allowed.").first().waitFor();
    await why.getByText('ctx:buy{qty=900, tag="too much"}').waitFor();
    await t.look(page, "bot-denial", { full: false });
    await page.keyboard.press("Escape");

    for (const [tab, shot] of [["Trades", "bot-trades"], ["Log", "bot-log"], ["Statistics", "bot-stats"]]) {
      await page.getByRole("tab", { name: tab }).click();
      await page.waitForTimeout(300);
      await t.look(page, shot);
    }
  },

  "parameters by the header, stop and flatten, another tenant sees none of it": async (t) => {
    const { who, account } = await trader(t);
    const b = await bot(who, account);
    const page = await t.page({ who, path: `/bots/${b.id}?tab=setup` });
    await page.goto(`/bots/${b.id}?tab=setup`);
    const size = page.getByLabel("Size");
    await size.waitFor();
    assert.ok(await page.getByLabel("Slow line").isDisabled(), "what is not live cannot be changed while it runs");
    await size.fill("7");
    await page.getByText("Must be at most 1").waitFor();
    await size.fill("0.02");
    await page.getByRole("button", { name: "Change 1 parameter" }).click();
    await page.getByText("Parameters changed").waitFor();
    assert.equal((await who.get(`/bots/${b.id}`)).params.size, 0.02);
    await t.look(page, "bot-setup");

    await page.getByRole("button", { name: "Flatten" }).click();
    await page.getByRole("button", { name: "Close everything now" }).click();
    await page.getByRole("heading", { level: 1 }).getByText("Halted", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Lift its halt" }).click();
    await page.getByRole("heading", { level: 1 }).getByText("Running", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByLabel("Also close its positions").check();
    await page.getByRole("alertdialog").getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("heading", { level: 1 }).getByText("Stopped", { exact: true }).waitFor();

    const eve = await t.person("eve");
    t.expect(/404/);
    const other = await t.page({ who: eve });
    await other.goto(`/bots/${b.id}`);
    await other.getByText("This bot cannot be shown").waitFor();
  },
};
