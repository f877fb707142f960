/** A field that narrows a list; / leads to it. */
import { useRef } from "react";
import { useKey } from "@/ui/keys";
import { useOwnText } from "@/ui/ownText";

export interface SearchFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  className?: string;
  /** Whether / leads to it: of several on a page, to one. */
  hasKey?: boolean;
}

export function SearchField({ label, value, onChange, placeholder = "Name contains…   /", className = "w-56", hasKey = true }: SearchFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const [text, write] = useOwnText(value, onChange);
  useKey("/", hasKey ? () => field.current?.focus() : undefined);
  return <input ref={field} className={`input ${className}`} type="search" aria-label={label} placeholder={placeholder} value={text} onChange={(event) => write(event.target.value)} />;
}
