/** The head of a page, drawn into the frame's: where one is, what it is called, what can be done. */
import { createContext, type ReactNode, useContext, useEffect, useRef } from "react";
import { createPortal } from "react-dom";
import { arriveAt } from "@/lib/arrival";

/** The frame's place for it; undefined before it is there. */
export const HeadPlace = createContext<HTMLElement | null>(null);

export interface PageHeadProps {
  /** Links to what it is part of, from the outside in. */
  crumbs?: ReactNode;
  title: ReactNode;
  /** Beside the title: a state, a tag. */
  note?: ReactNode;
  actions?: ReactNode;
}

export function PageHead({ crumbs, title, note, actions }: PageHeadProps) {
  const place = useContext(HeadPlace);
  const heading = useRef<HTMLHeadingElement>(null);
  const words = typeof title === "string" ? title : undefined;
  // A page of the same kind comes in place of another with its own title.
  useEffect(() => arriveAt(heading.current), [place, words]);
  if (!place) return null;
  return createPortal(
    <>
      {crumbs && <span className="crumbs">{crumbs}<span aria-hidden="true">/</span></span>}
      <h1 ref={heading} tabIndex={-1}>{title}</h1>
      {note}
      {actions && <span className="head-actions">{actions}</span>}
    </>,
    place,
  );
}
