/** One case of one language, counted under its group. */
export interface Capability {
  readonly language: string;
  readonly group: string;
  readonly passed: boolean;
}

/** What each SDK can do, as a Markdown table: cases passed of cases run. */
export function table(capabilities: readonly Capability[]): string {
  const groups = [...new Set(capabilities.map(({ group }) => group))];
  const languages = [...new Set(capabilities.map(({ language }) => language))];
  const cell = (group: string, language: string): string => {
    const cases = capabilities.filter((one) => one.group === group && one.language === language);
    const passed = cases.filter((one) => one.passed).length;
    return `${passed}/${cases.length}`;
  };
  const rows = [
    ["", ...languages],
    ["---", ...languages.map(() => "---")],
    ...groups.map((group) => [group, ...languages.map((language) => cell(group, language))]),
  ];
  return rows.map((row) => `| ${row.join(" | ")} |`).join("\n");
}
