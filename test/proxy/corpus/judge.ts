// A target that records what reached it, with a parser of its own that forgives nothing: what two readers could
// understand in two ways is a problem, whoever sent it.
import { createServer, type Socket } from 'node:net';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\/[\x21-\x7e\x80-\xff]*|\*) HTTP\/1\.1$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e\x80-\xff\t]*)$/;

interface Head {
  readonly method: string;
  readonly path: string;
  readonly fields: readonly (readonly [string, string])[];
}

/** Told what to do in the end. */
interface Closing {
  onClose(closer: () => Promise<void>): void;
}

interface Parsed {
  /** Null while it is not whole. */
  readonly body: string | null;
  readonly rest: string;
}

export class Judge {
  /** `METHOD path body` of every whole request, in the order of their ends. */
  readonly seen: string[] = [];
  readonly fields: (readonly [string, string])[] = [];
  readonly problems: string[] = [];
  address = '';

  async listen(rig: Closing): Promise<this> {
    const open = new Set<Socket>();
    const server = createServer((socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      this.#serve(socket);
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    rig.onClose(async () => {
      for (const socket of open) socket.destroy();
      server.close();
    });
    const address = server.address();
    this.address = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
    return this;
  }

  forget(): void {
    for (const list of [this.seen, this.fields, this.problems]) list.length = 0;
  }

  #serve(socket: Socket): void {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      text = this.#read(text + chunk, socket);
    });
  }

  #read(text: string, socket: Socket): string {
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return text;
    const head = this.#parseHead(text.slice(0, end));
    if (head === null) {
      socket.destroy();
      return '';
    }
    const { body, rest } = this.#parseBody(head, text.slice(end + 4));
    if (body === null) return text;
    this.seen.push(`${head.method} ${head.path} ${body}`.trimEnd());
    this.fields.push(...head.fields);
    socket.write(head.method === 'HEAD' ? ANSWER : `${ANSWER}ok`);
    return rest === '' ? '' : this.#read(rest, socket);
  }

  #parseHead(text: string): Head | null {
    const [first = '', ...lines] = text.split('\r\n');
    const [, method = '', path = ''] = REQUEST_LINE.exec(first) ?? [];
    const fields = lines.map((line) => FIELD.exec(line));
    if (method === '') this.problems.push(`request line ${JSON.stringify(first)}`);
    if (fields.includes(null)) this.problems.push(`a field of ${JSON.stringify(text)}`);
    if (this.problems.length > 0) return null;
    return {
      method,
      path,
      fields: fields.map((found) => [found?.[1]?.toLowerCase() ?? '', found?.[2] ?? '']),
    };
  }

  #parseBody({ fields, path }: Head, text: string): Parsed {
    const all = (wanted: string) => fields.flatMap(([name, value]) => (name === wanted ? [value] : []));
    const [lengths, codings] = [all('content-length'), all('transfer-encoding')];
    if (all('host').length !== 1) this.problems.push(`${path}: ${all('host').length} hosts`);
    if (lengths.length + codings.length > 1)
      this.problems.push(`${path}: framed by ${[...lengths, ...codings]}`);
    if (codings[0] !== undefined) return this.#parseChunks(codings[0], text);
    const [length = '0'] = lengths;
    if (!/^(0|[1-9]\d*)$/.test(length)) this.problems.push(`${path}: length ${length}`);
    const size = Number(length);
    return { body: text.length < size ? null : text.slice(0, size), rest: text.slice(size) };
  }

  #parseChunks(coding: string, text: string): Parsed {
    if (coding !== 'chunked') this.problems.push(`coding ${coding}`);
    let [body, at] = ['', 0];
    for (;;) {
      const [line, digits = ''] = /^([0-9a-fA-F]+)\r\n/.exec(text.slice(at)) ?? [];
      if (line === undefined) return { body: null, rest: '' };
      const size = Number.parseInt(digits, 16);
      at += line.length;
      if (size === 0) break;
      body += text.slice(at, at + size);
      at += size + 2;
    }
    const trailers = /^(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(at));
    return trailers === null ? { body: null, rest: '' } : { body, rest: text.slice(at + trailers[0].length) };
  }
}
