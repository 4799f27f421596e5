/** A line of `sasl.jaas.config`: `<module class> required key="value" …;` */
export interface Jaas {
  /** The class's name without its package, for instance `PlainLoginModule`. */
  readonly module: string;
  readonly options: ReadonlyMap<string, string>;
}

const HEAD = /^\s*([\w.$]+)\s+(?:required|requisite|sufficient|optional)\b/;
const OPTION = /\s+([\w.]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|([^\s;"']+))/y;
const END = /\s*;\s*$/y;

/** Null where it cannot be read. Says nothing of why: the text holds a password. */
export function parseJaas(text: string): Jaas | null {
  const head = HEAD.exec(text);
  if (head === null) return null;
  const options = new Map<string, string>();
  let at = head[0].length;
  for (;;) {
    END.lastIndex = at;
    if (END.test(text)) break;
    OPTION.lastIndex = at;
    const [all, key, double, single, bare] = OPTION.exec(text) ?? [];
    if (all === undefined || key === undefined) return null;
    const quoted = double ?? single;
    options.set(key, quoted === undefined ? (bare ?? "") : quoted.replaceAll(/\\(.)/gs, "$1"));
    at += all.length;
  }
  return { module: head[1]?.split(".").at(-1) ?? "", options };
}
