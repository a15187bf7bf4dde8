// A table of rows that are here already: sorted, filtered, paged – or all of them, drawn as far as they are seen (`virtual`) –, and
// saved as CSV. On a phone its rows become cards. Columns are data:
//
//   const columns: Column<Bot>[] = [
//     { id: "name", label: "Name", value: (b) => b.name, cell: (b) => <A href={`/bots/${b.id}`}>{b.name}</A>, lead: true },
//     { id: "equity", label: "Equity", value: (b) => b.equity, kind: "decimal", cell: (b) => <Money value={b.equity} /> },
//   ];
import { createSolidTable, getCoreRowModel, getFilteredRowModel, getPaginationRowModel, getSortedRowModel, type ColumnDef, type SortingState } from "@tanstack/solid-table";
import { createVirtualizer } from "@tanstack/solid-virtual";
import { createEffect, createMemo, createSignal, createUniqueId, For, on, Show, type JSX } from "solid-js";
import { cmp, parse } from "~/lib/decimal";
import { formatCount, formatDateTime } from "~/lib/format";
import { Button } from "./button";
import { csv, saveFile } from "./csv";
import { Icon } from "./icons";

export interface Column<T> {
  id: string;
  label: string;
  /** What is sorted, searched and saved. */
  value: (row: T) => string | number | boolean | null | undefined;
  /** What is shown; else the value. */
  cell?: (row: T) => JSX.Element;
  /** decimal: text that is a number, compared as such. Both numeric kinds stand right. */
  kind?: "text" | "number" | "decimal";
  right?: boolean;
  /** The cell that names the row: heading of its card on a phone. */
  lead?: boolean;
  sortable?: boolean;
  /** Left out on a phone, of a table whose rows are lines there too (`virtual`): its details have it. */
  minor?: boolean;
  /** Left out of the CSV: actions. */
  bare?: boolean;
}

export interface TableProps<T> {
  rows: readonly T[];
  columns: readonly Column<T>[];
  key: (row: T) => string;
  label: string;
  /** Rows of a page; 0: all on one page. */
  pageSize?: number;
  /** Draw only what is seen, in a box of so many pixels: for thousands of rows. No pages then. */
  virtual?: number;
  /** The file's name without ".csv": shows the button. */
  csvName?: string;
  search?: boolean | string;
  sort?: { id: string; desc: boolean };
  onRow?: (row: T) => void;
  selected?: (row: T) => boolean;
  empty?: JSX.Element;
  tools?: JSX.Element;
  /** More can be had from the service. */
  more?: { busy: boolean; load: () => void } | null;
}

const numeric = <T,>(c: Column<T>): boolean => c.kind === "number" || c.kind === "decimal";

function compare<T>(c: Column<T>, a: T, b: T): number {
  const x = c.value(a), y = c.value(b);
  if (c.kind === "decimal") {
    const p = parse(x == null ? null : String(x)), q = parse(y == null ? null : String(y));
    return p && q ? cmp(p, q) : p ? 1 : q ? -1 : 0;
  }
  if (typeof x === "number" || typeof y === "number") return Number(x ?? -Infinity) - Number(y ?? -Infinity);
  return String(x ?? "").localeCompare(String(y ?? ""), undefined, { numeric: true, sensitivity: "base" });
}

// What a search looks through: a moment as it is shown, or "57" would be in the milliseconds of half of all rows.
const MOMENT = 1e11;
const searched = (v: string | number | boolean | null | undefined): string => (typeof v === "number" && v > MOMENT ? formatDateTime(v) : String(v ?? ""));

