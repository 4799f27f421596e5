import type { Picture, PictureNode, PicturePart, PictureTopic } from "./describe.ts";

/** As Kafka Streams' `Topology#describe` writes it, with what a node does and where state is kept. */
export function pictureText({ parts }: Picture): string {
  const blocks = parts.map(({ subtopology, nodes }) => {
    return [`   Sub-topology: ${subtopology}`, ...nodes.flatMap(nodeLines), ""].join("\n");
  });
  return ["Topologies:", ...blocks, ...internalLines(parts), ""].join("\n");
}

function nodeLines({ name, kind, does, topics, stores, parents, children }: PictureNode): string[] {
  const names = topics.map((topic) => topic.name).join(", ");
  const kept = stores.map((store) => store.name).join(", ");
  const heads = {
    source: `Source: ${name} (topics: [${names}])`,
    processor: `Processor: ${name} (${does === "" ? "" : `${does}; `}stores: [${kept}])`,
    sink: `Sink: ${name} (topic: ${names})`,
  };
  return [
    `    ${heads[kind]}`,
    ...(kind === "sink" ? [] : [`      --> ${children.join(", ") || "none"}`]),
    ...(kind === "source" ? [] : [`      <-- ${parents.join(", ")}`]),
  ];
}

function internalLines(parts: readonly PicturePart[]): string[] {
  const lines = parts.flatMap(({ subtopology, nodes }) =>
    nodes.flatMap(({ kind, topics, stores }) => [
      ...(kind === "source" ? topics : [])
        .filter(({ isInternal }) => isInternal)
        .map((topic) => `     ${topic.name} (read by ${subtopology}${countText(topic)})`),
      ...stores.map(({ name, changelog }) => `     ${changelog} (of ${name} in ${subtopology})`),
    ]),
  );
  return lines.length === 0 ? [] : ["   Internal topics:", ...new Set(lines)];
}

function countText({ partitions }: PictureTopic): string {
  return partitions === 0 ? "" : `, ${partitions} partitions`;
}

/** A flow chart for Mermaid: sub-topologies are boxes, topics lie between them, stores hang on nodes. */
export function pictureMermaid({ parts }: Picture): string {
  const all = parts.flatMap(({ nodes }) => nodes);
  const ids = new Map<string, string>();
  const idOf = (what: string): string => {
    const id = ids.get(what) ?? `n${ids.size}`;
    ids.set(what, id);
    return id;
  };
  const topics = new Map(all.flatMap((node) => node.topics).map((topic) => [topic.name, topic]));
  const circles = [...topics.values()].map(({ name, isInternal }) => {
    return `  ${idOf(`topic ${name}`)}(["${quoted(name)}"])${isInternal ? ":::internal" : ""}`;
  });
  const lines = [
    "flowchart TD",
    ...circles,
    ...parts.flatMap((part) => [
      `  subgraph s${part.subtopology}["sub-topology ${part.subtopology}"]`,
      // A store that several nodes use is one.
      ...new Set(part.nodes.flatMap((node) => boxes(node, part, idOf))),
      "  end",
    ]),
    ...parts.flatMap((part) => part.nodes.flatMap((node) => arrows(node, part, idOf))),
    "  classDef code stroke-width:3px",
    "  classDef internal stroke-dasharray:4 4",
  ];
  return `${lines.join("\n")}\n`;
}

/** A pattern may hold what ends a text. */
function quoted(name: string): string {
  return name.replaceAll('"', "#quot;");
}

type IdOf = (what: string) => string;

/** A source and a sink are their topics: only what does something is a box. */
function boxes(
  { name, kind, does, isCode, stores }: PictureNode,
  part: PicturePart,
  idOf: IdOf,
): string[] {
  if (kind !== "processor") return [];
  const text = does === "" || does === name ? name : `${name}<br/>${does}`;
  return [
    `    ${idOf(`${part.subtopology} ${name}`)}["${text}"]${isCode ? ":::code" : ""}`,
    ...stores.map((store) => `    ${idOf(`store ${store.name}`)}[("${store.name}")]`),
  ];
}

function arrows(node: PictureNode, part: PicturePart, idOf: IdOf): string[] {
  const endsOf = ({ name, kind, topics }: PictureNode): string[] =>
    kind === "processor"
      ? [idOf(`${part.subtopology} ${name}`)]
      : topics.map((topic) => idOf(`topic ${topic.name}`));
  const children = part.nodes.filter(({ name }) => node.children.includes(name));
  return [
    ...endsOf(node).flatMap((from) => children.flatMap(endsOf).map((to) => `  ${from} --> ${to}`)),
    ...node.stores.map(({ name }) => `  ${endsOf(node).join("")} -.- ${idOf(`store ${name}`)}`),
  ];
}
