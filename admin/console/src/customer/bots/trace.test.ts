import assert from "node:assert/strict";
import { test } from "node:test";
import { askingStep, differences, excerpt, flat, moments, valuesByLine } from "./trace";

const step = (line: number, locals: Record<string, string>, callback?: string) => ({ line, function: "", locals, ...(callback ? { callback } : {}) });

test("variables add up from step to step, and begin anew with a callback", () => {
  const list = moments([step(1, { ctx: "table" }, "on_bar"), step(2, { x: "1" }), step(3, {}), step(2, { x: "2" }), step(9, { f: "fill" }, "on_fill")]);
  assert.deepEqual([...list[2]!.vars], [["ctx", "table"], ["x", "1"]]);
  assert.deepEqual([...list[3]!.changed], ["x"]);
  assert.equal(list[1]!.vars.get("x"), "1", "an earlier step is not changed by a later one");
  assert.deepEqual([...list[4]!.vars], [["f", "fill"]]);
  assert.deepEqual([...valuesByLine(list)], [[1, [["x", "1"]]], [3, [["x", "2"]]]]);
});

test("the source around the lines that ran", () => {
  const source = Array.from({ length: 20 }, (_, i) => `line ${i + 1}`).join("\n") + "\n";
  const shown = excerpt(source, new Set([5, 6, 15]), 1).map((l) => (l ? `${l.number}${l.run ? "*" : ""}` : "…"));
  assert.deepEqual(shown, ["…", "4", "5*", "6*", "7", "…", "14", "15*", "16", "…"]);
  assert.equal(excerpt(source, new Set([1]), 100).length, 20);
});

test("what changed comes first; nested indicators become rows", () => {
  assert.deepEqual(differences({ a: 1, b: { x: 1 } }, { a: 1, b: { x: 2 }, c: true }).map((d) => [d.name, d.before, d.after]), [["b", '{"x":1}', '{"x":2}'], ["c", undefined, "true"], ["a", "1", "1"]]);
  assert.deepEqual(flat({ rsi: { value: 3 }, macd: { macd: 1, hist: null } }), { rsi: 3, "macd.macd": 1, "macd.hist": null });
});

test("the line that asked: by its method, and by the tag where one has it", () => {
  const source = 'function on_bar(ctx)\n  if a then ctx:buy{qty=9, tag="much"} end\n  ctx:buy{qty=1, tag="little"}\n  log()\nend\n';
  const list = moments([2, 3, 4].map((n) => step(n, {})));
  assert.equal(askingStep(list, source, "much"), 0);
  assert.equal(askingStep(list, source, "little"), 1);
  assert.equal(askingStep(list, source, null), 1);
  assert.equal(askingStep(list, source, "made of parts"), 1);
  assert.equal(askingStep(list.slice(2), source, "much"), -1);
  assert.equal(askingStep(list, null, "much"), -1);
});
