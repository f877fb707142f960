/** Sizes as people read them. */

const UNITS = ["B", "KiB", "MiB", "GiB"] as const;

/** 512 B, 1.5 KiB, 20 MiB. */
export function showSize(bytes: number): string {
  const step = Math.min(UNITS.length - 1, bytes > 0 ? Math.floor(Math.log2(bytes) / 10) : 0);
  const value = bytes / 1024 ** step;
  return `${value < 10 && step > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[step]}`;
}
