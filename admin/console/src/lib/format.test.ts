import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAgo, formatDecimal, formatDuration, formatMoney, formatPercent } from "./format";

test("decimals keep every digit that counts", () => {
  assert.equal(formatDecimal("1234567.8900"), "1,234,567.89");
  assert.equal(formatDecimal("-0.00000001"), "−0.00000001");
  assert.equal(formatDecimal("123456789012345678901.5"), "123,456,789,012,345,678,901.5");
  assert.equal(formatDecimal("5", { signed: true, min: 2 }), "+5.00");
  assert.equal(formatDecimal("0.000", { signed: true }), "0");
  assert.equal(formatDecimal(null), "–");
});
test("money", () => {
  assert.equal(formatMoney("10000"), "10,000.00");
  assert.equal(formatMoney("0.00123456789", "USDT"), "0.001235 USDT");
  assert.equal(formatMoney("99.995"), "100.00");
});
test("percent and time", () => {
  assert.equal(formatPercent(12.345), "12.35 %");
  assert.equal(formatPercent(-3, { signed: true }), "−3.00 %");
  assert.equal(formatDuration(93_784_000), "1 d 2 h");
  assert.equal(formatDuration(250), "250 ms");
  assert.equal(formatAgo(0, 61_000), "1 min ago");
  assert.equal(formatAgo(7_200_000, 0), "in 2 h");
});
