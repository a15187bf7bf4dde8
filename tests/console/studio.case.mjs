// The strategy studio and backtests: write, see errors while typing, save, compare versions, run, cancel, compare parameters and runs.
import assert from "node:assert/strict";

const SMA = `strategy{ name="SMA cross", api=1,
  params={ fast=int{10, min=2, max=100, opt=true}, slow=int{30, min=5, max=400, opt=true}, size=pct{95, min=1, max=100, label="Share of equity"} },
  check=function(p) return p.fast < p.slow, "fast must be below slow" end,
  ind={ f={"sma","fast"}, s={"sma","slow"} } }

function on_bar(ctx, bar)
  ctx:plot("fast", ctx.ind.f[0])
  ctx:plot("slow", ctx.ind.s[0])
  if crossed_up(ctx.ind.f, ctx.ind.s) then
    ctx:target{pct=ctx.p.size, tag="up"}
    ctx:log("info", "up at", bar.close)
  elseif crossed_down(ctx.ind.f, ctx.ind.s) then
    ctx:target{pct=0, tag="down"}
  end
  if ctx.pos.bars == 5 then ctx:buy{qty=1000000, tag="too much"} end
end
`;
const code = (page) => page.locator(".code .cm-content");

// A picture for whoever asked for pictures; what is like another page is not checked for faults in every run.
const glance = (t, page, name, options) => (t.world.shots ? t.look(page, name, options) : undefined);

// Puts text into the editor as a paste would.
async function write(page, text) {
  await code(page).click();
  await page.keyboard.press("Control+a");
  await page.keyboard.insertText(text);
}

async function richest(t, name) {
  const p = await t.person(name);
  const plans = (await p.get("/subscriptions/plans")).items;
  await p.post("/subscriptions/upgrade", { plan: plans.at(-1).id });
  return p;
}

async function ended(p, id) {
  for (let i = 0; i < 600; i++) {
    const row = await p.get(`/backtests/${id}`);
    if (row.state !== "queued" && row.state !== "running") return row;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`backtest ${id} does not end`);
}

