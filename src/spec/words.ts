// A command line as one text, split into words as Compose does: quotes and backslashes as in a POSIX shell, nothing expanded.

/** undefined when a quote is not closed or a backslash ends the text. */
export function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | null = null;
  let at = 0;
  while (at < text.length) {
    const piece = readPiece(text, at);
    if (piece === undefined) return undefined;
    at = piece.end;
    if (piece.text !== null) word = (word ?? '') + piece.text;
    else if (word !== null) {
      words.push(word);
      word = null;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

/** The next piece of a word, or null text for white space between words. */
function readPiece(
  text: string,
  at: number,
): { readonly text: string | null; readonly end: number } | undefined {
  const char = text[at];
  if (char === undefined || /\s/.test(char)) return { text: null, end: at + 1 };
  if (char === '\\') {
    const next = text[at + 1];
    return next === undefined ? undefined : { text: next === '\n' ? '' : next, end: at + 2 };
  }
  if (char === "'") {
    const close = text.indexOf("'", at + 1);
    return close < 0 ? undefined : { text: text.slice(at + 1, close), end: close + 1 };
  }
  if (char === '"') return readDoubleQuoted(text, at + 1);
  return { text: char, end: at + 1 };
}

function readDoubleQuoted(
  text: string,
  start: number,
): { readonly text: string; readonly end: number } | undefined {
  let value = '';
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') return { text: value, end: at + 1 };
    const next = text[at + 1];
    if (char === '\\' && next !== undefined && '"\\$`\n'.includes(next)) {
      if (next !== '\n') value += next;
      at += 1;
    } else value += char;
  }
  return undefined;
}
