// Two parameters against each other: a table whose cells are the darker the better, the best of them framed.
import { createMemo, For, Show, type JSX } from "solid-js";
import { bestCells, shade, type Field } from "./grid";
import "./backtests.css";

const DARKEST_PCT = 42; // text stays readable on it in both themes

export function HeatTable(props: {
  label: string; // what is shown: "Sharpe"
  field: Field;
  better: -1 | 0 | 1;
  write: (value: number) => string;
  /** What stands in a cell instead of its figure: a link around it, why there is none. */
  cell?: (row: number, column: number, text: string | null) => JSX.Element;
}): JSX.Element {
  const known = createMemo(() => props.field.cells.flat().filter((v): v is number => v !== null));
  const best = createMemo(() => new Set(bestCells(props.field.cells, props.better).map(([r, c]) => `${r} ${c}`)));
  return (
    <div class="table-wrap" tabindex="0" role="region" aria-label={`${props.label} by ${props.field.down} and ${props.field.across}`}>
      <table class="heat">
        <thead><tr><th scope="col" class="small muted">{props.field.down} ↓ {props.field.across} →</th><For each={props.field.columns}>{(v) => <th scope="col">{v}</th>}</For></tr></thead>
        <tbody>
          <For each={props.field.rows}>
            {(name, r) => (
              <tr>
                <th scope="row">{name}</th>
                <For each={props.field.columns}>
                  {(_, c) => {
                    const value = () => props.field.cells[r()]?.[c()] ?? null;
                    const text = () => (value() === null ? null : props.write(value()!));
                    const top = () => best().has(`${r()} ${c()}`);
                    return (
                      <td classList={{ best: top() }} style={{ "--heat": value() === null ? "0%" : `${Math.round(shade(value()!, known(), props.better || 1) * DARKEST_PCT)}%` }}>
                        {props.cell ? props.cell(r(), c(), text()) : <span>{text() ?? "–"}</span>}
                        <Show when={top()}><span class="sr">the best</span></Show>
                      </td>
                    );
                  }}
                </For>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </div>
  );
}
