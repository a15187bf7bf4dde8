// The editor of all scripts – strategies, rules, operators' own – and the comparison of two sources. CodeMirror is a third of a megabyte,
// so pages import this lazily (code/index.tsx does).
//
// Both live in a shadow root: CodeMirror brings its style sheets along, which the page's content security policy refuses in a document
// and a shadow root adopts without inline code. Tokens of the design system reach in there by themselves.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, startCompletion, type CompletionContext } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { lua } from "@codemirror/legacy-modes/mode/lua";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, hoverTooltip, keymap, lineNumbers, type Tooltip } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";
import { createEffect, on, onCleanup, onMount, type JSX } from "solid-js";
import { spanOf, type Check } from "./check";
import { complete, explain, type Item } from "./completion";
import type { Reference } from "./reference";

// ---- looks

const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "13px", height: "100%" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--accent)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--accent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 26%, transparent)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--text-3)", border: "0", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--surface-2) 60%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--surface-2)", color: "var(--text)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line-strong)", borderRadius: "8px", boxShadow: "var(--shadow-2)", maxWidth: "min(520px, 92vw)" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12.5px", maxHeight: "16em" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "3px 10px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-completionDetail": { color: "var(--text-2)", fontStyle: "normal", marginLeft: "1em" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-completionInfo": { fontFamily: "var(--font)", fontSize: "13px", padding: "8px 12px", whiteSpace: "pre-wrap", maxWidth: "360px" },
  ".doc": { padding: "8px 12px", fontFamily: "var(--font)", fontSize: "13px", lineHeight: "1.45", whiteSpace: "pre-wrap" },
  ".doc code": { fontFamily: "var(--mono)", fontWeight: "600" },
  ".cm-diagnostic": { padding: "6px 12px", fontFamily: "var(--font)", fontSize: "13px", whiteSpace: "pre-wrap" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--down)" },
  ".cm-diagnostic-warning": { borderLeft: "4px solid var(--warn)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--down) 1px", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--warn) 1px", textUnderlineOffset: "3px" },
  ".cm-panels": { backgroundColor: "var(--surface-2)", color: "var(--text)" },
  ".cm-searchMatch": { backgroundColor: "var(--warn-soft)", outline: "1px solid var(--warn)" },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--accent) 14%, transparent)" },
  ".cm-textfield": { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line-strong)", borderRadius: "5px" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line-strong)", borderRadius: "5px" },
  // Pale, and the changed words underlined: every colour of the code must stay readable on it.
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": { backgroundColor: "color-mix(in srgb, var(--down) 8%, var(--surface))" },
  "&.cm-merge-b .cm-changedLine, .cm-changedLine": { backgroundColor: "color-mix(in srgb, var(--up) 8%, var(--surface))" },
  "&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText": { background: "none", borderBottom: "1px solid color-mix(in srgb, var(--down) 45%, transparent)" },
  "&.cm-merge-b .cm-changedText, .cm-changedText": { background: "none", borderBottom: "1px solid color-mix(in srgb, var(--up) 45%, transparent)" },
  ".cm-deletedChunk del, .cm-changedLine del, .cm-changedLine ins": { textDecoration: "none" },
  ".cm-collapsedLines": { background: "var(--surface-2)", color: "var(--text-2)", padding: "4px 12px" },
});

const colours = HighlightStyle.define([
  { tag: t.keyword, color: "var(--accent)", fontWeight: "600" },
  { tag: [t.string, t.special(t.string)], color: "var(--up)" },
  { tag: [t.number, t.bool, t.atom], color: "var(--chart-6)" },
  { tag: t.comment, color: "var(--text-2)", fontStyle: "italic" },
  { tag: [t.standard(t.variableName), t.definition(t.variableName)], color: "var(--chart-4)" },
]);

const language = [StreamLanguage.define(lua), syntaxHighlighting(colours), indentUnit.of("  "), EditorState.tabSize.of(2)];

// ---- completion and words under the pointer

const TYPES: Record<Item["kind"], string> = { method: "method", property: "property", function: "function", keyword: "keyword", variable: "variable", constant: "constant", class: "class", text: "text" };

