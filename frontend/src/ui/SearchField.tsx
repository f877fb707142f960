/** A field that narrows a list; / leads to it. */
import { useRef } from "react";
import { useKey } from "@/ui/keys";

export interface SearchFieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
}

export function SearchField({ label, value, onChange, placeholder = "Name contains…   /" }: SearchFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  useKey("/", () => field.current?.focus());
  return <input ref={field} className="input w-56" type="search" aria-label={label} placeholder={placeholder} value={value} onChange={(event) => onChange(event.target.value)} />;
}
