import { expect, test } from 'vitest';
import type { BrandConfig } from '../contract/config.ts';
import { readGrants } from './grants.ts';

const SECRET = 'granted-secret-4f1c9d72';
const brand = { id: 'acme', secrets: { KEY: { env: 'KEY' } } } as unknown as BrandConfig;

test('a secret is taken out as it is and as usual encodings of something longer hold it', () => {
  const read = readGrants(brand, ['KEY'], { KEY: SECRET });
  if (!read.ok) throw new Error(read.failure.message);
  const grants = read.value;
  const longer = ['', 'x', 'xy', 'xyz'].map((before) => Buffer.from(`${before}${SECRET}\nand more`));
  const forms = [
    ...longer.flatMap((bytes) => [bytes.toString(), bytes.toString('base64'), bytes.toString('base64url')]),
    ...longer.map((bytes) => bytes.toString('hex')),
    JSON.stringify({ key: SECRET }),
    encodeURIComponent(`key=${SECRET}`),
  ];
  for (const form of forms) {
    expect([form, grants.scrub(form)]).toEqual([form, expect.stringContaining('[KEY]')]);
    const pieces = grants.pieces();
    const said = [...form].map((piece) => pieces.push(piece)).join('') + pieces.rest();
    expect(said).toBe(grants.scrub(form));
  }
  expect(grants.scrub('nothing of it')).toBe('nothing of it');
});
