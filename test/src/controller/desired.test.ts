import { describe, expect, it } from 'vitest';
import { readAccepted } from '../../../src/controller/desired.ts';
import { EMPTY_RECORD } from '../../../src/controller/record.ts';

const read = (accepted: string | null, service = 'web') =>
  readAccepted({ ...EMPTY_RECORD, accepted }, service);

describe('the accepted spec', () => {
  it('is parsed once while its text stays, whatever else the record says', () => {
    const first = read('image: a');
    expect(first?.text).toBe('image: a');
    expect(read('image: a')).toBe(first);
  });

  it('is parsed anew when its text changes, and for another service', () => {
    const first = read('image: a');
    expect(read('image: b')?.spec.image).toBe('b');
    expect(read('service: web\nimage: a')?.spec.image).toBe('a');
    expect(read('service: web\nimage: a', 'api')).toBeNull();
    expect(read('image: a')).toEqual(first);
    expect(read(null)).toBeNull();
  });
});
