/** Where the focus goes when one arrives at another page: to its heading, which says where one is. */

let left: Element | null | undefined;

/** One leaves for another page; what had the focus has lost its sense. */
export function noteDeparture(): void {
  left = document.activeElement;
}

/** Gives the focus to the heading of the page that one went to; not while one has begun to use something else of it. */
export function arriveAt(heading: HTMLElement | null): void {
  if (left === undefined || heading === null) return;
  const { activeElement } = document;
  const isFree = activeElement === null || activeElement === document.body || activeElement === left;
  left = undefined;
  if (isFree) heading.focus({ preventScroll: true });
}
