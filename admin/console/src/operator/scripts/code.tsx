// The editor of operators' scripts. CodeMirror is large, so pages import this lazily. It lives in a shadow root, which adopts the style
// sheets that it brings along; a document's content security policy refuses them.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { lua } from "@codemirror/legacy-modes/mode/lua";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";
import { createEffect, on, onCleanup, onMount, type JSX } from "solid-js";
import type { Schemas } from "~/api/client";

type Problem = Schemas["CheckProblem"];

const look = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "13px", height: "100%", maxHeight: "68dvh" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--accent)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--text-3)", border: "0" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--surface-2) 60%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line-strong)" },
});

// Colours of the theme: CodeMirror's own are for white paper.
const colours = HighlightStyle.define([
  { tag: t.keyword, color: "var(--accent)", fontWeight: "600" },
  { tag: [t.string, t.special(t.string)], color: "var(--up)" },
  { tag: [t.number, t.bool, t.atom], color: "var(--warn)" },
  { tag: t.comment, color: "var(--text-3)", fontStyle: "italic" },
]);

/** Offsets of a place that is told in lines and characters (code points). */
function spanOf(state: EditorState, p: Problem): { from: number; to: number } | null {
  if (p.line === null || p.line > state.doc.lines) return null;
  const line = state.doc.line(p.line), points = [...line.text];
  const from = line.from + points.slice(0, p.column - 1).join("").length;
  return { from, to: Math.min(line.to, Math.max(from + 1, from + points.slice(p.column - 1, p.column - 1 + p.length).join("").length)) };
}

export function Editor(props: { value: string; onValue: (text: string) => void; problems: readonly Problem[]; label: string; readOnly?: boolean }): JSX.Element {
  let host!: HTMLDivElement;
  onMount(() => {
    const root = host.attachShadow({ mode: "open" });
    let told = props.value;
    const view = new EditorView({
      root, parent: root as unknown as HTMLElement,
      state: EditorState.create({
        doc: props.value,
        extensions: [
          lineNumbers(), history(), indentOnInput(), bracketMatching(), highlightActiveLine(), lintGutter(), look, EditorView.lineWrapping,
          StreamLanguage.define(lua), syntaxHighlighting(colours), indentUnit.of("  "), EditorState.tabSize.of(2),
          keymap.of([...defaultKeymap, ...searchKeymap, ...historyKeymap]), EditorState.readOnly.of(!!props.readOnly),
          EditorView.contentAttributes.of({ "aria-label": props.label, spellcheck: "false", autocapitalize: "off" }),
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
    createEffect(on(() => props.problems, (problems) => {
      const found = problems.flatMap((p): Diagnostic[] => {
        const span = spanOf(view.state, p);
        return span ? [{ ...span, severity: p.severity, message: p.hint ? `${p.message}\n${p.hint}` : p.message }] : [];
      });
      view.dispatch(setDiagnostics(view.state, found));
    }));
    onCleanup(() => view.destroy());
  });
  return <div ref={host} class="op-editor" />;
}
