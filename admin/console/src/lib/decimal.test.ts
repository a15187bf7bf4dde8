import assert from "node:assert/strict";
import { test } from "node:test";
import { add, cmp, decimal, div, mul, neg, parse, round, sub, toText } from "./decimal";

const t = (f: (a: ReturnType<typeof decimal>, b: ReturnType<typeof decimal>) => ReturnType<typeof decimal>, a: string, b: string) => toText(f(decimal(a), decimal(b)));

test("what doubles get wrong stays exact", () => {
  assert.equal(t(add, "0.1", "0.2"), "0.3");
  assert.equal(t(sub, "1000000000000.00000001", "0.00000001"), "1000000000000.00000000");
  assert.equal(t(mul, "9007199254740993", "3"), "27021597764222979");
  assert.equal(t(mul, "-0.001", "0.001"), "-0.000001");
});

test("text in, the same text out", () => {
  for (const s of ["0", "-0.10", "12.5000", "99999999999999999999.123456789"]) assert.equal(toText(decimal(s)), s);
  assert.equal(toText(decimal("1e3")), "1000");
  assert.equal(toText(decimal("1.5e-3")), "0.0015");
  for (const s of ["", ".", "-", "1,5", "0x1", "NaN", "1 2", null, undefined]) assert.equal(parse(s), null, String(s));
});

test("rounding is half away from zero", () => {
  assert.equal(toText(round(decimal("1.005"), 2)), "1.01");
  assert.equal(toText(round(decimal("-1.005"), 2)), "-1.01");
  assert.equal(toText(round(decimal("1.0049"), 2)), "1.00");
  assert.equal(toText(round(decimal("2"), 2)), "2.00");
});

test("division", () => {
  assert.equal(toText(div(decimal("1"), decimal("3"), 4)!), "0.3333");
  assert.equal(toText(div(decimal("2"), decimal("3"), 4)!), "0.6667");
  assert.equal(toText(div(decimal("-1"), decimal("0.008"), 2)!), "-125.00");
  assert.equal(div(decimal("1"), decimal("0.00"), 2), null);
});

test("comparing across scales", () => {
  assert.equal(cmp(decimal("1.0"), decimal("1")), 0);
  assert.equal(cmp(decimal("0.9"), decimal("0.10")), 1);
  assert.equal(cmp(neg(decimal("5")), decimal("-4.99")), -1);
});
