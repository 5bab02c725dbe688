// What the demo shows: one line per service, redrawn in place on a terminal, or a plain line whenever something of it
// changed where there is none. Draws; decides and measures nothing.
import { styleText } from 'node:util';

export interface Row {
  readonly name: string;
  /** Percent of the answers of the last moment, by version. */
  readonly shares: Readonly<Record<string, number>>;
  readonly text: string;
  /** Requests that wait for an answer right now. */
  readonly waiting: number;
}

export interface Screen {
  say(text: string): void;
  draw(rows: readonly Row[]): void;
  /** What was drawn stays; the next drawing begins below. */
  settle(): void;
}

const BAR = 30;
const NAME = 11;
const COLOURS = { v1: 'blue', v2: 'green', v3: 'red' } as const;

export function openScreen(out: NodeJS.WriteStream): Screen {
  return out.isTTY ? new TerminalScreen(out) : new PlainScreen(out);
}

class TerminalScreen implements Screen {
  readonly #out: NodeJS.WriteStream;
  #drawn = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  say(text: string): void {
    this.settle();
    this.#out.write(`${text}\n`);
  }

  draw(rows: readonly Row[]): void {
    const lines = rows.map((row) => this.#formatLine(row));
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : '';
    this.#out.write(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join('')}`);
    this.#drawn = lines.length;
  }

  settle(): void {
    this.#drawn = 0;
  }

  #formatLine({ name, shares, text, waiting }: Row): string {
    const bar = Object.entries(shares)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([version, cells]) => paint(version, '█'.repeat(Math.round((cells * BAR) / 100))))
      .join('');
    const width = Object.values(shares).reduce((sum, share) => sum + Math.round((share * BAR) / 100), 0);
    const rest = styleText('dim', '░'.repeat(Math.max(0, BAR - width)));
    const room = Math.max(10, this.#out.columns - NAME - BAR - 32);
    const split = formatShares(shares).padEnd(19);
    const waits = waiting > 20 ? styleText('yellow', `${waiting} wait`.padEnd(10)) : ' '.repeat(10);
    return `  ${name.padEnd(NAME)}${bar}${rest} ${split} ${waits}${styleText('dim', shorten(text, room))}`;
  }
}

/** One line for each change of a row's text, its numbers and what stands in parentheses apart; never a colour. */
class PlainScreen implements Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #shown = new Map<string, string>();

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  say(text: string): void {
    this.#out.write(`${text}\n`);
  }

  draw(rows: readonly Row[]): void {
    for (const { name, shares, text } of rows) {
      const mark = text.replace(/ \(.*\)|\d+/g, '');
      if (this.#shown.get(name) === mark) continue;
      this.#shown.set(name, mark);
      this.#out.write(
        `  ${name.padEnd(NAME)}${formatShares(shares).padEnd(21)}${text.replace(/ \(.*\)/, '')}\n`,
      );
    }
  }

  settle(): void {
    this.#shown.clear();
  }
}

function formatShares(shares: Readonly<Record<string, number>>): string {
  const parts = Object.entries(shares).sort(([a], [b]) => a.localeCompare(b));
  const said = parts.map(([version, share]) => `${version} ${Math.round(share)} %`).join('  ');
  return said === '' ? 'requests wait' : said;
}

function paint(version: string, text: string): string {
  const colour = version === 'v1' || version === 'v2' || version === 'v3' ? COLOURS[version] : 'white';
  return styleText(colour, text);
}

function shorten(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}
