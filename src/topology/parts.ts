import type { DeclaredNode } from "../model/topology.ts";

/** A node of the graph that was cut. */
export interface Piece {
  readonly declared: DeclaredNode;
  readonly stores: readonly string[];
}

/**
 * What hangs together, by an edge or by a store, in the order of declaration; who writes a topic before
 * who reads it. A hook has tasks of its own: it is in each part that asks it, and holds none together.
 */
export function partsOf(pieces: readonly Piece[]): (readonly Piece[])[] {
  const rest = pieces.filter(({ declared }) => declared.kind !== "hook");
  const hooks = pieces.filter(({ declared }) => declared.kind === "hook");
  const parts = numbered(connected(rest));
  return parts.map((part) => {
    const names = new Set(part.map(({ declared }) => declared.name));
    const asked = hooks.flatMap((hook): Piece[] => {
      const parents = hook.declared.parents.filter((parent) => names.has(parent));
      return parents.length === 0 ? [] : [{ ...hook, declared: { ...hook.declared, parents } }];
    });
    return [...part, ...asked];
  });
}

function connected(pieces: readonly Piece[]): Piece[][] {
  const left = new Set(pieces);
  const parts: Piece[][] = [];
  for (const first of pieces) {
    if (!left.has(first)) continue;
    const part = new Set([first]);
    for (const piece of part) {
      for (const next of pieces) if (hangsTogether(piece, next)) part.add(next);
    }
    for (const piece of part) left.delete(piece);
    parts.push(pieces.filter((piece) => part.has(piece)));
  }
  return parts;
}

function hangsTogether(one: Piece, other: Piece): boolean {
  return (
    isParent(one, other) ||
    isParent(other, one) ||
    one.stores.some((store) => other.stores.includes(store))
  );
}

/** The sink before a repartitioned aggregate has its name, and feeds nothing. */
function isParent({ declared: parent }: Piece, { declared: child }: Piece): boolean {
  return parent.kind !== "sink" && child.parents.includes(parent.name);
}

/** In a circle, where each reads another's topic, the one that was declared first comes first. */
function numbered(parts: readonly Piece[][]): Piece[][] {
  const left = [...parts];
  const done: Piece[][] = [];
  while (left.length > 0) {
    const ready = left.findIndex(
      (part) => !left.some((other) => other !== part && writes(other, part)),
    );
    done.push(...left.splice(Math.max(0, ready), 1));
  }
  return done;
}

function writes(upper: readonly Piece[], lower: readonly Piece[]): boolean {
  const read = new Set(
    lower.flatMap(({ declared }) => (declared.kind === "source" ? declared.topics : [])),
  );
  return upper.some(({ declared }) => declared.kind === "sink" && read.has(declared.topic));
}
