import { dirname, join } from 'node:path';
import { checkedPageStore, eventedPageStore, filePageStore } from '../../src-main/services/wiki/index.ts';
import { pageStoreConformance } from './page-store.ts';

const files = (root: string) => filePageStore({ root, prefix: 'wiki/label' });
const authorize = () => ({ allowed: true, rule: 'librarian-writes-brand', reason: 'its own brand' });

pageStoreConformance('files', files);
pageStoreConformance('files with history', (root) =>
  filePageStore({ root, prefix: 'wiki/label', historyRoot: join(dirname(root), 'label', '.history') }),
);
pageStoreConformance('checked', (root) => checkedPageStore(files(root), { authorize }));
pageStoreConformance('evented', (root) => eventedPageStore(files(root), () => undefined));
