import assert from "node:assert/strict";
import { test } from "node:test";
import { addUp } from "./sums";

test("groups add up exactly, beyond what a double could", () => {
  const s = addUp([
    { trades: 3, wins: 2, profit: "90071992547409.93", loss: "0.00000001", fees: "0.1", best: "90071992547409.9", worst: "-0.00000001" },
    { trades: 1, wins: 0, profit: "0", loss: "2.5", fees: "0.2", best: "-2.5", worst: "-2.5" },
  ]);
  assert.deepEqual({ ...s, profitFactor: 0 }, { trades: 4, wins: 2, pnl: "90071992547407.42999999", fees: "0.3", winRate: 50, profitFactor: 0, expectancy: "22517998136851.85750000", best: "90071992547409.9", worst: "-2.5" });
});

test("nothing is no division by nothing", () => {
  assert.deepEqual(addUp([]), { trades: 0, wins: 0, pnl: "0", fees: "0", winRate: null, profitFactor: null, expectancy: null, best: null, worst: null });
});
