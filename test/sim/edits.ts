/** One change to a source file, made while a build of it is put together. */
export interface Edit {
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** The source with its edits made; `made` gets each. One whose text is not there once is out of date. */
export function applyEdits(
  file: string,
  source: string,
  edits: readonly Edit[],
  made: Set<Edit>,
): string {
  let text = source;
  for (const edit of edits) {
    if (edit.file !== file) continue;
    made.add(edit);
    const parts = text.split(edit.find);
    if (parts.length !== 2) {
      throw new Error(
        `${file} has ${parts.length - 1} times what an edit looks for:\n${edit.find}`,
      );
    }
    text = parts.join(edit.replace);
  }
  return text;
}
