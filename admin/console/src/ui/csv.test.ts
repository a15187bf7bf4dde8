import assert from "node:assert/strict";
import { test } from "node:test";
import { csv } from "./csv";

test("quotes, line ends, formulas", () => {
  assert.equal(csv([["a", 'b "c"', "d,e", "f\ng"]]), 'a,"b ""c""","d,e","f\ng"\r\n');
  assert.equal(csv([["=1+1", "-3.5", "-x", "@y", null, 0]]), "'=1+1,-3.5,'-x,'@y,,0\r\n");
});
