import assert from "node:assert/strict";
import { test } from "node:test";
import { known, modeOf, withMode, type EventInfo } from "./model";

const event = (more: Partial<EventInfo>): EventInfo => ({ name: "order.filled", severity: "info", critical: false, usual: "now", about: "", ...more });
const mail = { id: "chn_1", kind: "mail" as const }, sms = { id: "chn_2", kind: "sms" as const };

test("what is not said is as usual, what is said of a channel comes before what is said of all", () => {
  const e = event({});
  assert.equal(modeOf({}, e, mail), "now");
  assert.equal(modeOf({}, e, sms), "off");
  const p = { events: { "order.filled": { all: "digest" as const, chn_1: "off" as const } } };
  assert.equal(modeOf(p, e, mail), "off");
  assert.equal(modeOf(p, e, sms), "digest");
});

test("a cell that is as it would be anyway is not sent, a critical one never changes", () => {
  const e = event({}), off = withMode({}, e, mail, "off");
  assert.deepEqual(off, { events: { "order.filled": { chn_1: "off" } } });
  assert.deepEqual(withMode(off, e, mail, "now"), { events: {} });
  const critical = event({ name: "bot.halted", critical: true });
  assert.deepEqual(withMode(off, critical, mail, "off"), off);
  assert.equal(modeOf({ events: { "bot.halted": { all: "off" } } }, critical, sms), "now");
});

test("channels that are gone are not sent", () => {
  assert.deepEqual(known({ quiet: null, events: { a: { chn_1: "off", chn_9: "now" }, b: { chn_9: "off" }, c: { all: "digest" } } }, [mail]), { quiet: null, events: { a: { chn_1: "off" }, c: { all: "digest" } } });
});
