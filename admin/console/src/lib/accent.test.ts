import assert from "node:assert/strict";
import { test } from "node:test";
import { accentsOf, contrast, mix, parseColour, toHex, type Rgb } from "./accent";

const rgb = (text: string): Rgb => parseColour(text)!;

test("colours are read as CSS writes them, and nothing else is one", () => {
  assert.deepEqual(parseColour("#0a7"), [0, 170, 119]);
  assert.equal(toHex(rgb("#00A37a")), "#00a37a");
  for (const s of ["", "red", "#12", "#12345", "#1234567", "url(x)", "#0a7;}body{", "0a7"]) assert.equal(parseColour(s), null, s);
});

test("contrast is WCAG's", () => {
  assert.equal(contrast(rgb("#000"), rgb("#fff")), 21);
  assert.equal(contrast(rgb("#777"), rgb("#fff")).toFixed(2), "4.48"); // WCAG's own example of what just fails
});

test("whatever the edition's colour: text can be read in both themes", () => {
  const colours = ["#000", "#fff", "#ff0", "#0ff", "#f0f", "#808080", "#00a37a", "#12326b", "#d9480f", "#1f6feb", "#5b5bd6", "#ffdb00", "#0b0e16"];
  for (const text of colours) {
    const { light, dark } = accentsOf(rgb(text));
    for (const [name, a, grounds] of [["light", light, ["#ffffff", "#f5f6f9", "#eef0f5"]], ["dark", dark, ["#0d1017", "#151923", "#1d2230"]]] as const) {
      for (const ground of [...grounds, a.soft, a.on]) assert.ok(contrast(rgb(a.accent), rgb(ground)) >= 4.5, `${text}, ${name}: ${a.accent} on ${ground}`);
      assert.ok(contrast(rgb(a.hover), rgb(a.on)) >= 4.5, `${text}, ${name}: text on ${a.hover}`);
    }
  }
});

test("a colour that can be read already is taken as it is", () => {
  assert.equal(accentsOf(rgb("#12326b")).light.accent, "#12326b");
  assert.equal(toHex(mix(rgb("#000"), rgb("#fff"), 0.5)), "#808080");
});
