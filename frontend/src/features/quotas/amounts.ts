/** Amounts of usage as people read them. */
import type { QuotaKind } from "@/generated/graphql";

const NAMES: Record<QuotaKind, string> = {
  RUNS_PER_DAY: "Runs a day",
  RUNS_PER_MONTH: "Runs a month",
  API_POINTS_PER_DAY: "API points a day",
  API_POINTS_PER_MONTH: "API points a month",
  LOG_BYTES_PER_DAY: "Logs a day",
  LOG_BYTES_PER_MONTH: "Logs a month",
  STORED_BYTES: "Stored",
  KEPT_DAYS: "Days that runs are kept",
  RUNS_AT_ONCE: "Runs at once",
  WORKSPACES: "Workspaces",
  MEMBERS: "Members",
  SERVICE_ACCOUNTS: "Service accounts",
  API_KEYS: "API keys",
  WORK_POOLS: "Work pools",
  DEPLOYMENTS: "Deployments",
  SCHEDULES: "Schedules",
  BLOCK_DOCUMENTS: "Blocks",
  VARIABLES: "Variables",
};
const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function quotaName(kind: QuotaKind): string {
  return NAMES[kind];
}

/** 1.4 GB: in powers of 1,000, with at most one place. */
export function showBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text = unit === 0 || value >= 100 ? Math.round(value).toString() : value.toFixed(1).replace(/\.0$/, "");
  return `${text} ${UNITS[unit]}`;
}

export function showAmount(kind: QuotaKind, amount: number): string {
  return kind.includes("BYTES") ? showBytes(amount) : amount.toLocaleString("en");
}

/** How full, from 0 to 1 and beyond; undefined where there is no limit. */
export function shareOf(used: number, limit: number | null | undefined): number | undefined {
  if (limit === null || limit === undefined) return undefined;
  return limit === 0 ? (used > 0 ? 1 : 0) : used / limit;
}
