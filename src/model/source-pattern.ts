/** Of these topics, those whose whole names match. Throws a SyntaxError where it is no regular expression. */
export function matching(regex: string, topics: Iterable<string>): string[] {
  const whole = new RegExp(`^(?:${regex})$`, "u");
  return [...topics].filter((topic) => whole.test(topic));
}