export function Table<T>(props: TableProps<T>): JSX.Element {
  const searchId = createUniqueId();
  const [sorting, setSorting] = createSignal<SortingState>(props.sort ? [props.sort] : []);
  const [search, setSearch] = createSignal("");
  // Cards are taller than rows.
  const phone = matchMedia("(max-width: 640px)").matches;
  const pageSize = () => (props.virtual ? 1_000_000 : phone ? Math.min(props.pageSize || 15, 15) : props.pageSize || 1_000_000);
  const byId = createMemo(() => new Map(props.columns.map((c) => [c.id, c])));
  const defs = createMemo((): ColumnDef<T>[] => props.columns.map((c) => ({
    id: c.id, header: c.label, accessorFn: (row: T) => c.value(row), enableSorting: c.sortable !== false && !c.bare,
    sortingFn: (a, b) => compare(c, a.original, b.original), sortUndefined: "last", filterFn: "includesString",
  })));
  // One array for as long as the rows are the same: each access to another one would sort and filter anew.
  const data = createMemo((): T[] => [...props.rows]);
  const table = createSolidTable<T>({
    get data() { return data(); },
    get columns() { return defs(); },
    state: {
      get sorting() { return sorting(); },
      get globalFilter() { return search(); },
    },
    initialState: { pagination: { pageIndex: 0, pageSize: pageSize() } },
    autoResetPageIndex: false,
    getRowId: (row) => props.key(row),
    globalFilterFn: (row, _id, text: string) => {
      const words = text.toLowerCase().split(/\s+/).filter(Boolean);
      const line = props.columns.map((c) => searched(c.value(row.original))).join(" ").toLowerCase();
      return words.every((w) => line.includes(w));
    },
    getColumnCanGlobalFilter: () => true,
    onSortingChange: setSorting,
    onGlobalFilterChange: setSearch,
    getCoreRowModel: getCoreRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    getPaginationRowModel: getPaginationRowModel(),
  });
  createEffect(on(search, () => table.setPageIndex(0), { defer: true }));

  const rows = () => table.getRowModel().rows;
  const found = () => table.getFilteredRowModel().rows.length;
  const save = (): void => {
    const shown = props.columns.filter((c) => !c.bare);
    saveFile(`${props.csvName}.csv`, csv([shown.map((c) => c.label), ...table.getPrePaginationRowModel().rows.map((r) => shown.map((c) => c.value(r.original)))]));
  };

  let box: HTMLDivElement | undefined;
  const virtualizer = createVirtualizer<HTMLDivElement, HTMLTableRowElement>({
    get count() { return props.virtual ? rows().length : 0; },
    getScrollElement: () => box ?? null,
    estimateSize: () => 40,
    overscan: 12,
  });
  const drawn = () => (props.virtual ? virtualizer.getVirtualItems().map((v) => rows()[v.index]!).filter(Boolean) : rows());
  // Rows are known by their key: a list that was read again keeps what it shows, so that nothing vanishes under a pointer.
  const keys = createMemo(() => drawn().map((r) => r.id));
  const shownByKey = createMemo(() => new Map(drawn().map((r) => [r.id, r.original])));
  const before = () => (props.virtual ? (virtualizer.getVirtualItems()[0]?.start ?? 0) : 0);
  const after = () => {
    const last = props.virtual ? virtualizer.getVirtualItems().at(-1) : undefined;
    return last ? virtualizer.getTotalSize() - last.end : 0;
  };

  return (
    <>
      <Show when={props.search || props.csvName || props.tools}>
        <div class="table-tools">
          <Show when={props.search}>
            <label class="sr" for={searchId}>{typeof props.search === "string" ? props.search : `Search ${props.label}`}</label>
            <input id={searchId} type="search" class="input" placeholder={typeof props.search === "string" ? props.search : "Search"} value={search()} onInput={(e) => setSearch(e.currentTarget.value)} />
          </Show>
          {props.tools}
          <span class="grow" />
          <Show when={props.csvName}><Button small kind="quiet" icon="download" onClick={save} disabled={!props.rows.length}>CSV</Button></Show>
        </div>
      </Show>
      <Show when={found() > 0} fallback={props.rows.length && search() ? <p class="empty">Nothing matches “{search()}”.</p> : (props.empty ?? <p class="empty">Nothing here yet.</p>)}>
        <div class="table-wrap" ref={box} style={props.virtual ? { height: `${props.virtual}px` } : {}} tabindex={props.virtual ? 0 : undefined} role={props.virtual ? "region" : undefined} aria-label={props.virtual ? props.label : undefined}>
          <table class="table" classList={{ cards: !props.virtual }} aria-label={props.label} aria-rowcount={props.virtual ? found() + 1 : undefined}>
            <thead>
              <For each={table.getHeaderGroups()}>
                {(group) => (
                  <tr>
                    <For each={group.headers}>
                      {(h) => {
                        const c = byId().get(h.column.id)!;
                        const sorted = () => h.column.getIsSorted();
                        return (
                          <th scope="col" classList={{ right: c.right ?? numeric(c), minor: c.minor }} aria-sort={sorted() === "asc" ? "ascending" : sorted() === "desc" ? "descending" : undefined}>
                            <Show when={h.column.getCanSort()} fallback={<span>{c.label}</span>}>
                              <button type="button" onClick={() => h.column.toggleSorting()}>
                                {c.label}
                                <Show when={sorted()}><Icon name={sorted() === "asc" ? "up" : "down"} size={12} /></Show>
                              </button>
                            </Show>
                          </th>
                        );
                      }}
                    </For>
                  </tr>
                )}
              </For>
            </thead>
            <tbody>
              <Show when={before() > 0}><tr aria-hidden="true"><td colSpan={props.columns.length} style={{ height: `${before()}px`, padding: "0", border: "0" }} /></tr></Show>
              <For each={keys()}>
                {(key) => {
                  const row = createMemo((before?: T): T => (shownByKey().get(key) ?? before)!);
                  return (
                    <tr classList={{ clickable: !!props.onRow, selected: props.selected?.(row()) }} onClick={(e) => props.onRow && !(e.target as Element).closest("a, button, input, label") && props.onRow(row())}>
                      <For each={props.columns}>
                        {(c) => <td classList={{ right: c.right ?? numeric(c), num: numeric(c), lead: c.lead, minor: c.minor }} data-label={c.bare ? "" : c.label}>{c.cell ? c.cell(row()) : String(c.value(row()) ?? "–")}</td>}
                      </For>
                    </tr>
                  );
                }}
              </For>
              <Show when={after() > 0}><tr aria-hidden="true"><td colSpan={props.columns.length} style={{ height: `${after()}px`, padding: "0", border: "0" }} /></tr></Show>
            </tbody>
          </table>
        </div>
      </Show>
      <Show when={table.getPageCount() > 1 || props.more || (props.virtual && found() > 0)}>
        <div class="table-foot">
          <span class="num">{formatCount(found())} {found() === 1 ? "row" : "rows"}{props.more ? " loaded" : ""}</span>
          <div class="row">
            <Show when={props.more}>{(m) => <Button small busy={m().busy} onClick={() => m().load()}>Load more</Button>}</Show>
            <Show when={table.getPageCount() > 1}>
              <Button small kind="quiet" icon="left" iconOnly disabled={!table.getCanPreviousPage()} onClick={() => table.previousPage()}>Previous page</Button>
              <span class="num">{table.getState().pagination.pageIndex + 1} / {table.getPageCount()}</span>
              <Button small kind="quiet" icon="right" iconOnly disabled={!table.getCanNextPage()} onClick={() => table.nextPage()}>Next page</Button>
            </Show>
          </div>
        </div>
      </Show>
    </>
  );
}