export const cases = {
  "a strategy from a template: errors while typing, completion, save, versions, back again": async (t) => {
    const ada = await richest(t, "quant");
    // Chrome styles what is typed over a selection with a style attribute, which CSP rightly refuses and the editor takes away anyway.
    t.expect(/Applying inline style/);
    const page = await t.page({ who: ada, path: "/strategies" });
    await page.getByRole("heading", { name: "No strategies yet" }).waitFor();
    await page.getByRole("button", { name: "New strategy" }).first().click();
    await page.getByRole("button", { name: /^SMA cross/ }).click();
    await glance(t, page, "strategy-new", { full: false });
    await page.getByRole("button", { name: "Create and prove" }).click();
    await page.waitForURL(/\/strategies\/str_/);
    await page.getByText("No errors found").waitFor();
    await page.getByText("Does it look ahead?").waitFor();

    // A misspelt option is underlined, explained and found by a click.
    await write(page, SMA.replace('tag="up"', 'tga="up"'));
    await page.getByText("One error").waitFor();
    const problem = page.getByRole("button", { name: /unknown option 'tga'.*did you mean 'tag'/ });
    await problem.waitFor();
    await page.locator(".code .cm-lintRange-error", { hasText: "tga" }).waitFor();
    await t.look(page, "studio-error");
    await problem.click();
    assert.equal(await page.evaluate(() => document.querySelector(".code").shadowRoot.activeElement?.classList.contains("cm-content")), true);
    await page.keyboard.insertText("tag");
    await page.getByText("No errors found").waitFor();

    // Options of an order inside its braces, the script's own indicators behind ctx.ind.
    await page.keyboard.press("Control+End");
    await page.keyboard.type("\nfunction on_fill(ctx, f)\n  ctx:buy{ri");
    await page.locator(".code .cm-tooltip-autocomplete", { hasText: "risk" }).waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+z");
    await write(page, SMA);
    await page.getByText("No errors found").waitFor();

    await page.getByRole("button", { name: "Save version" }).click();
    await page.getByLabel("What changed").fill("plots and a log");
    await page.getByRole("button", { name: "Save and prove" }).click();
    await page.getByText("Version 2 is saved and proven").waitFor();
    await glance(t, page, "studio");

    await page.getByRole("tab", { name: "Versions" }).click();
    await page.locator(".diff .cm-changedLine").first().waitFor();
    await t.look(page, "studio-versions");
    await page.getByRole("button", { name: "Activate" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Activate" }).click();
    await page.getByText("Version 2 is active").first().waitFor();
    await page.getByRole("button", { name: "Roll back" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Roll back" }).click();
    await page.getByText("Version 1 active", { exact: true }).waitFor();
    const [strategy] = (await ada.get("/strategies")).items;
    assert.equal(strategy.active_version, 1);

    // What is typed survives a reload; what breaks the contract is kept from becoming a version of its own.
    await page.getByRole("tab", { name: "Code" }).click();
    await write(page, SMA.replace("api=1", "api=9"));
    await page.getByText("One error").waitFor();
    await page.reload();
    await page.getByText("This is your draft").waitFor();
    t.expect(/422/);
    await page.getByRole("button", { name: "Save version" }).click();
    await page.getByRole("button", { name: "Save and prove" }).click();
    await page.getByRole("alertdialog").getByRole("alert").waitFor();
    await page.keyboard.press("Escape");
    assert.equal((await ada.get(`/strategies/${strategy.id}`)).latest_version, 2);
    await page.getByRole("tab", { name: "Shadow" }).click();
    await page.getByText("No shadow runs").waitFor();
    await glance(t, page, "studio-shadow");
  },

  "backtests: progress and report, cancelled while it runs, beside each other, a map of parameters": async (t) => {
    const ada = await richest(t, "tester");
    const strategy = await ada.post("/strategies", { name: "SMA cross", source: SMA, activate: true }, 201);
    const page = await t.page({ who: ada, path: `/strategies/${strategy.id}?tab=run` });
    await page.getByLabel("History").selectOption({ label: "BTCUSDT 1h, sim (newest bars)" });
    await page.getByLabel("Leverage").fill("0.5");
    t.expect(/422/);
    await page.getByRole("button", { name: "Run backtest" }).click();
    await page.locator(".field .error").waitFor(); // at its field
    await page.getByLabel("Leverage").fill("1");
    await page.getByRole("button", { name: "Run backtest" }).click();
    await page.getByText("Final equity").first().waitFor();
    await page.locator(".chart canvas").first().waitFor();
    await glance(t, page, "backtest-run");
    await page.getByRole("link", { name: "This run on a page of its own" }).click();
    await page.waitForURL(/\/backtests\/bkt_/);
    const id = page.url().split("/").pop();
    const row = await ended(ada, id);
    await page.getByText(`${row.result.stats.trades}`, { exact: true }).first().waitFor();
    await glance(t, page, "backtest");
    await page.getByRole("tab", { name: "Trades" }).click();
    await page.locator(".bt-price canvas").first().waitFor();
    await t.look(page, "backtest-trades");
    await page.getByRole("tab", { name: "Figures" }).click();
    await page.getByText("Against you").waitFor();
    await glance(t, page, "backtest-figures");
    await page.getByRole("tab", { name: "Denials" }).click();
    await page.locator(".bt-denials .badge").first().waitFor();
    await page.getByRole("tab", { name: "Logs" }).click();
    await page.getByText("up at").first().waitFor();

    // Every combination of two parameters.
    await page.goto(`/strategies/${strategy.id}?tab=grid`);
    await page.getByLabel("History").selectOption({ label: "BTCUSDT 1h, sim (newest bars)" });
    await page.getByLabel("Values of fast").fill("5, 10, 15");
    await page.getByLabel("Values of slow").fill("30..40:10");
    await page.getByRole("button", { name: "Run 6 backtests" }).click();
    await page.getByText("6 of 6 done").waitFor();
    assert.equal(await page.locator(".heat td a").count(), 6);
    await t.look(page, "studio-parameters");
    await page.getByRole("link", { name: /Best 4 beside each other/ }).click();
    await page.getByText("Parameters that differ").waitFor();
    await page.locator(".chart canvas").first().waitFor();
    await t.look(page, "backtests-compare");

    await page.goto("/backtests");
    await page.getByRole("table", { name: "Backtests" }).locator("tbody tr").nth(6).waitFor();
    await t.look(page, "backtests");
    await page.getByLabel("Compare SMA cross").nth(0).check();
    await page.getByLabel("Compare SMA cross").nth(1).check();
    await page.getByRole("button", { name: "Compare 2" }).click();
    await page.waitForURL(/compare\?ids=/);
  },

  "a search for parameters: ranges from the header, what the best is worth, a map, one of them as a backtest and in a bot": async (t) => {
    const ada = await richest(t, "searcher");
    const strategy = await ada.post("/strategies", { name: "SMA cross", source: SMA, activate: true }, 201);
    const page = await t.page({ who: ada, path: "/backtests" });
    await page.getByRole("link", { name: "Optimise" }).click();
    await page.getByLabel("History").selectOption({ label: "BTCUSDT 1h, sim (newest bars)" });
    assert.equal(await page.getByLabel("Values of fast").inputValue(), "2..100:10");
    await page.getByLabel("Values of fast").fill("1..5");
    await page.getByText("below the smallest value, 2").waitFor();
    await page.getByLabel("Values of fast").fill("5..15:5");
    await page.getByLabel("Values of slow").fill("30,40");
    await page.getByLabel("At least so many trades").fill("1");
    await page.getByLabel("Walk-forward steps").fill("2");
    await page.getByText("6 of 6 combinations").waitFor();
    await t.look(page, "optimise");
    await page.getByRole("button", { name: "Search", exact: true }).click();
    await page.waitForURL(/\/backtests\/optimise\/opt_/);
    const runs = page.getByRole("table", { name: "Runs" });
    await runs.locator("tbody tr").nth(5).waitFor();
    const row = await ada.get(`/optimizations/${page.url().split("/").pop()}`);
    const best = row.result.results[0];
    await page.getByText(/of the best|no run kept/i).first().waitFor();
    await t.look(page, "optimise-found");
    await page.getByRole("tab", { name: "Map" }).click();
    assert.equal(await page.locator(".heat td").count(), 6);
    await t.look(page, "optimise-map");
    await page.getByRole("tab", { name: "Walk-forward" }).click();
    assert.equal(await page.getByRole("table", { name: "Steps" }).locator("tbody tr").count(), 2);
    await page.getByRole("tab", { name: "Runs" }).click();
    await page.getByRole("link", { name: "Use in a bot" }).first().click();
    await page.waitForURL(/\/bots\/new\?strategy=/);
    const link = new URL(page.url()).searchParams;
    assert.equal(JSON.parse(link.get("params")).fast, best.params.fast);
    assert.deepEqual(["symbol", "timeframe", "venue"].map((k) => link.get(k)), ["BTCUSDT", "1h", "sim"]);
    const next = page.getByRole("button", { name: "Continue" });
    await next.click();
    await page.getByRole("button", { name: "Make a paper account" }).click();
    await next.click();
    await page.getByRole("radio", { name: /BTCUSDT/, checked: true }).waitFor();
    assert.equal(await page.getByLabel("Timeframe").inputValue(), "1h");
    await page.goBack();
    await page.getByRole("button", { name: "Backtest this" }).first().click();
    await page.waitForURL(/\/backtests\/bkt_/);
    const run = await ended(ada, page.url().split("/").pop());
    assert.equal(String(run.result.params.fast), best.params.fast);
    assert.equal(run.strategy_id, strategy.id);
  },

  "a run is cancelled from its page; another tenant never sees it": async (t) => {
    const ada = await richest(t, "slow"), bob = await t.person("stranger");
    const strategy = await ada.post("/strategies", { name: "Slow", source: 'strategy{ name="slow", api=1, params={n=int{0}} }\nfunction on_bar(ctx) local n = 0 for i = 1, ctx.p.n do n = n + i end ctx.state.n = n end\n' }, 201);
    const run = await ada.post("/backtests", { strategy_id: strategy.id, params: { n: 400000 }, data: [{ venue: "sim", symbol: "BTCUSDT", timeframe: "1m" }] }, 202);
    const page = await t.page({ who: ada, path: `/backtests/${run.id}` });
    await page.getByRole("progressbar").waitFor();
    await glance(t, page, "backtest-running");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("It was ended before it was done").waitFor();
    assert.equal((await ada.get(`/backtests/${run.id}`)).state, "cancelled");
    t.expect(/404/);
    const other = await t.page({ who: bob, path: `/backtests/${run.id}` });
    await other.getByText("The backtest cannot be shown").waitFor();
    await other.goto("/strategies");
    await other.getByText("No strategies yet").waitFor();
  },
};
