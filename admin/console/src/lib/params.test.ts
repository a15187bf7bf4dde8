import assert from "node:assert/strict";
import { test } from "node:test";
import { checkParam, groupsOf, toTexts, toValues, type ParamSpec } from "./params";

const fast: ParamSpec = { name: "fast", kind: "int", default: 10, min: 2, max: 100, group: "Lines" };
const take: ParamSpec = { name: "take", kind: "pct", default: 1.5, min: 0.05, max: 50 };
const on: ParamSpec = { name: "on", kind: "bool", default: true };
const side: ParamSpec = { name: "side", kind: "enum", default: "long", choices: ["long", "short"], group: "Lines" };

test("ranges and forms are checked as the engine does", () => {
  assert.equal(checkParam(fast, "2"), undefined);
  assert.equal(checkParam(fast, "10.0"), undefined);
  assert.equal(checkParam(fast, "1"), "at least 2");
  assert.equal(checkParam(fast, "101"), "at most 100");
  assert.equal(checkParam(fast, "10.5"), "a whole number");
  assert.equal(checkParam(fast, ""), "a whole number");
  assert.equal(checkParam(take, "0.049999999999999999999"), "at least 0.05");
  assert.equal(checkParam(take, "1,5"), "a number, such as 1.5");
  assert.equal(checkParam(side, "flat"), "one of long, short");
  assert.equal(checkParam({ name: "t", kind: "tf", default: "1h" }, "15m"), undefined);
  assert.match(checkParam({ name: "t", kind: "time", default: "17:00" }, "24:00")!, /time/);
});

test("only what differs is sent", () => {
  const specs = [fast, take, on, side];
  const texts = toTexts(specs, { fast: 20 });
  assert.deepEqual(texts, { fast: "20", take: "1.5", on: "true", side: "long" });
  assert.deepEqual(toValues(specs, texts, { fast: 20 }), { values: {}, errors: {} });
  assert.deepEqual(toValues(specs, { ...texts, take: "2.50", on: "false" }, { fast: 20 }), { values: { take: 2.5, on: false }, errors: {} });
  assert.deepEqual(toValues(specs, { ...texts, fast: "1" }).errors, { fast: "at least 2" });
  assert.deepEqual(groupsOf(specs).map((g) => [g.name, g.params.length]), [["Lines", 2], ["", 2]]);
});

test("a number that is set as its text is not a change", () => {
  const p = { name: "scale", kind: "num", default: 1.4 };
  assert.deepEqual(toValues([p], { scale: "1.2" }, { scale: "1.2" }).values, {});
  assert.deepEqual(toValues([p], { scale: "1.20" }, { scale: 1.2 }).values, {});
  assert.deepEqual(toValues([p], { scale: "1.3" }, { scale: "1.2" }).values, { scale: 1.3 });
});
