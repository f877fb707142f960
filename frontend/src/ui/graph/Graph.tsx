/** Nodes with lines between them, from left to right. */
import { useMemo } from "react";
import { layers } from "@/ui/graph/layers";
import { StateGlyph } from "@/ui/StateGlyph";
import { lookOf } from "@/ui/states";

export interface GraphNode {
  id: string;
  parents: readonly string[];
  title: string;
  note?: string | undefined;
  state: { type: string; name: string };
}

export interface GraphProps {
  nodes: readonly GraphNode[];
  label: string;
  chosen: string | undefined;
  onChoose: (id: string) => void;
}

const WIDTH = 180;
const HEIGHT = 34;
const GAP_X = 56;
const GAP_Y = 12;
const EDGE = 16;

export function Graph({ nodes, label, chosen, onChoose }: GraphProps) {
  const layout = useMemo(() => layers(nodes), [nodes]);
  const width = layout.layerCount * (WIDTH + GAP_X) - GAP_X + 2 * EDGE;
  const height = layout.mostPlaces * (HEIGHT + GAP_Y) - GAP_Y + 2 * EDGE;
  const at = (id: string): { x: number; y: number } => {
    const spot = layout.spots.get(id) ?? { layer: 0, place: 0 };
    return { x: EDGE + spot.layer * (WIDTH + GAP_X), y: EDGE + spot.place * (HEIGHT + GAP_Y) };
  };
  return (
    <div className="graph" role="region" aria-label={label} tabIndex={0}>
      <div className="graph-field" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {layout.edges.map(({ from, to }) => {
            const [one, other] = [at(from), at(to)];
            const [x, y] = [one.x + WIDTH, one.y + HEIGHT / 2];
            const middle = (x + other.x) / 2;
            const isNear = chosen === from || chosen === to;
            return <path key={`${from} ${to}`} className={isNear ? "graph-line is-near" : "graph-line"} d={`M${x} ${y}C${middle} ${y} ${middle} ${other.y + HEIGHT / 2} ${other.x} ${other.y + HEIGHT / 2}`} />;
          })}
        </svg>
        {nodes.map((node) => {
          const { x, y } = at(node.id);
          return (
            <button
              key={node.id}
              type="button"
              className={`graph-node tone-${lookOf(node.state.type, node.state.name).tone}`}
              aria-pressed={node.id === chosen}
              style={{ left: x, top: y, width: WIDTH, height: HEIGHT }}
              title={`${node.title}: ${node.state.name}${node.note ? `, ${node.note}` : ""}`}
              onClick={() => onChoose(node.id)}
            >
              <StateGlyph type={node.state.type} name={node.state.name} size={12} />
              <span className="min-w-0 truncate">{node.title}</span>
              {node.note && <span className="num graph-note">{node.note}</span>}
            </button>
          );
        })}
      </div>
    </div>
  );
}
