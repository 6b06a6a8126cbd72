import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { BrandId } from '../../src-main/contract/ids.ts';
import { whenEnded } from '../support/feed.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';

const label = 'label' as BrandId;
const FROM_FILE = 'file-secret-4f1c9d72';
const FROM_ENVIRONMENT = 'environment-secret-88aa31';

/** All bytes of the files below a folder, but for the one that holds the secret itself. */
function everything(folder: string, but: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => file !== but && statSync(file).size < 50_000_000)
    .map((file) => readFileSync(file, 'latin1'))
    .join('\n');
}

test('a secret is granted by name: that run alone has it, and nothing that it says shows it', async () => {
  const place = makePlace();
  const repository = place.repository('catalogue', { 'releases.txt': 'one\n' });
  const secretFile = path.join(place.around, 'shop-key');
  writeFileSync(secretFile, `${FROM_FILE}\n`, { mode: 0o600 });
  process.env['SECRETS_OF_THE_TEST'] = 'never mind';
  let core = await place.open();
  try {
    await addBrand(core.client, 'label', repository.path);
    await core.close();
    const file = path.join(place.workspace, 'brands/label/brand.yaml');
    const config = parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const secrets = { SHOP_KEY: { file: secretFile }, MAIL_KEY: { env: 'MAIL_KEY_OF_THE_TEST' } };
    writeFileSync(file, stringify({ ...config, secrets }));
    place.environment['MAIL_KEY_OF_THE_TEST'] = FROM_ENVIRONMENT;
    core = await place.open();

    const unknown = await core.client.ticket.draft({
      brand: label,
      draft: { title: 'No', grants: ['NOPE'] },
    });
    expect(unknown).toMatchObject({ ok: false, failure: { code: 'invalid-input' } });
    expect(JSON.stringify(unknown)).toContain('it has: SHOP_KEY, MAIL_KEY');

    const carryOut = async (draft: Record<string, unknown>) => {
      const made = held(
        await core.client.ticket.draft({
          brand: label,
          draft: { title: 'T', acceptance: ['true'], ...draft },
        }),
      );
      held(await core.client.ticket.approve({ id: made.id, hash: made.hash }));
      return whenEnded(core.client, made.id);
    };

    const split = `printf '%s' "$SHOP_KEY" | cut -c1-9 | tr -d '\\n'; sleep 0.05; printf '%s' "$SHOP_KEY" | cut -c10-`;
    const good = await carryOut({
      grants: ['SHOP_KEY'],
      command: [
        'test -z "$MAIL_KEY" && printf %s "$SHOP_KEY" | sha256sum > sum.txt',
        'echo "the key is $SHOP_KEY and again $(printf %s "$SHOP_KEY" | base64)" && echo "$SHOP_KEY" >&2',
        split,
        'cat /proc/*/cmdline | tr "\\0" " " | grep -c "$(printf %s "$SHOP_KEY" | cut -c1-12)" | sed "s/^/in argv: /"',
      ].join('\n'),
    });
    expect(good).toMatchObject({ state: 'merged' });
    const none = await carryOut({ command: 'test -z "$SHOP_KEY$MAIL_KEY" && echo none > none.txt' });
    expect(none).toMatchObject({ state: 'merged' });

    const runs = held(await core.client.run.list({ ticket: good.id }));
    let said = '';
    for await (const line of await core.client.run.output({ id: runs[0]?.id ?? '' }))
      said += `${line.text}\n`;
    expect(said).toContain('the key is [SHOP_KEY] and again [SHOP_KEY]');

    const leaking = await carryOut({
      grants: ['MAIL_KEY'],
      command: 'echo "key=$MAIL_KEY" > config.ini',
    });
    expect(leaking).toMatchObject({
      state: 'blocked',
      blockedReason: expect.stringContaining('holds the value of a secret') as string,
    });

    chmodSync(secretFile, 0o644);
    const open = await carryOut({ grants: ['SHOP_KEY'], command: 'true' });
    expect(open).toMatchObject({
      state: 'blocked',
      blockedReason: expect.stringContaining('others than its owner may read or change it') as string,
    });
    await core.close();
    // The blocked ticket's own checkout and its commits hold what its agent wrote: they are behind the brand's walls.
    rmSync(path.join(place.workspace, 'checkouts'), { recursive: true, force: true });
    const kept = everything(place.workspace, secretFile);
    for (const secret of [FROM_FILE, FROM_ENVIRONMENT]) {
      expect(kept).not.toContain(secret);
      expect(kept).not.toContain(Buffer.from(secret).toString('base64'));
    }
    expect(repository.git('log', '-p', '--all')).not.toContain(FROM_ENVIRONMENT);
    expect(core.faults).toEqual([]);
  } finally {
    await core.close();
    place.remove();
  }
}, 240_000);

test('[F6] a run finds who it is and where it works, leaves its output, its process and its exit code, and can push nowhere', async () => {
  const place = makePlace();
  const repository = place.repository('catalogue', { 'releases.txt': 'one\n' });
  repository.git('remote', 'add', 'origin', repository.path);
  const core = await place.open();
  try {
    await addBrand(core.client, 'label', repository.path);
    const command = [
      'echo "$ATRIUM_RUN $ATRIUM_TICKET $ATRIUM_BRANCH $ATRIUM_BASE $(git branch --show-current)"',
      `for to in origin ${repository.path} file://${repository.path}; do git push $to HEAD:main && exit 1; done`,
      'echo two > two.txt; git add -A; git commit -qm "Two"; echo three > three.txt',
    ].join('\n');
    const made = held(
      await core.client.ticket.draft({ brand: label, draft: { title: 'T', acceptance: ['true'], command } }),
    );
    held(await core.client.ticket.approve({ id: made.id, hash: made.hash }));
    expect(await whenEnded(core.client, made.id)).toMatchObject({ state: 'merged' });
    const run = held(await core.client.run.list({ ticket: made.id }))[0];
    const log = path.join(place.workspace, '.atrium/brands/label/transcripts', `${run?.id ?? ''}.jsonl`);
    const said = readFileSync(log, 'utf8');
    expect(said).toContain(`${run?.id ?? ''} ${made.id} atrium/${made.id} `);
    expect(said).toMatch(/"note","text":"process \d+"/);
    expect(said).toContain('"note","text":"ended with exit code 0"');
    expect(repository.git('rev-list', '--count', 'main')).toBe('3');
  } finally {
    await core.close();
    place.remove();
  }
}, 120_000);
