/** The sign of the browser's tab: the state of what is looked at, told by shape and colour. */
import { useEffect } from "react";

/** What each kind of state looks like on a 16 × 16 field; colours are those of the light theme, seen on any tab. */
const SIGNS: Readonly<Record<string, string>> = {
  RUNNING: '<circle cx="8" cy="8" r="5.5" fill="none" stroke="#1156c8" stroke-width="3" stroke-dasharray="26 9"/>',
  COMPLETED: '<circle cx="8" cy="8" r="7" fill="#379885"/><path d="m4.6 8.3 2.3 2.3 4.4-5" fill="none" stroke="#fff" stroke-width="2"/>',
  FAILED: '<path d="M8 .5 15.5 8 8 15.5.5 8Z" fill="#b61b0e"/><path d="m6 6 4 4m0-4-4 4" stroke="#fff" stroke-width="1.8"/>',
  CRASHED: '<path d="M5 1h6l4 4v6l-4 4H5l-4-4V5Z" fill="#740b58"/><path d="M8.8 3.8 6 8.4h3.6l-2.4 4" fill="none" stroke="#fff" stroke-width="1.6"/>',
  PAUSED: '<rect x="1.5" y="1.5" width="13" height="13" rx="2" fill="none" stroke="#b57f1c" stroke-width="2"/><path d="M6.2 5v6M9.8 5v6" stroke="#b57f1c" stroke-width="2"/>',
  CANCELLED: '<rect x="1.5" y="1.5" width="13" height="13" fill="#5f5c56"/><path d="m5 11 6-6" stroke="#fff" stroke-width="1.8"/>',
};

export function useFavicon(state: string | undefined): void {
  const sign = state === undefined ? undefined : SIGNS[state];
  useEffect(() => {
    const link = document.getElementById("favicon");
    if (!(link instanceof HTMLLinkElement) || sign === undefined) return;
    const before = link.href;
    link.href = `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${sign}</svg>`)}`;
    return () => {
      link.href = before;
    };
  }, [sign]);
}
