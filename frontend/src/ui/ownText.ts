/** What somebody types, while it is on its way to the address and back: the field has the last word, and the caret stays. */
import { useEffect, useRef, useState } from "react";

/** ``value`` is what the address says; ``tell`` is told each text. Returns what the field shows, and what it calls. */
export function useOwnText(value: string, tell: (text: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const onTheWay = useRef<string[]>([]);
  useEffect(() => {
    const waiting = onTheWay.current;
    const at = waiting.indexOf(value);
    if (waiting.length === 0) setText(value);
    onTheWay.current = at < 0 ? [] : waiting.slice(at + 1);
  }, [value]);
  const write = (next: string): void => {
    setText(next);
    if (next !== (onTheWay.current.at(-1) ?? value)) onTheWay.current.push(next);
    tell(next);
  };
  return [text, write];
}
