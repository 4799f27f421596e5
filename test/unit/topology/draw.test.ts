import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeclaredNode } from "../../../src/model/topology.ts";
import { pictureOf } from "../../../src/topology/describe.ts";
import { pictureMermaid, pictureText } from "../../../src/topology/draw.ts";
import {
  count,
  fiveMinutes,
  functionNode,
  keyValueStore,
  sink,
  topology,
  windowStore,
} from "./nodes.ts";

const in_: DeclaredNode = { name: "in", parents: [], kind: "source", topics: [], pattern: 'o"?.*' };
const declared = topology(
  [
    in_,
    functionNode("clean", "process", ["in"], ["seen"]),
    functionNode("again", "process", ["clean"], ["seen"]),
    { name: "mail", parents: ["clean"], kind: "hook" },
    { name: "spread", parents: ["again"], kind: "repartition", partitions: 6 },
    functionNode("m", "map", ["spread"]),
    count("n", "m", "counts", fiveMinutes),
    sink("out", "n", "b"),
  ],
  [keyValueStore("seen"), windowStore("counts")],
);

test("a topology is told as Kafka Streams tells it, with its internal topics", () => {
  assert.equal(
    pictureText(pictureOf(declared, "app")),
    `Topologies:
   Sub-topology: 0
    Source: in (topics: [topics like o"?.*])
      --> clean
    Processor: clean (process; stores: [seen])
      --> again, mail
      <-- in
    Processor: again (process; stores: [seen])
      --> spread-repartition-sink
      <-- clean
    Sink: spread-repartition-sink (topic: app-spread-repartition)
      <-- again
    Sink: mail (topic: app-mail-hook)
      <-- clean

   Sub-topology: 1
    Source: spread-repartition-source (topics: [app-spread-repartition])
      --> m
    Processor: m (map; stores: [])
      --> counts-repartition-sink
      <-- spread-repartition-source
    Sink: counts-repartition-sink (topic: app-counts-repartition)
      <-- m

   Sub-topology: 2
    Source: counts-repartition-source (topics: [app-counts-repartition])
      --> n
    Processor: n (count, tumbling windows of 300000 ms; stores: [counts])
      --> out
      <-- counts-repartition-source
    Sink: out (topic: b)
      <-- n

   Sub-topology: 3
    Source: mail-source (topics: [app-mail-hook])
      --> mail
    Processor: mail (hook; stores: [])
      --> none
      <-- mail-source

   Internal topics:
     app-seen-changelog (of seen in 0)
     app-spread-repartition (read by 1, 6 partitions)
     app-counts-repartition (read by 2)
     app-counts-changelog (of counts in 2)
     app-mail-hook (read by 3)
`,
  );
});

test("it is drawn for Mermaid: boxes for what runs, topics between them, stores beside them", () => {
  assert.equal(
    pictureMermaid(pictureOf(declared, "app")),
    `flowchart TD
  n0(["topics like o#quot;?.*"])
  n1(["app-spread-repartition"]):::internal
  n2(["app-mail-hook"]):::internal
  n3(["app-counts-repartition"]):::internal
  n4(["b"])
  subgraph s0["sub-topology 0"]
    n5["clean<br/>process"]:::code
    n6[("seen")]
    n7["again<br/>process"]:::code
  end
  subgraph s1["sub-topology 1"]
    n8["m<br/>map"]:::code
  end
  subgraph s2["sub-topology 2"]
    n9["n<br/>count, tumbling windows of 300000 ms"]
    n10[("counts")]
  end
  subgraph s3["sub-topology 3"]
    n11["mail<br/>hook"]:::code
  end
  n0 --> n5
  n5 --> n7
  n5 --> n2
  n5 -.- n6
  n7 --> n1
  n7 -.- n6
  n1 --> n8
  n8 --> n3
  n3 --> n9
  n9 --> n4
  n9 -.- n10
  n2 --> n11
  classDef code stroke-width:3px
  classDef internal stroke-dasharray:4 4
`,
  );
});
