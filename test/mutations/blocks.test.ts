import { describe, expect, it } from 'vitest';
import * as standIn from './blocks.ts';

const collect = (declare: () => void) => standIn.collectBlocks('a.test.ts', async () => declare());

describe('the stand-in for vitest', () => {
  it('keeps the outermost blocks, and runs all of each every time', async () => {
    const ran: string[] = [];
    const blocks = await collect(() => {
      standIn.describe('outer', () => {
        ran.push('body');
        standIn.describe('inner', () => standIn.it('test', { timeout: 1 }, () => ran.push('test')));
      });
      standIn.it('alone', () => ran.push('alone'));
    });
    expect(ran).toEqual([]);
    for (const block of [...blocks, ...blocks]) block.run();
    expect(ran).toEqual(['body', 'test', 'alone', 'body', 'test', 'alone']);
  });

  it('gives each row to its body, an array as its parts', async () => {
    const rows: unknown[] = [];
    const blocks = await collect(() => {
      standIn.describe.each([{ a: 1 }])('$a', (row: unknown) => rows.push(row));
      standIn.it.each([[1, 2]])('%i', (...row: unknown[]) => rows.push(row));
    });
    for (const block of blocks) block.run();
    expect(rows).toEqual([{ a: 1 }, [1, 2]]);
  });

  it('a block fails with the first test that fails, wherever it stands', async () => {
    const [block] = await collect(() =>
      standIn.describe('outer', () => {
        standIn.it('good', () => expect(1).toBe(1));
        standIn.it('bad', () => expect(1, 'why').toBe(2));
      }),
    );
    expect(() => block?.run()).toThrow('why');
    const [next] = await collect(() => standIn.it('after it', () => undefined));
    expect(next?.id).toContain('a.test.ts#after it');
  });

  it('a test that waits is refused: nobody would wait for it', async () => {
    const [block] = await collect(() => standIn.it('late', async () => undefined));
    expect(() => block?.run()).toThrow('late: a test that waits cannot judge mutants');
  });

  it('a block whose text was changed is another one', async () => {
    const [one, same, other] = [
      ...(await collect(() => standIn.it('name', () => 1))),
      ...(await collect(() => standIn.it('name', () => 1))),
      ...(await collect(() => standIn.it('name', () => 2))),
    ];
    expect(same?.id).toBe(one?.id);
    expect(other?.id).not.toBe(one?.id);
  });
});
