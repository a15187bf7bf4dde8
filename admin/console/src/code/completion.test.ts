import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { complete, explain } from "./completion";
import { contextAt, declared } from "./context";
import type { Reference } from "./reference";

// The engine's own description; indicators come from the binary, so a few stand here.
const root = process.env.PERIGEE_ROOT ?? `${process.cwd()}/../..`;
const ref = {
  ...JSON.parse(readFileSync(`${root}/lua/reference.json`, "utf8")),
  indicators: [
    { name: "sma", about: "Simple moving average.", definition: "Mean.", params: [{ name: "period", default: 20, min: 1, max: 9, integer: true }], outputs: ["value"], first_bar: 19, source: "close" },
    { name: "macd", about: "Convergence.", definition: "", params: [], outputs: ["macd", "signal", "hist"], first_bar: 33, source: "close" },
  ],
  sources: ["close", "hl2"],
} as Reference;

const HEAD = `strategy{ name="x", api=1,
  params={ fast=int{10, min=2}, -- {
           size=pct{95} },
  data={ main={}, h1={tf="1h"} },
  ind={ f={"sma", "fast", on="h1"}, m={"macd"} } }
`;

/** The text with the cursor at "|". */
function at(text: string): string[] {
  const pos = text.indexOf("|");
  return complete(ref, text.replace("|", ""), pos, true)?.items.map((i) => i.label) ?? [];
}
function offers(text: string, wanted: string[], unwanted: string[] = []): void {
  const got = at(text);
  for (const w of wanted) assert.ok(got.includes(w), `${w} is not offered at ${text.slice(-60)}: ${got.join(" ")}`);
  for (const u of unwanted) assert.ok(!got.includes(u), `${u} is offered at ${text.slice(-60)}`);
}

test("what the header declares", () => {
  assert.deepEqual(declared(HEAD), {
    params: [{ name: "fast", kind: "int" }, { name: "size", kind: "pct" }],
    indicators: [{ name: "f", kind: "sma" }, { name: "m", kind: "macd" }],
    streams: ["main", "h1"],
  });
});

test("brackets in texts and comments do not count", () => {
  const text = 'ctx:buy{ tag="{", -- {{{\n qty=1, ';
  assert.deepEqual(contextAt(text, text.length).frames.map((f) => f.callee), ["ctx:buy"]);
  assert.ok(contextAt("-- {", 4).inComment);
  assert.ok(contextAt('x = "a', 6).inString);
  assert.equal(contextAt("--[[ { ]] f(", 12).frames.length, 1);
});

test("behind ctx: methods, behind ctx. fields", () => {
  offers(HEAD + "function on_bar(ctx, bar)\n  ctx:|", ["buy", "target", "log"], ["now", "if"]);
  offers(HEAD + "function on_bar(ctx, bar)\n  ctx.|", ["now", "pos", "ind"], ["buy"]);
  offers(HEAD + "function on_bar(ctx, bar)\n  x = ctx.pos.a|", ["avg", "qty"], ["now"]);
});

test("the script's own parameters, indicators and their outputs", () => {
  offers(HEAD + "function on_bar(ctx, bar)\n  if ctx.p.|", ["fast", "size"], ["main"]);
  offers(HEAD + "function on_bar(ctx, bar)\n  if ctx.ind.|", ["f", "m"]);
  offers(HEAD + "function on_bar(ctx, bar)\n  if ctx.ind.m.|", ["signal", "hist"]);
  assert.deepEqual(at(HEAD + "function on_bar(ctx, bar)\n  if ctx.ind.f.|"), []);
});

test("arguments of the callback around, by their type", () => {
  offers(HEAD + "function on_bar(ctx, b)\n  local x = b.|", ["close", "high"], ["maker"]);
  offers(HEAD + "function on_fill(ctx, f)\n  local x = f.|", ["maker", "fee"], ["close"]);
});

test("options of the order that is written, without those that stand there", () => {
  offers(HEAD + "function on_bar(ctx, bar)\n  ctx:buy{qty=1, |", ["sl", "tag", "type"], ["qty", "step", "fast"]);
  offers(HEAD + "function on_bar(ctx, bar)\n  ctx:ladder{|", ["step", "base"], ["qty"]);
  offers(HEAD + "function on_bar(ctx, bar)\n  ctx:enter(1, {|", ["notional", "sl"], ["step"]);
  offers(HEAD + 'function on_bar(ctx, bar)\n  ctx:buy{type="|"}', ["limit", "stop"]);
});

test("in the header", () => {
  offers("strategy{ |", ["name", "params", "ind"], ["qty"]);
  offers('strategy{ name="x", api=1, params={ a=|', ["int", "pct"]);
  offers('strategy{ name="x", api=1, params={ a=int{10, |', ["min", "max"], ["name"]);
  offers('strategy{ name="x", api=1, ind={ a={"|"} } }', ["sma", "macd"], ["fast"]);
  offers(HEAD.replace('"fast", on', '"|", on'), ["fast", "size"], ["sma"]);
  offers(HEAD.replace('on="h1"', 'on="|"'), ["main", "h1"]);
  offers('strategy{ name="x", api=1, ind={ a={"sma", 10, source="|"} } }', ["hl2"]);
});

test("callbacks that are not there yet; denial codes", () => {
  offers(HEAD + "function on_bar(ctx, bar) end\nfunction |", ["on_fill", "on_timer"], ["on_bar"]);
  offers(HEAD + 'function on_bar(ctx, bar)\n  local o, err = ctx:buy{qty=1}\n  if err.code == "|"', ["MARGIN"]);
});

test("nothing in comments, nothing unasked behind a space", () => {
  assert.deepEqual(at("-- ctx.|"), []);
  assert.equal(complete(ref, "local x = ", 10), null);
});

test("what stands under the pointer", () => {
  const text = HEAD + 'function on_bar(ctx, bar)\n  ctx:buy{qty=1, tag="a"}\n  print(1)\nend';
  const word = (w: string) => explain(ref, text, text.lastIndexOf(w) + 1)?.item;
  assert.match(word("buy")!.about!, /Buys/);
  assert.match(word("tag")!.about!, /name of your own/);
  assert.match(word("sma")!.about!, /Simple moving average/);
  assert.match(word("on_bar")!.about!, /closed/);
  assert.match(word("print")!.about!, /ctx:log/);
  assert.equal(explain(ref, text, text.indexOf("x")), null);
});
