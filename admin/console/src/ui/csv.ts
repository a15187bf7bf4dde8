// A table as CSV (RFC 4180). Cells that a spreadsheet would take for a formula get an apostrophe in front, numbers do not.
export function csv(rows: readonly (readonly unknown[])[]): string {
  const cell = (v: unknown): string => {
    let s = v == null ? "" : String(v);
    if (/^[=+@\t\r]/.test(s) || (s.startsWith("-") && !/^-?[\d.]+(e[+-]?\d+)?$/i.test(s))) s = `'${s}`;
    return /[",\r\n]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s;
  };
  return rows.map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n";
}

export function saveFile(name: string, text: string, type = "text/csv;charset=utf-8"): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
