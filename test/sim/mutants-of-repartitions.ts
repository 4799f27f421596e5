import type { Mutant } from "./mutants.ts";

/** What lies between sub-topologies is neither lost nor doubled. */
export const REPARTITION_MUTANTS: readonly Mutant[] = [
  {
    name: "purge-of-what-is-only-read",
    rule: "ADR 0016",
    edits: [
      {
        file: "src/runtime/purge.ts",
        find: "return position === undefined ? [] : [{ ...at, offset: position.offset }];",
        replace:
          "return position === undefined ? [] : [{ ...at, offset: (position as any).read ?? 0 }];",
      },
      {
        file: "src/runtime/task-runner.ts",
        find: "    this.#input.push(chunk, facts);",
        replace: `    this.#input.push(chunk, facts);
    const at = this.positions.get(chunk.topic + "-" + chunk.partition);
    if (at !== undefined) (at as any).read = chunk.nextOffset;`,
      },
      {
        file: "src/runtime/cut.ts",
        find: "for (const [name, position] of positions) runner.positions.set(name, position);",
        replace: `for (const [name, position] of positions) {
    const read = (runner.positions.get(name) as any)?.read;
    runner.positions.set(name, { ...position, read } as any);
  }`,
      },
    ],
  },
  {
    name: "repartition-begun-at-its-end",
    rule: "ADR 0016",
    edits: [
      {
        file: "src/runtime/takeover.ts",
        find: 'const reset = queuesOf(program).includes(at.topic) ? "earliest" : deps.autoOffsetReset;',
        replace:
          'const reset = queuesOf(program).includes(at.topic) ? "latest" : deps.autoOffsetReset;',
      },
    ],
  },
  {
    name: "repartition-where-the-record-was",
    rule: "ADR 0016",
    edits: [
      {
        file: "src/runtime/emissions.ts",
        find: "      record.partition = this.#partitions[sink] ?? -1;",
        replace: `      const isBetween = exit.topic.endsWith("-repartition");
      record.partition = isBetween ? 0 : (this.#partitions[sink] ?? -1);`,
      },
    ],
  },
];
