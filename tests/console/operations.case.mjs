// What operators do when something is the matter, against a service that has it: versions on trial, exceptions, bots that fail, roles, orders
// at a venue that nobody can account for, and an audit log that was changed.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { FAILS, look, machine, staff, to, totp, trader, TRADES, until } from "./people.mjs";

const db = (file, code) => execFileSync("python3", ["-c", `import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1], timeout=30)\n${code}\ndb.commit()`, file]);

const HOLD = `strategy{ name="hold", api=1 }
function on_bar(ctx, bar)
  if not ctx.state.done then ctx.state.done = true ctx:buy{qty=0.02, tag="once"} end
end
function on_order(ctx, e)
  if e.status == "REJECTED" then ctx.state.done = false end
end
`;

export const cases = {
  "a version on trial: half of the bots, seen by a customer, ended by hand; one that fails goes back by itself": async (t) => {
    const put = (source) => machine(t, "POST", "/admin/scripts", { kind: "strategy", name: "On trial", source });
    const script = await put(TRADES);
    await machine(t, "POST", `/admin/scripts/${script.id}/versions/1/activate`);
    await put(`${TRADES}-- another\n`);
    await put(FAILS);
    const who = await t.person();
    await who.post("/subscriptions/upgrade", { plan: "enterprise" });
    const account = await who.post("/accounts", { venue: "paper", name: "Play" });
    const bot = (n) => who.post("/bots", { name: `Guinea pig ${n}`, account_id: account.id, strategy: "On trial", venue: "sim", symbol: "BTCUSDT", timeframe: "1m", settings: { cash: "500" }, start: true });
    const versions = async () => (await who.get("/bots?limit=50")).items.map((b) => b.live?.version);
    await bot(1);
    const { page } = await staff(t, "admin");
    await page.goto(`/admin/scripts/${script.id}`);
    const begin = async (version, share) => {
      await page.getByRole("row", { name: new RegExp(`^Version ${version}`) }).getByRole("button", { name: "Activate" }).click();
      const dialog = page.getByRole("alertdialog");
      await dialog.getByText("Some first").click();
      await dialog.getByLabel("Share of the bots").fill("0");
      assert.ok(await dialog.getByRole("button", { name: "Begin the trial" }).isDisabled());
      await dialog.getByLabel("Share of the bots").fill(share);
      if (version === 2) await look(t, page, "op-trial-dialog", { full: false });
      await dialog.getByRole("button", { name: "Begin the trial" }).click();
      await page.getByText(`Version ${version} is tried by ${share} % of the bots`).first().waitFor();
    };
    await begin(2, "50");
    await look(t, page, "op-trial");
    // Which bots are in the share is told by their ids: more of them, until there is one of each kind.
    for (let n = 2; ; n++) {
      const now = await until("all run", async () => (await versions()).every(Boolean) && versions());
      if (now.includes(1) && now.includes(2)) break;
      assert.ok(n < 13, `${now}`);
      await bot(n);
    }
    const tries = (await who.get("/bots?limit=50")).items.find((b) => b.live.version === 2);
    const open = await t.page({ who, path: `/bots/${tries.id}` });
    await open.getByText(/version 2$/).waitFor();
    await page.getByRole("button", { name: "End the trial" }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "End it" }).click();
    await page.getByText(/is tried by/).first().waitFor({ state: "detached" });
    await until("all are back", async () => (await versions()).every((v) => v === 1));
    await open.getByText(/version 1$/).waitFor();

    await begin(3, "99");
    await page.getByText("Version 3 went back").waitFor(); // nobody touched the page
    await look(t, page, "op-trial-back");
    await until("all are back again", async () => (await versions()).every((v) => v === 1));
    assert.equal((await machine(t, "GET", `/admin/scripts/${script.id}`)).trial.state, "rolled_back");
  },

  "an exception to a plan, with an end; when it has come, the plan is what it was": async (t) => {
    const who = await t.person(), me = await who.get("/me");
    const { page } = await staff(t, "admin");
    await page.goto(`/admin/users/${me.id}`);
    await page.getByRole("button", { name: "Grant exception" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Plan", { exact: true }).selectOption("pro");
    await dialog.getByText("Single limits").click();
    await dialog.getByLabel("bots", { exact: true }).fill("3");
    await dialog.getByLabel("Reason").fill("a week to try");
    await look(t, page, "op-exception", { full: false });
    await dialog.getByRole("button", { name: "Grant" }).click();
    await page.getByText("An operator's exception is in force").waitFor();
    await page.getByText(/Plan pro with bots 3; until/).waitFor();
    const open = await t.page({ who, path: "/account/plan" });
    await open.getByText(/granted|exception|until/i).first().waitFor();
    assert.equal((await who.get("/usage")).items.find((i) => i.name === "bots").limit, 3);
    const given = (await machine(t, "GET", `/admin/users/${me.id}`)).exception;
    assert.ok(given.expires_at_ms > Date.now() + 13 * 86_400_000 && given.reason === "a week to try", JSON.stringify(given));
    // Two weeks on.
    db(join(t.world.data, "control.db"), `db.execute("UPDATE plan_override SET expires_ns = created_ns + 1000000 WHERE expires_ns IS NOT NULL")`);
    await page.reload();
    await page.getByText("An operator's exception has ended").waitFor();
    assert.equal((await who.get("/usage")).items.find((i) => i.name === "bots").limit, 1);
    // Given again, and taken back by hand.
    await page.getByRole("button", { name: "Grant exception" }).click();
    await dialog.getByLabel("Until").fill("");
    await dialog.getByLabel("Reason").fill("for good");
    await dialog.getByRole("button", { name: "Grant" }).click();
    await page.getByText(/until it is taken back/).waitFor();
    await page.getByRole("button", { name: "Take it back" }).click();
    await page.getByText("An operator's exception is in force").waitFor({ state: "detached" });
    const told = (await machine(t, "GET", `/admin/audit?object=${me.tenant_id}&action=plan.`)).items.map((e) => e.action);
    assert.deepEqual(told.sort(), ["plan.override", "plan.override", "plan.override.delete"]);
  },

  "a bot in quarantine is released from the dead letters; another is restarted and stopped by force, as its owner sees": async (t) => {
    const moth = await trader(t, { source: FAILS, name: "Burnt moth" });
    await until("it is held", async () => ["quarantined", "retired", "dead"].includes((await moth.who.get(`/bots/${moth.bot.id}`)).state));
    const hers = await t.page({ who: moth.who, path: `/bots/${moth.bot.id}` });
    await look(t, hers, "bot-quarantined");
    const { page } = await staff(t, "admin");
    await to(page, "Dead letters");
    const waiting = page.getByRole("table", { name: "Waiting for somebody" });
    const row = waiting.getByRole("row").filter({ hasText: "Burnt moth" });
    await row.waitFor();
    await look(t, page, "op-dead-letters");
    await row.getByRole("button", { name: "Release" }).click();
    await row.waitFor({ state: "detached" });
    await hers.getByRole("heading", { level: 1 }).getByText("Stopped", { exact: true }).waitFor();
    await page.goto(`/admin/bots/${moth.bot.id}?tab=failures`);
    await page.getByRole("table", { name: "Failures" }).getByText(/attempt to index/).first().waitFor();
    await look(t, page, "op-bot-failures");

    const owl = await trader(t, { name: "Old owl" });
    await until("it runs", async () => (await owl.who.get(`/bots/${owl.bot.id}`)).live?.intents > 0);
    const open = await t.page({ who: owl.who, path: `/bots/${owl.bot.id}` });
    await page.goto(`/admin/bots/${owl.bot.id}`);
    await page.getByRole("button", { name: "Restart" }).click();
    await page.getByText("It is opened anew from its journal").waitFor();
    await until("it runs again", async () => (await owl.who.get(`/bots/${owl.bot.id}`)).state === "running");
    await page.getByRole("button", { name: "Read again" }).click();
    await page.getByRole("button", { name: "Force stop" }).click();
    await page.getByLabel("Close its positions too").check();
    await look(t, page, "op-force-stop", { full: false });
    await page.getByRole("alertdialog").getByRole("button", { name: "Force stop" }).click();
    await open.getByRole("heading", { level: 1 }).getByText("Stopped", { exact: true }).waitFor();
    await open.getByText(/operator/i).first().waitFor();
    const actions = (await machine(t, "GET", `/admin/audit?object=${owl.bot.id}&limit=50`)).items.map((e) => e.action);
    for (const part of [/restart/, /stop/]) assert.ok(actions.some((a) => part.test(a)), String(actions));
  },

  "a role is given and taken: a customer becomes support, sees operations, and is a customer again": async (t) => {
    const who = await t.person(), { id } = await who.get("/me");
    const { page } = await staff(t, "super_admin");
    const { page: admin } = await staff(t, "admin");
    await admin.goto(`/admin/users/${id}`);
    await admin.getByRole("button", { name: "Suspend" }).waitFor();
    assert.equal(await admin.getByRole("button", { name: "Role", exact: true }).count(), 0, "roles are a super admin's to give");
    await page.goto(`/admin/users/${id}`);
    const give = async (role, name) => {
      await page.getByRole("button", { name: "Role", exact: true }).click();
      await page.getByRole("alertdialog").getByLabel("Role").selectOption(role);
      if (role === "support") await look(t, page, "op-role", { full: false });
      await page.getByRole("alertdialog").getByRole("button", { name: "Give the role" }).click();
      await page.getByText(`${who.email} is ${name} now`).waitFor();
      await page.getByRole("alertdialog").waitFor({ state: "detached" });
    };
    await give("support", "support");
    const theirs = await t.page({ who, path: "/admin" });
    await theirs.getByRole("heading", { name: "Hosts" }).waitFor();
    await give("user", "user");
    t.expect(/403|401/);
    await theirs.reload();
    await theirs.getByText("This is the operators' console").or(theirs.getByRole("heading", { name: "Sign in" })).first().waitFor();
  },

  "orders at a venue that nobody can account for: asked about again, and decided by hand": async (t) => {
    const venue = await t.world.exchange(t);
    await t.world.halt();
    await t.world.serve({ bybit: venue.url });
    t.ends.push(async () => {
      await t.world.halt();
      await t.world.serve();
    });
    const who = await t.person();
    await who.post("/subscriptions/upgrade", { plan: "enterprise" });
    const { secret } = await who.post("/auth/enable-2fa", { password: who.password });
    await who.post("/auth/verify-2fa", { code: totp(secret, Date.now() / 1000 - 30) });
    who.token = (await who.post("/auth/login", { email: who.email, password: who.password, code: totp(secret, Date.now() / 1000) })).access_token;
    const account = await who.post("/accounts", { venue: "bybit", name: "Simulated", settings: { balance: "50000", leverage: "5" }, secrets: venue.secrets });
    const strategy = await who.post("/strategies", { name: "hold", source: HOLD, activate: true });
    const bot = (name) => who.post("/bots", { name, account_id: account.id, strategy_id: strategy.id, venue: "bybit", symbol: "BTCUSDT", timeframe: "1m", settings: { cash: "5000" }, start: true });
    const first = await bot("Calm one");
    await until("it has bought", async () => (await who.get(`/bots/${first.id}`)).live?.fills >= 1);
    const { page } = await staff(t, "admin");
    await to(page, "Unknown orders");
    await page.getByText("What became of every order").waitFor();

    // Its answer is lost, and the venue finds nothing for a minute.
    const lose = () => venue.admin("faults", { replace: true, faults: ["drop_after:on=order/create,count=1", "not_found:on=order/,value=60000", "error_before:on=execution/,p=1", "ws_drop:p=1"] });
    await lose();
    t.expect(/(404|409).*unknown-orders/); // the venue may have told just before somebody asks again
    const second = await bot("Lost one");
    const row = page.getByRole("table", { name: "Unknown orders" }).getByRole("row").filter({ hasText: "0.02" });
    await row.waitFor(); // the page asks by itself
    await look(t, page, "op-unknown-real");
    await venue.admin("faults", { replace: true, faults: [] });
    await row.getByRole("button", { name: "Ask again" }).click();
    await until("the venue told what became of it", async () => (await who.get(`/bots/${second.id}`)).live?.fills >= 1);
    await page.getByText("What became of every order").waitFor();

    // Another, which somebody looks up at the venue and declares dead: there it never was.
    await venue.admin("faults", { replace: true, faults: ["drop_before:on=order/create,count=1", "not_found:on=order/,value=60000", "error_before:on=execution/,p=1", "error_before:on=order/realtime,p=1", "error_before:on=order/history,p=1", "ws_drop:p=1"] });
    const third = await bot("Dropped one");
    await row.waitFor();
    assert.equal((await machine(t, "GET", "/admin/unknown-orders")).items[0].bot_id, third.id);
    await row.getByRole("button", { name: "It is dead" }).click();
    const dialog = page.getByRole("alertdialog"), dead = dialog.getByRole("button", { name: "It is dead" });
    assert.equal(await dead.isDisabled(), true); // before somebody says that they have looked
    await look(t, page, "op-unknown-dialog", { full: false });
    await dialog.getByRole("checkbox").check();
    await dead.click();
    await page.getByText("What became of every order").waitFor();
    await venue.admin("faults", { replace: true, faults: [] });
    const told = (await machine(t, "GET", `/admin/audit?object=${third.id}&limit=20`)).items.map((e) => e.action);
    assert.ok(told.some((a) => /order/.test(a)), String(told));
  },

  "the pages before somebody is signed in": async (t) => {
    t.expect(/401/); // /me, asked before anybody is signed in
    for (const [path, name] of [["/register", "door-register"], ["/forgot-password", "door-forgot"], ["/reset-password?token=none", "door-reset"], ["/admin/login", "door-operators"]]) {
      const page = await t.page({ path });
      await page.getByRole("heading", { level: 1 }).waitFor();
      await look(t, page, name);
    }
  },

  "an audit log that was changed says where, and the one it was copied from does not": async (t) => {
    const who = await t.person("clerk"), { id } = await who.get("/me");
    await machine(t, "PATCH", `/admin/users/${id}`, { role: "support" });
    let seq = 0;
    const twin = await t.world.twin(t, (data) => {
      seq = Number(execFileSync("python3", ["-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30)
db.execute("DROP TRIGGER audit_no_update")
seq, = db.execute("SELECT min(seq) FROM audit WHERE tenant_id = 0").fetchone()
db.execute("UPDATE audit SET detail = '{\\"role\\":\\"user\\"}' WHERE tenant_id = 0 AND seq = ?", (seq,))
db.commit()
print(seq)`, join(data, "control.db")]));
    });
    const bad = await t.page({ base: twin.url, path: "/admin/login" });
    t.expect(/401/);
    await bad.getByLabel("Mail address").fill(who.email);
    await bad.getByLabel("Password").fill(who.password);
    await bad.getByRole("button", { name: "Sign in" }).click();
    await to(bad, "Audit log");
    await bad.getByRole("button", { name: "Check the whole chain" }).click();
    await bad.getByRole("alert").getByText("The log was changed").waitFor();
    await bad.getByText(`The site's chain, entry ${seq}`).waitFor();
    await look(t, bad, "op-audit-broken", { full: false });
    const page = await t.page({ who, path: "/admin/audit" });
    await page.getByRole("button", { name: "Check the whole chain" }).click();
    await page.getByText("The log is as it was written").waitFor();
  },
};
