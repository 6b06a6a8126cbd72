import { describe, expect, test } from 'vitest';
import { placeOf, type Geography, type Place } from './place.ts';

const geography: Geography = {
  brand: 'shop',
  workspace: '/ws',
  checkouts: ['/ws/checkouts/shop/T-shop-1'],
  inTicket: (path) => path.startsWith('src/'),
};

describe('placeOf', () => {
  test.each<[string, Place]>([
    ['/ws/checkouts/shop/T-shop-1/src/a.ts', 'ticket-paths'],
    ['/ws/checkouts/shop/T-shop-1/README.md', 'checkout'],
    ['/ws/checkouts/shop/T-shop-1', 'checkout'],
    ['/ws/checkouts/shop/T-shop-1/.git/config', 'git-internals'],
    ['/ws/checkouts/shop/T-shop-10/src/a.ts', 'elsewhere'],
    ['/ws/checkouts/other/T-other-1/src/a.ts', 'elsewhere'],
    ['/ws/.atrium/brands/shop/brand.db', 'state'],
    ['/ws/.atrium', 'state'],
    ['/ws/wiki/shop/a.md', 'wiki/<brand>'],
    ['/ws/wiki/shopping/a.md', 'wiki/other'],
    ['/ws/wiki/_global/a.md', 'wiki/_global'],
    ['/ws/wiki', 'elsewhere'],
    ['/ws/brands/shop/tickets.jsonl', 'ticket-state'],
    ['/wsx/wiki/shop/a.md', 'elsewhere'],
    ['/etc/passwd', 'elsewhere'],
  ])('%s lies in %s', (path, place) => {
    expect(placeOf(path, geography)).toBe(place);
  });
});
