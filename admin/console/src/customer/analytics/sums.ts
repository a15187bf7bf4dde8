// Groups of one currency added up, exactly: what the tiles above the table show.
import { add, cmp, div, parse, sub, toNumber, toText, ZERO, type Decimal } from "~/lib/decimal";

interface Group {
  trades: number;
  wins: number;
  profit: string;
  loss: string;
  fees: string;
  best: string | null;
  worst: string | null;
}

const d = (text: string | null): Decimal => parse(text) ?? ZERO;
const extreme = (all: (string | null)[], sign: 1 | -1): string | null => all.reduce((a, b) => (b === null ? a : a === null || cmp(d(b), d(a)) === sign ? b : a), null);

export function addUp(groups: readonly Group[]) {
  const trades = groups.reduce((n, g) => n + g.trades, 0), wins = groups.reduce((n, g) => n + g.wins, 0);
  const profit = groups.reduce((s, g) => add(s, d(g.profit)), ZERO), loss = groups.reduce((s, g) => add(s, d(g.loss)), ZERO), pnl = sub(profit, loss);
  const ratio = loss.units === 0n ? null : div(profit, loss, 6), each = trades ? div(pnl, { units: BigInt(trades), scale: 0 }, 8) : null;
  return {
    trades, wins, pnl: toText(pnl), fees: toText(groups.reduce((s, g) => add(s, d(g.fees)), ZERO)), winRate: trades ? (100 * wins) / trades : null,
    profitFactor: ratio ? toNumber(ratio) : null, expectancy: each ? toText(each) : null, best: extreme(groups.map((g) => g.best), 1), worst: extreme(groups.map((g) => g.worst), -1),
  };
}
