import assert from "node:assert/strict";
import { test } from "node:test";
import { axesOf, bestCells, combinations, neighbours, parseValues, shade, standsAlone, suggestValues } from "./grid";
import type { ParamSpec } from "~/lib/params";
import { botLink, heat, suggestRange, worthOf, type Found, type SearchRow, type Trial } from "./search";
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
  assert.deepEqual(bestCells([[1, 9, null], [9, 2, 4]], 1), [[0, 1], [1, 0]]);
  assert.deepEqual(bestCells([[1, 9, null], [9, 2, 4]], -1), [[0, 0]]);
  assert.deepEqual(bestCells([[1, 9]], 0), []);
  assert.deepEqual(standsAlone([[1, 2, 1], [2, 9, 2]], 1), { top: 9, mean: 1.6 });
  assert.equal(standsAlone([[7, 8, 1], [8, 9, 8]], 1), null);
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
  const made = axesOf(params, texts);
  assert.deepEqual(made.errors, {});
  assert.deepEqual(made.axes.map((a) => a.name), params.map((p) => p.name));
  assert.equal(made.count, combinations(made.axes).length);
  const wrong = axesOf(params, { fast: "1..5", slow: "10,20", fats: "1" });
  assert.match(wrong.errors.fast!, /below/);
  assert.match(wrong.errors.fats!, /no such/);
  assert.deepEqual(wrong.axes, [{ name: "slow", values: [10, 20] }]);
  assert.equal(axesOf(params, {}).count, 0);
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
  // What lost money where it was chosen is not good, however well it did afterwards.
  const of = (return_pct: number) => worthOf({ ...found, results: [{ ...trial(1, "1", "x", -0.3), neighbours: null, stats: { return_pct } }], unseen: { count: 20, profitable: 20, mean_in: -0.3, mean_out: 2 }, luck_sharpe: null });
  assert.deepEqual(of(3).map((w) => w.tone), ["ok"]);
  assert.deepEqual(of(-4).map((w) => w.tone), ["bad", "warn"]);
  assert.match(of(-4).map((w) => w.text).join(" "), /earned nothing.*−4\.00 %.*the market's doing/s);
});

test("a bot of what was found trades the market that it was found on", () => {
  const row = { strategy_id: "str_1", request: { params: { size: 2 }, data: [{ role: "detail", venue: "x", symbol: "A", timeframe: "1m" }, { venue: "sim", symbol: "A", timeframe: "1h" }] } } as unknown as SearchRow;
  const link = new URL(botLink(row, { fast: "5" }), "http://localhost");
  assert.deepEqual(Object.fromEntries(link.searchParams), { strategy: "str_1", params: '{"size":2,"fast":"5"}', symbol: "A", timeframe: "1h", venue: "sim" });
});
