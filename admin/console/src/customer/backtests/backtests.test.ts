import assert from "node:assert/strict";
import { test } from "node:test";
import { combinations, neighbours, parseValues, shade, suggestValues } from "./grid";
import type { ParamSpec } from "~/lib/params";
import { heat, rangesOf, suggestRange, worthOf, type Found, type Trial } from "./search";
import { differences, drawdown, drawn, monthly, pathWords, rebased, type Result } from "./result";

const fast: ParamSpec = { name: "fast", kind: "int", default: 10, min: 2, max: 100 };
const values = (text: string, p: ParamSpec = fast) => {
  const r = parseValues(text, p);
  return "values" in r ? r.values : r.error;
};

test("values and ranges of a parameter", () => {
  assert.deepEqual(values("5, 10,20"), [5, 10, 20]);
  assert.deepEqual(values("5..20:5"), [5, 10, 15, 20]);
  assert.deepEqual(values("5..7, 7, 9"), [5, 6, 7, 9]);
  assert.deepEqual(values("0.1..0.5:0.1", { name: "x", kind: "num", default: 1 }), [0.1, 0.2, 0.3, 0.4, 0.5]);
  assert.deepEqual(values("true,false", { name: "x", kind: "bool", default: true }), [true, false]);
  assert.deepEqual(values("long", { name: "x", kind: "enum", default: "long", choices: ["long", "short"] }), ["long"]);
  assert.match(String(values("")), /range/);
  assert.match(String(values("1")), /below the smallest value, 2/);
  assert.match(String(values("101")), /above/);
  assert.match(String(values("2.5")), /whole/);
  assert.match(String(values("ten")), /no number/);
  assert.match(String(values("20..5")), /must not be above/);
  assert.match(String(values("1..2", { name: "x", kind: "num", default: 1 })), /steps/);
  assert.match(String(values("both", { name: "x", kind: "enum", default: "long", choices: ["long"] })), /none of/);
});

test("what is suggested can be run", () => {
  for (const p of [fast, { ...fast, default: 2 }, { name: "x", kind: "num", default: 1.5, max: 2 }, { name: "b", kind: "bool", default: true }] as ParamSpec[])
    assert.ok("values" in parseValues(suggestValues(p), p), suggestValues(p));
});

test("every combination once", () => {
  const all = combinations([{ name: "a", values: [1, 2] }, { name: "b", values: ["x", "y", "z"] }]);
  assert.equal(all.length, 6);
  assert.equal(new Set(all.map((r) => JSON.stringify(r))).size, 6);
  assert.deepEqual(all[1], { a: 1, b: "y" });
});

test("colours and neighbours of a heat map", () => {
  assert.equal(shade(3, [1, 2, 3], 1), 1);
  assert.equal(shade(3, [1, 2, 3], -1), 0);
  assert.equal(shade(2, [2, 2], 1), 0.5);
  assert.equal(shade(NaN, [1, 2], 1), 0.5);
  assert.deepEqual(neighbours([[1, 2, null], [3, 9, 4]], 1, 1), [1, 2, 3, 4]);
});

test("curves", () => {
  assert.deepEqual(drawn([[1000, "1"], [1000, "2"], [2000, "x"], [3000, "4"]]), [{ time: 1000, value: 2 }, { time: 3000, value: 4 }]);
  const equity = [100, 120, 90, 150].map((value, i) => ({ time: i * 86_400_000 * 20, value }));
  assert.deepEqual(drawdown(equity).map((p) => p.value), [0, 0, -25, 0]);
  assert.deepEqual(rebased(equity).map((p) => Math.round(p.value)), [0, 20, -10, 50]);
  assert.deepEqual(monthly(equity).map((m) => [m.month, Math.round(m.pct)]), [["1970-01", 20], ["1970-02", -25], ["1970-03", 67]]);
});

test("three guesses in words", () => {
  const of = (near: number, worst: number, best: number) => pathWords({ paths: { nearer: { return_pct: near }, adverse: { return_pct: worst }, favourable: { return_pct: best } } } as unknown as Result);
  assert.equal(of(5, 5, 5)!.level, "ok");
  assert.equal(of(5, -1, 9)!.level, "bad");
  assert.equal(of(50, 20, 60)!.level, "warn");
  assert.equal(of(50, 49.5, 50.1)!.level, "ok");
  assert.equal(pathWords({ paths: { nearer: { return_pct: 1 }, adverse: {}, favourable: {} } } as unknown as Result), null);
});

test("only what differs", () => {
  assert.deepEqual(differences([{ a: 1, b: 2 }, { a: 1, b: 3 }, { a: 1, c: true }]), [{ name: "b", values: ["2", "3", null] }, { name: "c", values: [null, null, "true"] }]);
});

test("ranges of a search: suggested ones can be searched, and are counted", () => {
  const slow: ParamSpec = { name: "slow", kind: "int", default: 30, min: 5, max: 400 };
  const params = [fast, slow, { name: "x", kind: "num", default: 1, min: 0.5, max: 1.5 }, { name: "side", kind: "enum", default: "long", choices: ["long", "short"] }, { name: "n", kind: "int", default: 4 }] as ParamSpec[];
  const texts = Object.fromEntries(params.map((p) => [p.name, suggestRange(p)]));
  assert.equal(texts.fast, "2..100:10");
  assert.equal(texts.side, "long,short");
  const made = rangesOf(params, texts);
  assert.deepEqual(made.errors, {});
  assert.equal(made.count, Object.values(made.counts).reduce((a, b) => a * b, 1));
  assert.match(rangesOf(params, { fast: "1..5" }).errors.fast!, /below/);
  assert.equal(rangesOf(params, {}).count, 0);
});

test("what a search found: a map of means, and what the best is worth", () => {
  const trial = (rank: number, a: string, b: string, objective: number | null): Trial => ({ rank, params: { a, b }, accepted: objective !== null, objective, out_of_sample: null, neighbours: rank === 1 ? { count: 2, mean: 0.5, worst: 0.1 } : null });
  const found = {
    objective: { key: "sharpe", direction: "max" }, space: [{ name: "a", values: ["1", "2"] }, { name: "b", values: ["x", "y"] }],
    results: [trial(1, "1", "x", 2), trial(2, "1", "x", 1), trial(3, "2", "y", 0.5), trial(4, "2", "x", null)],
    unseen: { count: 20, profitable: 4, mean_in: 1, mean_out: -0.2 }, luck_sharpe: 1, walk_forward: null,
  } as unknown as Found;
  assert.deepEqual(heat(found, "a", "b").cells, [[1.5, null], [null, 0.5]]);
  const worth = worthOf(found);
  assert.deepEqual(worth.map((w) => w.tone), ["bad", "bad", "ok"]);
  assert.match(worth.map((w) => w.text).join(" "), /4 gained.*stands alone.*about 1\.00/s);
  assert.deepEqual(worthOf({ ...found, results: [trial(1, "1", "x", null)] }), [{ tone: "bad", text: "No run kept the conditions." }]);
});
