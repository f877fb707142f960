/** Tables as artifacts hold them: rows as objects or lists, or an object of columns. */

export interface TableRows {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Undefined for what is no table. */
export function rowsOf(data: unknown): TableRows | undefined {
  if (Array.isArray(data)) {
    if (data.every(isRecord)) {
      const columns = [...new Set(data.flatMap((row) => Object.keys(row)))];
      return { columns, rows: data.map((row) => columns.map((name) => cell(row[name]))) };
    }
    if (data.every(Array.isArray)) return { columns: [], rows: data.map((row: unknown[]) => row.map(cell)) };
    return undefined;
  }
  if (!isRecord(data)) return undefined;
  const columns = Object.entries(data);
  if (columns.length === 0 || !columns.every(([, values]) => Array.isArray(values))) return undefined;
  const count = Math.max(...columns.map(([, values]) => (values as unknown[]).length));
  return {
    columns: columns.map(([name]) => name),
    rows: Array.from({ length: count }, (_, index) => columns.map(([, values]) => cell((values as unknown[])[index]))),
  };
}
