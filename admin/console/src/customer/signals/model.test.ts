import assert from "node:assert/strict";
import { test } from "node:test";
import { alertOf, draftOfStage, mapOf, nameFor, programBody, ratesOf, saidWords, sampleOf, signalWords, specsOf, stagesOf, tradingviewReaches, type Rule } from "./model";

const session = { name: "session", about: "", own: false, settings: [
  { name: "zone", kind: "text", default: "UTC", about: "clock" }, { name: "max", kind: "int", default: 5, min: 1, max: 10 }, { name: "side", kind: "text", default: "all", one_of: ["all", "long"] }, { name: "on", kind: "bool", default: false }] } as unknown as Rule;
const mapping = { name: "symbols", about: "", own: false, settings: [{ name: "map", kind: "map", default: {} }, { name: "cut", kind: "text", default: "" }] } as unknown as Rule;

test("alerts are JSON whatever the mapping", () => {
  const plain = JSON.parse(alertOf("strategy", {}, null)) as Record<string, unknown>;
  assert.equal(plain.ticker, "{{ticker}}");
  assert.equal(plain.action, "{{strategy.order.action}}");
  assert.equal("secret" in plain, false);
  const nested = JSON.parse(alertOf("strategy", { mapping: { symbol: "data.orders.0.pair", action: "data.orders.0.side", source: "=desk", size: "n" }, secret_path: "auth.key" }, "s3cret")) as unknown;
  assert.deepEqual(nested, { data: { orders: [{ pair: "{{ticker}}", side: "{{strategy.order.action}}" }] }, n: "{{strategy.order.contracts}}", auth: { key: "s3cret" } });
  assert.equal(alertOf("text", {}, null), "buy {{ticker}} @ {{close}} time={{timenow}}");
  assert.doesNotMatch(sampleOf({}), /\{\{/);
  assert.deepEqual(JSON.parse(programBody({ secret_path: "auth.key" }, "s3cret")), { symbol: "BTCUSDT", action: "buy", size: 0.01, auth: { key: "s3cret" } });
  assert.equal("secret" in (JSON.parse(programBody({}, null)) as object), false);
  assert.deepEqual(["", "443", "8080"].map(tradingviewReaches), [true, true, false]);
});

test("a stage's form gives back what it was made of, and only what differs", () => {
  const stage = { rule: "session", settings: { max: 7, side: "long" } };
  assert.deepEqual(stagesOf([draftOfStage(stage, session)], [session]), { stages: [stage], wrong: false });
  assert.deepEqual(stagesOf([draftOfStage({ rule: "session", settings: { max: 5 } }, session)], [session]).stages, [{ rule: "session" }]);
  const draft = draftOfStage(stage, session);
  draft.texts.max = "11";
  assert.equal(stagesOf([draft], [session]).wrong, true);
  assert.deepEqual(specsOf(session).specs.map((s) => s.kind), ["text", "int", "enum", "bool"]);
});

test("maps are lines", () => {
  const draft = draftOfStage({ rule: "symbols", name: "names", settings: { map: { XBT: "BTCUSDT" } } }, mapping);
  assert.equal(draft.maps.map, "XBT = BTCUSDT");
  draft.maps.map += "\n\n E=F ";
  assert.deepEqual(stagesOf([draft], [mapping]).stages, [{ rule: "symbols", name: "names", settings: { map: { XBT: "BTCUSDT", E: "F" } } }]);
  assert.match(mapOf("a = b\nnothing").error!, /line 2/);
  draft.maps.map = "=x";
  assert.equal(stagesOf([draft], [mapping]).wrong, true);
});

test("rates, names and words", () => {
  assert.deepEqual(ratesOf([{ state: "delivered" }, { state: "rejected" }, { state: "failed" }, { state: "refused" }, { state: "duplicate" }]), { total: 5, passed: 1, rejected: 1, refused: 2, other: 1 });
  const draft = draftOfStage({ rule: "session" }, session);
  assert.equal(nameFor("symbols", [draft]), "");
  assert.equal(nameFor("session", [draft, draftOfStage({ rule: "session", name: "session 2" }, session)]), "session 3");
  assert.equal(signalWords({ action: "buy", symbol: "BTCUSDT", size: 0.02, price: 43000 }), "buy 0.02 BTCUSDT @ 43000");
  assert.equal(saidWords({ stage: "a", accept: true, note: "cut", set: { size: 1, tp: false } }), "cut · size → 1, without tp");
});
