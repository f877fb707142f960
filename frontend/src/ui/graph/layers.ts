/** Where the nodes of a graph without circles go: each right of all that it comes from, close to them. */

export interface GraphInput {
  id: string;
  /** What it comes from; ids that are not among the nodes are left out. */
  parents: readonly string[];
}

export interface Spot {
  layer: number;
  /** Its place in the layer, from the top. */
  place: number;
}

export interface Edge {
  from: string;
  to: string;
}

export interface GraphLayout {
  spots: ReadonlyMap<string, Spot>;
  edges: readonly Edge[];
  layerCount: number;
  /** Of the fullest layer. */
  mostPlaces: number;
}

const SWEEPS = 4;

/** A circle, which no run can make, would be cut where it closes. */
export function layers(nodes: readonly GraphInput[]): GraphLayout {
  const known = new Map(nodes.map((node) => [node.id, node]));
  const edges = nodes.flatMap((node) => node.parents.filter((parent) => known.has(parent) && parent !== node.id).map((from) => ({ from, to: node.id })));
  const depth = depths(nodes, known);
  const columns: string[][] = Array.from({ length: Math.max(-1, ...new Set(depth.values())) + 1 }, () => []);
  for (const { id } of nodes) columns[depth.get(id) ?? 0]?.push(id);
  order(columns, edges);
  const spots = new Map<string, Spot>();
  columns.forEach((column, layer) => column.forEach((id, place) => spots.set(id, { layer, place })));
  return { spots, edges, layerCount: columns.length, mostPlaces: Math.max(0, ...columns.map((column) => column.length)) };
}

/** The longest way to each node; without recursion, for a chain may be as long as a run. */
function depths(nodes: readonly GraphInput[], known: ReadonlyMap<string, GraphInput>): Map<string, number> {
  const depth = new Map<string, number>();
  const open = new Set<string>();
  for (const { id } of nodes) {
    const stack = [id];
    while (stack.length > 0) {
      const at = stack.at(-1) as string;
      const parents = (known.get(at)?.parents ?? []).filter((parent) => known.has(parent));
      const missing = parents.filter((parent) => !depth.has(parent) && !open.has(parent));
      open.add(at);
      if (missing.length > 0) {
        stack.push(...missing);
        continue;
      }
      stack.pop();
      open.delete(at);
      depth.set(at, Math.max(-1, ...parents.map((parent) => depth.get(parent) ?? -1)) + 1);
    }
  }
  return depth;
}

/** Nodes go where the middle of their neighbours is, to and fro, so that fewer lines cross. */
function order(columns: string[][], edges: readonly Edge[]): void {
  const before = new Map<string, string[]>();
  const behind = new Map<string, string[]>();
  for (const { from, to } of edges) {
    before.set(to, [...(before.get(to) ?? []), from]);
    behind.set(from, [...(behind.get(from) ?? []), to]);
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isForward = sweep % 2 === 0;
    const place = new Map(columns.flatMap((column) => column.map((id, at) => [id, at / Math.max(1, column.length)] as const)));
    for (const column of isForward ? columns : columns.toReversed()) {
      const middle = (id: string): number => {
        const near = ((isForward ? before : behind).get(id) ?? []).flatMap((other) => place.get(other) ?? []);
        return near.length === 0 ? (place.get(id) ?? 0) : near.reduce((sum, each) => sum + each, 0) / near.length;
      };
      const wanted = new Map(column.map((id) => [id, middle(id)]));
      column.sort((one, other) => (wanted.get(one) ?? 0) - (wanted.get(other) ?? 0));
      column.forEach((id, at) => place.set(id, at / column.length));
    }
  }
}
