/** Bars as a picture, in SVG that is read on a light and on a dark page. No IO. */

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly kind: "own" | "peer" | "other";
}

export interface Group {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Picture {
  readonly title: string;
  /** What a number means, with its unit. */
  readonly unit: string;
  /** Each group has its own, where what they show is not of one size. */
  readonly scale: "common" | "own";
  readonly groups: readonly Group[];
}

const WIDTH = 860;
const LEFT = 190;
const RIGHT = 110;
const BAR = 16;
const ROW = 24;
const HEAD = 64;
const GROUP_HEAD = 34;
const MARGIN = 20;

const STYLE = `
  .page { fill: #ffffff } .text { fill: #1f2937 } .faint { fill: #6b7280 }
  .own { fill: #2563eb } .peer { fill: #d97706 } .other { fill: #6b7280 }
  .range { stroke: #111827; stroke-width: 1.5; opacity: .55 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #e6edf3 } .faint { fill: #9ba6b3 }
    .own { fill: #58a6ff } .peer { fill: #e3a13b } .other { fill: #8b949e }
    .range { stroke: #ffffff }
  }`;

/** Three digits that count: `1,234`, `56.7`, `0.89`. */
export function shown(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const fixed = Number(value.toFixed(Math.min(digits, 6)));
  return fixed.toLocaleString("en", { maximumFractionDigits: 6 });
}

export function svg({ title, unit, scale, groups }: Picture): string {
  const mostOf = (of: readonly Group[]): number => {
    return Math.max(Number.MIN_VALUE, ...of.flatMap(({ bars }) => bars.map(({ most }) => most)));
  };
  const common = mostOf(groups);
  let top = HEAD;
  const drawn = groups.map((group) => {
    const head = `<text class="text" x="${MARGIN}" y="${top + 20}" font-weight="600">`;
    const perUnit = (WIDTH - LEFT - RIGHT) / (scale === "common" ? common : mostOf([group]));
    top += GROUP_HEAD;
    const bars = group.bars.map((bar, index) => barOf(bar, top + index * ROW, perUnit));
    top += group.bars.length * ROW;
    return [`${head}${escaped(group.title)}</text>`, ...bars].join("\n");
  });
  const height = top + MARGIN;
  const font = 'font-family="ui-sans-serif, system-ui, sans-serif" font-size="13"';
  const box = `viewBox="0 0 ${WIDTH} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box} ${font} role="img" aria-label="${escaped(title)}">
<style>${STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${height}" rx="12"/>
<text class="text" x="${MARGIN}" y="34" font-size="18" font-weight="700">${escaped(title)}</text>
<text class="faint" x="${MARGIN}" y="54">${escaped(unit)}</text>
${drawn.join("\n")}
</svg>
`;
}

function barOf({ label, value, least, most, kind }: Bar, top: number, perUnit: number): string {
  const middle = top + BAR / 2;
  const at = (of: number): string => (LEFT + of * perUnit).toFixed(1);
  const width = (value * perUnit).toFixed(1);
  const end = (x: string): string => `M${x} ${middle - 4}v8`;
  const line = `M${at(least)} ${middle}H${at(most)}${end(at(least))}${end(at(most))}`;
  const base = middle + 4;
  return [
    `<text class="text" x="${LEFT - 10}" y="${base}" text-anchor="end">${escaped(label)}</text>`,
    `<rect class="${kind}" x="${LEFT}" y="${top}" width="${width}" height="${BAR}" rx="2"/>`,
    ...(least === most ? [] : [`<path class="range" d="${line}"/>`]),
    `<text class="text" x="${Number(at(most)) + 8}" y="${base}">${shown(value)}</text>`,
  ].join("\n");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