function apply(item: Item): string | ((view: EditorView, _c: unknown, from: number, to: number) => void) {
  const insert = item.insert;
  if (!insert) return item.label;
  return (view, _c, from, to) => {
    // No second bracket or "=" where one stands already.
    const next = view.state.sliceDoc(to, to + 1), stands = /^[{(=]/.test(next) ? next : "";
    const cut = stands ? insert.slice(0, insert.search(/[{(=]/)) : insert;
    const text = cut.replace("|", ""), at = cut.indexOf("|");
    view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + (at < 0 ? text.length : at) }, userEvent: "input.complete" });
    if (/[{=]\|/.test(cut)) setTimeout(() => startCompletion(view), 30);
  };
}

const completion = (reference: () => Reference | null): Extension =>
  autocompletion({
    override: [
      (c: CompletionContext) => {
        const ref = reference();
        const found = ref && complete(ref, c.state.doc.toString(), c.pos, c.explicit);
        return found && { from: found.from, options: found.items.map((i) => ({ label: i.label, type: TYPES[i.kind], detail: i.detail, info: i.about || undefined, apply: apply(i), boost: i.kind === "keyword" ? -1 : 0 })), validFor: /^\w*$/ };
      },
    ],
    icons: false,
  });

function words(item: Item): HTMLElement {
  const box = document.createElement("div"), name = document.createElement("code");
  box.className = "doc";
  name.textContent = item.detail && item.detail.startsWith(item.label) ? item.detail : item.label + (item.detail ? `  ${item.detail}` : "");
  box.append(name, document.createTextNode(item.about ? `\n${item.about}` : ""));
  return box;
}

const hover = (reference: () => Reference | null): Extension =>
  hoverTooltip((view, pos): Tooltip | null => {
    const ref = reference(), found = ref && explain(ref, view.state.doc.toString(), pos);
    return found && { pos: found.from, end: found.to, above: true, create: () => ({ dom: words(found.item) }) };
  });

// ---- the editor

export interface CodeHandle {
  /** Puts the cursor there and shows it. */
  goto: (p: { line: number | null; column: number; length: number }) => void;
  focus: () => void;
}

export function Editor(props: { value: string; onValue: (text: string) => void; check: { source: string; check: Check } | null; reference: Reference | null; label: string; readOnly?: boolean; ref?: (handle: CodeHandle) => void; onSave?: () => void }): JSX.Element {
  let host!: HTMLDivElement;
  onMount(() => {
    const root = host.attachShadow({ mode: "open" });
    let told = props.value;
    const view = new EditorView({
      root, parent: root as unknown as HTMLElement,
      state: EditorState.create({
        doc: props.value,
        extensions: [
          lineNumbers(), highlightActiveLineGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(), lintGutter(),
          language, look, completion(() => props.reference), hover(() => props.reference),
          keymap.of([{ key: "Mod-s", preventDefault: true, run: () => (props.onSave?.(), true) }, ...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap]),
          EditorState.readOnly.of(!!props.readOnly), EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": props.label, tabindex: "0", spellcheck: "false", autocapitalize: "off" }),
          EditorView.updateListener.of((u) => {
            if (!u.docChanged) return;
            told = u.state.doc.toString();
            props.onValue(told);
          }),
        ],
      }),
    });
    createEffect(on(() => props.value, (value) => {
      if (value !== told) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
    }));
    createEffect(on(() => props.check, (c) => {
      const text = view.state.doc.toString();
      if (!c || c.source !== text) return; // a newer answer is on its way
      const found = c.check.problems.flatMap((p): Diagnostic[] => {
        const span = spanOf(text, p);
        return span ? [{ ...span, severity: p.severity, message: p.hint ? `${p.message}\n${p.hint}` : p.message }] : [];
      });
      view.dispatch(setDiagnostics(view.state, found));
    }));
    props.ref?.({
      goto: (p) => {
        const span = spanOf(view.state.doc.toString(), p);
        if (span) view.dispatch({ selection: { anchor: span.from, head: span.to }, effects: EditorView.scrollIntoView(span.from, { y: "center" }) });
        view.focus();
      },
      focus: () => view.focus(),
    });
    onCleanup(() => view.destroy());
  });
  return <div ref={host} class="code" />;
}

// ---- two sources, side by side or one below the other

export function Difference(props: { before: string; after: string; labels: [string, string]; unified: boolean }): JSX.Element {
  let host!: HTMLDivElement;
  onMount(() => {
    const root = host.attachShadow({ mode: "open" });
    const named = (label: string): Extension => [lineNumbers(), language, look, EditorView.editable.of(false), EditorState.readOnly.of(true), EditorView.lineWrapping, EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" })];
    createEffect(() => {
      root.replaceChildren();
      const collapseUnchanged = { margin: 3, minSize: 6 };
      if (props.unified) {
        const view = new EditorView({ root, parent: root as unknown as HTMLElement, doc: props.after, extensions: [named(`${props.labels[0]} and ${props.labels[1]}`), unifiedMergeView({ original: props.before, mergeControls: false, collapseUnchanged })] });
        onCleanup(() => view.destroy());
      } else {
        const view = new MergeView({ root, parent: root as unknown as HTMLElement, a: { doc: props.before, extensions: named(props.labels[0]) }, b: { doc: props.after, extensions: named(props.labels[1]) }, collapseUnchanged, gutter: true });
        onCleanup(() => view.destroy());
      }
    });
  });
  return <div ref={host} class="code diff" />;
}
