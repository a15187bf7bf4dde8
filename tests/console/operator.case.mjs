// What operators do in /admin: people, bots, scripts, the kill switch, the audit log; and what customers see of it.
import assert from "node:assert/strict";
import { FAILS, look, machine, staff, to, trader, TRADES, until } from "./people.mjs";

export const cases = {
  "every page of the operators' console": async (t) => {
    const { bot, me } = await trader(t);
    await trader(t, { source: FAILS, name: "Moth" });
    const { page } = await staff(t, "super_admin");
    await page.getByRole("heading", { name: "Hosts" }).waitFor();
    await look(t, page, "op-system");
    await to(page, "Bots");
    await page.getByRole("link", { name: "Night owl" }).first().waitFor();
    await look(t, page, "op-bots");
    await until("an order", async () => (await machine(t, "GET", `/admin/bots/${bot.id}/orders`)).items.length);
    await page.goto(`/admin/bots/${bot.id}`);
    await page.getByText("P&L of the run").waitFor();
    await look(t, page, "op-bot");
    await page.getByRole("tab", { name: "Orders" }).click();
    await page.getByRole("button", { name: "Why?" }).last().click();
    await page.getByText("Its script asked for it.").waitFor();
    await page.getByRole("heading", { name: "Lines that ran" }).waitFor();
    await look(t, page, "op-why", { full: false });
    await page.getByRole("button", { name: "Close" }).click();
    for (const [tab, name] of [["Decisions", "op-decisions"], ["Logs", "op-logs"]]) {
      await page.getByRole("tab", { name: tab }).click();
      await page.getByRole("tabpanel").locator(tab === "Logs" ? ".op-logs li" : "tbody tr").first().waitFor();
      await look(t, page, name);
    }
    await until("a failure", async () => (await machine(t, "GET", "/admin/failures")).items.length);
    await to(page, "Dead letters");
    await page.getByRole("link", { name: "Moth" }).first().waitFor();
    await look(t, page, "op-failures");
    await to(page, "Unknown orders");
    await page.getByText("What became of every order").waitFor();
    await look(t, page, "op-unknown");
    await to(page, "Scripts");
    await page.getByRole("link", { name: "unified" }).waitFor();
    await look(t, page, "op-scripts");
    await to(page, "Usage");
    await page.getByRole("link", { name: me.email }).waitFor();
    await look(t, page, "op-usage");
    await to(page, "Revenue");
    await page.getByText("Monthly recurring revenue").waitFor();
    await look(t, page, "op-revenue");
    await to(page, "Users");
    await page.getByRole("link", { name: me.email }).click();
    await page.getByRole("heading", { name: "Usage" }).waitFor();
    await look(t, page, "op-user");
    await to(page, "Users");
    await page.getByRole("link", { name: me.email }).waitFor();
    await look(t, page, "op-users");
    await to(page, "Halt");
    await page.getByText("In force").first().waitFor();
    await look(t, page, "op-halt");
    await to(page, "Audit log");
    await page.getByRole("button", { name: "Check the whole chain" }).click();
    await page.getByText("The log is as it was written").waitFor();
    await machine(t, "POST", `/admin/users/${me.id}/reset-password`);
    await page.getByRole("button", { name: /^Show \d+ new$/ }).click(); // told by the stream
    await page.getByRole("table", { name: "Audit log" }).getByText("admin.reset_password").waitFor();
    await look(t, page, "op-audit");
  },

  "suspended while their page is open": async (t) => {
    const who = await t.person(), open = await t.page({ who });
    const { page } = await staff(t, "admin");
    t.expect(/401|403/); // what the open page asks for when its session has ended
    await to(page, "Users");
    await page.getByLabel("Search users").fill(who.email);
    await page.getByRole("link", { name: who.email }).click();
    await page.getByRole("button", { name: "Suspend" }).click();
    const dialog = page.getByRole("alertdialog");
    await dialog.getByLabel("Reason").fill("chargeback");
    await look(t, page, "op-suspend", { full: false });
    await dialog.getByRole("button", { name: "Suspend" }).click();
    await page.getByText("chargeback").waitFor();
    await open.getByRole("heading", { name: "Sign in" }).waitFor();
    await open.getByLabel("Mail address").fill(who.email);
    await open.getByLabel("Password").fill(who.password);
    await open.getByRole("button", { name: "Sign in" }).click();
    await open.getByRole("alert").waitFor();
    await page.getByRole("button", { name: "Let them in again" }).click();
    await page.getByRole("button", { name: "Suspend" }).waitFor();
    await open.getByRole("button", { name: "Sign in" }).click();
    await open.locator(".shell").waitFor();
  },

  "over a customer's shoulder: only looking, with a banner, and back": async (t) => {
    const who = await t.person(), { id } = await who.get("/me");
    const { page, who: boss } = await staff(t, "admin");
    t.expect(/403/); // what impersonation may not ask for
    await page.goto(`/admin/users/${id}`);
    await page.getByRole("button", { name: "See what they see" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Look" }).click();
    const banner = page.getByText(`You are looking at ${who.email}'s account`);
    await banner.waitFor();
    assert.equal(new URL(page.url()).pathname, "/");
    await page.reload();
    await banner.waitFor();
    await look(t, page, "op-looking", { full: false });
    await page.getByRole("button", { name: "Kill switch" }).click();
    await page.getByRole("button", { name: "Halt now" }).click();
    await page.getByText(/Your role does not allow this|forbidden/i).first().waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Back to operations" }).click();
    await page.getByRole("heading", { name: "Users" }).waitFor();
    const { items } = await machine(t, "GET", "/admin/audit?action=user.impersonate");
    assert.deepEqual([items[0].user, items[0].actor], [who.email, boss.email]);
  },

  "halt everything and resume, seen by a customer; support is offered neither": async (t) => {
    const who = await t.person(), open = await t.page({ who });
    const { page } = await staff(t, "admin", false); // stopping waits for no phone
    const { page: support } = await staff(t, "support", false);
    await to(page, "Halt");
    await page.getByLabel("How").selectOption("silent");
    await page.getByRole("button", { name: "Halt…" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Halt now" }).click();
    const row = page.getByRole("table", { name: "Halts in force" }).getByRole("row").nth(1);
    await row.getByText("No orders at all").waitFor();
    await row.getByText(/^admin-/).waitFor();
    await look(t, page, "op-halted");
    await open.reload();
    await open.getByText("Trading is halted for everybody").waitFor();
    await to(support, "Halt");
    await support.getByRole("table", { name: "Halts in force" }).getByText("Everything").waitFor();
    for (const name of ["Resume", "Halt…"]) assert.equal(await support.getByRole("button", { name }).count(), 0, name);
    assert.equal(await support.getByRole("link", { name: "Revenue" }).count(), 0);
    await row.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Resume" }).click();
    await page.getByText(/^Everything is halted/).waitFor({ state: "detached" });
    await open.reload();
    await open.locator(".shell").waitFor();
    assert.equal(await open.getByText("Trading is halted for everybody").count(), 0);
  },

  "a script edited, checked, put, activated and rolled back; a customer's bot and open page follow": async (t) => {
    await machine(t, "POST", "/admin/scripts", { kind: "strategy", name: "Shipped one", source: TRADES });
    const scripts = (await machine(t, "GET", "/admin/scripts?kind=strategy")).items, script = scripts.find((s) => s.name === "Shipped one");
    await machine(t, "POST", `/admin/scripts/${script.id}/versions/1/activate`);
    const who = await t.person();
    await who.post("/subscriptions/upgrade", { plan: "enterprise" });
    const account = await who.post("/accounts", { venue: "paper", name: "Play" });
    const bot = await who.post("/bots", { name: "Follower", account_id: account.id, strategy: "Shipped one", venue: "sim", symbol: "BTCUSDT", timeframe: "1m" });
    await who.post(`/bots/${bot.id}/start`);
    await until("it trades", async () => (await who.get(`/bots/${bot.id}`)).live?.version === 1);
    t.expect(/404.*\/api\/v1\/strategies\//); // the installation's source is not the customer's to read
    const open = await t.page({ who, path: `/bots/${bot.id}` });
    await open.getByText(/version 1$/).waitFor();
    const { page } = await staff(t, "admin");
    await to(page, "Scripts");
    await page.getByRole("link", { name: "Shipped one" }).click();
    await page.getByRole("button", { name: "New version" }).click();
    const editor = page.getByRole("textbox", { name: "Source of Shipped one" });
    await editor.click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("local broken = = 1");
    await page.getByText("faults").waitFor();
    assert.equal(await page.getByRole("button", { name: "Put version" }).isDisabled(), true);
    await look(t, page, "op-editor");
    for (let i = 0; i < "broken = = 1".length; i++) await page.keyboard.press("Backspace");
    await page.keyboard.type("fine = 1");
    await page.getByText("no fault found").waitFor();
    await page.getByLabel("Comment").fill("a line more");
    await page.getByRole("button", { name: "Put version" }).click();
    await page.getByText("a line more").waitFor();
    await page.getByRole("tab", { name: "What changed" }).click();
    await page.locator(".op-code .add", { hasText: "local fine" }).waitFor();
    await look(t, page, "op-diff");
    await page.getByRole("tab", { name: "Versions" }).click();
    await page.getByRole("row", { name: /Version 2/ }).getByRole("button", { name: "Activate" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Activate" }).click();
    await page.getByText("Version 2 is active").waitFor();
    await until("the bot runs it", async () => (await who.get(`/bots/${bot.id}`)).live?.version === 2);
    await open.getByText(/version 2$/).waitFor(); // without anybody having touched the page
    await page.getByRole("button", { name: "Roll back" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Roll back" }).click();
    await page.getByText("Version 1 is active").waitFor();
    await page.getByRole("tab", { name: "Who and when" }).click();
    await page.getByRole("table", { name: "Activations" }).getByText("back").waitFor();
    await look(t, page, "op-activations");
    await until("the bot is back", async () => (await who.get(`/bots/${bot.id}`)).live?.version === 1);
  },
};
