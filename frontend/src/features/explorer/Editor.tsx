/** An editor of code. It lives in a shadow root: its styles are sheets of that root, and the page's policy allows no other. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { json } from "@codemirror/lang-json";
import { Prec } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { graphql } from "cm6-graphql";
import type { GraphQLSchema } from "graphql";
import { useEffect, useMemo, useRef } from "react";

export interface EditorProps {
  label: string;
  text: string;
  onText: (text: string) => void;
  onRun: () => void;
  language: "graphql" | "json";
  /** What is offered while one writes GraphQL; another one makes a new editor. */
  schema?: GraphQLSchema | undefined;
}

/** Weight and slant tell the parts apart: colours are for states. */
const LOOKS = HighlightStyle.define([
  { tag: [tags.keyword, tags.definitionKeyword], fontWeight: "700" },
  { tag: [tags.comment, tags.lineComment], color: "var(--ink-2)", fontStyle: "italic" },
  { tag: [tags.typeName, tags.string, tags.number, tags.bool], color: "var(--ink-2)" },
  { tag: [tags.variableName, tags.special(tags.variableName)], fontStyle: "italic" },
]);

const THEME = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--surface)", fontSize: "var(--fs-1)" },
  ".cm-scroller": { fontFamily: "var(--font-mono)", lineHeight: "20px" },
  ".cm-content": { caretColor: "var(--ink)", padding: "var(--sp-3) 0" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--ink-2)", border: "0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "color-mix(in srgb, var(--ink) 14%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--ink)", border: "1px solid var(--control)" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--font-mono)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { background: "var(--ink)", color: "var(--canvas)" },
  ".cm-completionInfo": { maxWidth: "32em", whiteSpace: "pre-wrap", fontFamily: "var(--font-ui)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--st-failed)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--st-failed)" },
});

export function Editor({ label, text, onText, onRun, language, schema }: EditorProps) {
  const extension = useMemo(() => (language === "json" ? json() : graphql(schema)), [language, schema]);
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef({ text, onText, onRun });
  useEffect(() => {
    latest.current = { text, onText, onRun };
    const shown = view.current;
    if (shown && shown.state.doc.toString() !== text) {
      shown.dispatch({ changes: { from: 0, to: shown.state.doc.length, insert: text } });
    }
  }, [text, onText, onRun]);
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const parent = document.createElement("div");
    parent.style.height = "100%";
    root.append(parent);
    const run = (): boolean => {
      latest.current.onRun();
      return true;
    };
    const made = new EditorView({
      doc: latest.current.text,
      parent,
      root,
      extensions: [
        Prec.highest(keymap.of([{ key: "Mod-Enter", run }])),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
        // Tab leaves the editor; Escape first lets it indent no more than once.
        keymap.of([{ ...indentWithTab, key: "Alt-Tab" }]),
        history(),
        lineNumbers(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        autocompletion(),
        syntaxHighlighting(LOOKS),
        THEME,
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) latest.current.onText(update.state.doc.toString());
        }),
        extension,
      ],
    });
    view.current = made;
    return () => {
      view.current = undefined;
      made.destroy();
      parent.remove();
    };
  }, [extension, label]);
  return <div ref={host} className="editor" />;
}
