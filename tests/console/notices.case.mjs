// Notices: channels that prove themselves to a receiver that stands here, tests that arrive, what goes where, what was told and sent again.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { trader } from "./bots.case.mjs";

const glance = (t, page, name, options) => (t.world.shots ? t.look(page, name, options) : undefined);

/** The newest message to a path that the receiver here was sent. */
async function message(t, is, what) {
  for (let i = 0; i < 300; i++) {
    const found = t.world.received.filter(is).at(-1);
    if (found) return found;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`nothing was received: ${what}`);
}

export const cases = {
  "a chat proves itself by its code, a test arrives, one event is muted, a critical one cannot be": async (t) => {
    const { who } = await trader(t, "told");
    const page = await t.page({ who });
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Notices" }).click();
    await page.getByRole("tab", { name: "Channels" }).click();
    const table = page.getByRole("table", { name: "Channels" });
    await page.getByRole("button", { name: "New channel" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Kind").selectOption("telegram");
    await dialog.getByText("@perigee_test_bot").waitFor();
    await dialog.getByLabel("Chat").fill("not a chat!");
    t.expect(/422/);
    await dialog.getByRole("button", { name: "Add" }).click();
    await dialog.locator(".field .error").waitFor();
    await glance(t, page, "notices-new", { full: false });
    await dialog.getByLabel("Chat").fill("424242");
    await dialog.getByLabel("Name").fill("Desk chat");
    await dialog.getByRole("button", { name: "Add" }).click();
    const told = await message(t, (m) => /sendMessage$/.test(m.path) && String(m.body?.chat_id) === "424242", "a code");
    const code = /\b(\d{8})\b/.exec(told.body.text)[1];
    await dialog.getByLabel("Code").fill(code === "00000000" ? "00000001" : "00000000");
    await dialog.getByRole("button", { name: "Prove it" }).click();
    await dialog.getByText("is not the code that was sent").waitFor();
    await glance(t, page, "notices-code", { full: false });
    await dialog.getByLabel("Code").fill(code);
    await dialog.getByRole("button", { name: "Prove it" }).click();
    const row = table.getByRole("row", { name: /Desk chat/ });
    await row.getByText("Active", { exact: true }).waitFor();
    await row.getByRole("button", { name: "Test Desk chat" }).click();
    await page.getByText("The test has arrived at Desk chat").waitFor();
    await message(t, (m) => String(m.body?.chat_id) === "424242" && /This is a test of your channel Desk chat/.test(m.body.text), "the test");
    await t.look(page, "notices-channels");

    await page.getByRole("tab", { name: "What goes where" }).click();
    const grid = page.getByRole("table", { name: "What goes where" });
    const halted = grid.getByRole("row", { name: /^Bot halted/ });
    await halted.getByText("always").first().waitFor();
    assert.equal(await halted.getByRole("combobox").count(), 0); // locked: nothing there can be chosen
    await grid.getByRole("combobox", { name: "Order rejected on Desk chat" }).selectOption("off");
    await grid.getByRole("combobox", { name: "Bot message on Desk chat" }).selectOption("digest");
    await page.getByLabel("Quiet hours").check();
    await page.getByLabel("From", { exact: true }).fill("21:30");
    await page.getByLabel("Digests go out").selectOption("60");
    await t.look(page, "notices-preferences");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved", { exact: true }).waitFor();
    const kept = (await who.get("/notifications/preferences")).preferences, chat = (await who.get("/notifications/channels")).items.find((c) => c.name === "Desk chat").id;
    assert.deepEqual(kept.events, { "order.rejected": { [chat]: "off" }, "bot.message": { [chat]: "digest" } });
    assert.deepEqual([kept.quiet, kept.digest.every_minutes], [{ from: "21:30", to: "07:00" }, 60]);
    await who.call("PUT", "/notifications/preferences", { events: { "bot.halted": { [chat]: "off" } } }, 422); // by no other way either
    await page.reload();
    assert.equal(await grid.getByRole("combobox", { name: "Order rejected on Desk chat" }).inputValue(), "off");
    assert.deepEqual([await page.getByLabel("From", { exact: true }).inputValue(), await page.getByLabel("To", { exact: true }).inputValue(), await page.getByLabel("Digests go out").inputValue()], ["21:30", "07:00", "60"]);

    await page.getByRole("tab", { name: "Channels" }).click();
    await row.getByRole("button", { name: "More of Desk chat" }).click();
    await page.getByRole("menuitem", { name: "Disable" }).click();
    await row.getByText("Disabled", { exact: true }).waitFor();
    await row.getByRole("button", { name: "Enable Desk chat" }).click();
    await row.getByText("Active", { exact: true }).waitFor();
    await row.getByRole("button", { name: "More of Desk chat" }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await row.waitFor({ state: "detached" });
  },

  "a webhook is signed; what it refuses is seen with each attempt, sent again, and an operator sees it too": async (t) => {
    const { who } = await trader(t, "hooked");
    const path = `/hook/${Date.now()}`;
    const page = await t.page({ who, path: "/notices?tab=channels" });
    await page.getByRole("button", { name: "New channel" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Kind").selectOption("webhook");
    await dialog.getByLabel("URL").fill(`${t.world.receiverUrl}${path}`);
    await dialog.getByLabel("Name").fill("My program");
    await dialog.getByRole("button", { name: "Add" }).click();
    const secret = await page.getByTestId("sign-secret").innerText();
    await page.getByRole("button", { name: "I have kept it" }).click();
    const row = page.getByRole("table", { name: "Channels" }).getByRole("row", { name: /My program/ });
    t.world.answers.set(path, [503, 500, 410]);
    await row.getByRole("button", { name: "Test My program" }).click();
    const came = await message(t, (m) => m.path === path, "a webhook");
    const [id, stamp] = [came.headers["webhook-id"], came.headers["webhook-timestamp"]];
    const mine = createHmac("sha256", Buffer.from(secret.replace("whsec_", ""), "base64")).update(`${id}.${stamp}.${came.text}`).digest("base64");
    assert.ok(came.headers["webhook-signature"].split(" ").includes(`v1,${mine}`), came.headers["webhook-signature"]);
    await page.getByText(/Test to My program: (on its way|failed|not sent)/).waitFor(); // refused once, and tried again
    await row.getByText("Disabled", { exact: true }).waitFor();
    await row.getByText(/gone for good/).waitFor();
    await page.getByRole("tab", { name: "What was told" }).click();
    await page.getByRole("table", { name: "Notices" }).getByRole("button", { name: "A test" }).click();
    await dialog.getByText(/HTTP 410/).waitFor();
    assert.match(await dialog.locator(".nt-attempts").innerText(), /to be tried again · HTTP 503[^]*to be tried again · HTTP 500[^]*refused for good · HTTP 410/);
    await t.look(page, "notices-failed", { full: false });
    await page.keyboard.press("Escape");

    const operator = await t.operator(), admin = await t.page();
    await t.signIn(admin, operator, "/admin/login");
    await admin.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Notices" }).click();
    await admin.getByRole("table", { name: "Notices that were not sent" }).getByText("Webhook").first().waitFor();
    await t.look(admin, "op-notices");

    t.world.answers.delete(path);
    await page.getByRole("tab", { name: "Channels" }).click();
    await row.getByRole("button", { name: "Enable My program" }).click(); // 410 says that it is gone: it was disabled by itself
    await row.getByText("Active", { exact: true }).waitFor();
    await page.getByRole("tab", { name: "What was told" }).click();
    await page.getByRole("table", { name: "Notices" }).getByRole("button", { name: "A test" }).click();
    await dialog.getByRole("button", { name: "Send once more to My program" }).click();
    await dialog.getByText("sent", { exact: true }).waitFor();
    await message(t, (m) => m.path === path && m !== came && m.headers["webhook-id"] === id, "the same once more"); // the same id: a receiver can tell
    await page.keyboard.press("Escape");
    await glance(t, page, "notices");
  },

  "mail, discord, slack and sms: each gets its test as it wants it; what is muted there stays silent, what is critical comes": async (t) => {
    const mails = await t.world.mail(t);
    const { who } = await trader(t, "reached");
    const number = `+49151${String(Date.now()).slice(-8)}`, desk = `desk-${Date.now()}@example.org`, to = { discord: `/api/webhooks/${Date.now()}/secret`, slack: `/services/T${Date.now()}/B/secret` };
    const page = await t.page({ who, path: "/notices?tab=channels" });
    const table = page.getByRole("table", { name: "Channels" }), dialog = page.getByRole("dialog");
    const add = async (kind, field, address, name) => {
      await page.getByRole("button", { name: "New channel" }).click();
      await dialog.getByLabel("Kind").selectOption(kind);
      await dialog.getByLabel(field, { exact: true }).fill(address);
      await dialog.getByLabel("Name").fill(name);
      await dialog.getByRole("button", { name: "Add" }).click();
    };
    const prove = async (name, code) => {
      await dialog.getByLabel("Code").fill(code);
      await dialog.getByRole("button", { name: "Prove it" }).click();
      await table.getByRole("row", { name: new RegExp(name) }).getByText("Active", { exact: true }).waitFor();
    };
    const test = async (name) => {
      await table.getByRole("button", { name: `Test ${name}` }).click();
      await page.getByText(`The test has arrived at ${name}`).waitFor();
    };
    const form = (m) => new URLSearchParams(m.text), texted = (words) => message(t, (m) => m.path === "/sms" && form(m).get("To") === number && words.test(form(m).get("Body")), `a text message: ${words}`);
    const posted = async (words) => {
      for (let i = 0; i < 300; i++) {
        const found = mails.find((m) => m.to === desk && words.test(m.text));
        if (found) return found.text;
        await new Promise((done) => setTimeout(done, 100));
      }
      throw new Error(`no mail: ${words}`);
    };

    await add("mail", "Address", desk, "Desk mail");
    await prove("Desk mail", /\b(\d{8})\b/.exec((await posted(/code/i)).split("\r\n\r\n").slice(1).join("\n"))[1]);
    await test("Desk mail");
    const mail = await posted(/^Subject: A test/m);
    for (const part of [/^Content-Type: multipart\/alternative/m, /^Content-Type: text\/plain/m, /^Content-Type: text\/html/m, /It works\./, /^From: .*desk@perigee\.example/m]) assert.match(mail, part);

    await add("sms", "Number", number, "My phone");
    const sms = await texted(/\d{8}/);
    assert.deepEqual([sms.headers.authorization, sms.headers["content-type"], [...form(sms).keys()]], ["Basic c2VjcmV0", "application/x-www-form-urlencoded", ["To", "Body"]]);
    await prove("My phone", /\b(\d{8})\b/.exec(form(sms).get("Body"))[1]);
    await test("My phone");
    assert.ok(form(await texted(/test/i)).get("Body").length <= 300);

    await add("discord", "Webhook URL", `${t.world.receiverUrl}${to.discord}`, "Guild");
    await test("Guild");
    const guild = (words) => message(t, (m) => m.path === to.discord && words.test(m.body.content), `Discord: ${words}`);
    assert.deepEqual((await guild(/A test/)).body.allowed_mentions, { parse: [] });
    await add("slack", "Webhook URL", `${t.world.receiverUrl}${to.slack}`, "Team room");
    await test("Team room");
    const room = (words) => message(t, (m) => m.path === to.slack && words.test(m.body.text), `Slack: ${words}`);
    assert.equal((await room(/A test/)).body.mrkdwn, false);
    for (const secret of [to.discord, to.slack]) assert.ok(!(await page.locator("main").innerText()).includes(secret), "an address that lets everybody write is not shown again");
    await t.look(page, "notices-kinds");

    // The kill switch going off is muted in one place, and going on is critical: it comes everywhere.
    await page.getByRole("tab", { name: "What goes where" }).click();
    const grid = page.getByRole("table", { name: "What goes where" });
    for (const [channel, mode] of [["Guild", "now"], ["Team room", "off"], ["My phone", "off"], ["Desk mail", "off"]]) await grid.getByRole("combobox", { name: `Halt cleared on ${channel}` }).selectOption(mode);
    await glance(t, page, "notices-grid");
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("Saved", { exact: true }).waitFor();
    await who.post("/me/halt");
    await who.call("DELETE", "/me/halt");
    await Promise.all([guild(/kill switch is on/), room(/kill switch is on/), texted(/kill switch is on/i), posted(/kill switch is on/), guild(/kill switch is off/)]);
    await page.getByRole("tab", { name: "What was told" }).click();
    const told = page.getByRole("table", { name: "Notices" });
    await told.getByRole("row", { name: /kill switch is off/ }).getByText("Guild").waitFor();
    assert.equal(await told.getByRole("row", { name: /kill switch is off/ }).getByText("Team room").count(), 0);
    for (const channel of ["Guild", "Team room", "My phone", "Desk mail"]) await told.getByRole("row", { name: /kill switch is on/ }).getByText(channel).waitFor();
    assert.ok(!t.world.received.some((m) => (m.path === to.slack && /switch is off/.test(m.text)) || (m.path === "/sms" && form(m).get("To") === number && /switch is off/.test(form(m).get("Body")))) && !mails.some((m) => m.to === desk && /switch is off/.test(m.text)));
    await glance(t, page, "notices-told");
  },
};
