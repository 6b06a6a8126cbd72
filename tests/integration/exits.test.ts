import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { laySiege, nodeProgram, type Siege } from '../adversarial/siege.ts';
import { startModelServer } from '../support/model-server.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace } from '../support/workspace.ts';

/** Planted in every brand; they must turn up in none of the others. */
const mark = (brand: string): string => `canary-${brand}-4711-0815-abcdef`;
const SECRET =
  'buy when the seven day average crosses above the thirty day average and volume doubles within two sessions then sell half at nine percent';
const FREE =
  'the catalogue lists every release with its date and the artists who made it in the order of their names';

describe('exits and entries of a workspace with a sealed brand', () => {
  let place: TestPlace;
  let core: InProcessCore;
  let siege: Siege;
  let models: Awaited<ReturnType<typeof startModelServer>>;

  beforeAll(async () => {
    models = await startModelServer([{ text: 'fine' }]);
    place = makePlace({ models: { anthropic: { baseUrl: models.url, keyEnv: 'TEST_KEY' } } });
    place.environment['TEST_KEY'] = 'key';
    core = await place.open();
    siege = laySiege(core);
    const repository = (name: string, text: string) =>
      place.repository(name, { 'notes.txt': `${text}\n${mark(name)}\n`, 'a.txt': 'a\n' }).path;
    await addBrand(core.client, 'label', repository('label', FREE));
    await addBrand(core.client, 'studio', repository('studio', 'posts and a feed'));
    await addBrand(core.client, 'quant', repository('quant', SECRET), { sealed: true });
    const page = path.join(place.workspace, 'wiki', 'quant', 'strategy.md');
    mkdirSync(path.dirname(page), { recursive: true });
    writeFileSync(page, `---\ntitle: Strategy\n---\n\nOnly here: ${mark('wiki-quant')}.\n`);
  });
  afterAll(async () => {
    await siege.end();
    await core.close();
    await models.close();
    place.remove();
  });

  const decisions = async (brand: string): Promise<{ tool: string; reason: string }[]> =>
    held(await core.client.events({ brand })).flatMap(({ type, data }) => {
      const made = data as { layer?: string; tool: string; reason: string };
      return type === 'guard.decided' && made.layer === 'exit' ? [made] : [];
    });

  test('[B6] a brief that holds a sealed brand’s words, or a mark of any brand, goes to no agent', async () => {
    for (const [text, whose] of [
      [`Do as they do: ${SECRET.toUpperCase()}`, 'quant'],
      [`What is ${mark('quant')}?`, 'quant'],
      [`What is ${mark('wiki-quant')}?`, 'quant'],
      [`What is ${mark('studio')}?`, 'studio'],
    ] as const) {
      const { id } = await siege.order('label', {
        ...{ title: 'Copy', description: text, paths: ['a.txt'], acceptance: ['true'], command: 'true' },
      });
      const ended = await siege.until(id, ({ state }) => state === 'blocked');
      expect(ended.reason).toContain(`goes to no agent: it holds words of brand ${whose}`);
      expect(ended.reason).not.toContain('4711');
    }
    expect(await decisions('label')).toContainEqual(
      expect.objectContaining({ tool: 'brief', reason: 'it holds words of brand quant, which stay there' }),
    );
  });

  test('[B6] results, notes, comments and model requests with foreign words are not taken, and a candidate does not land', async () => {
    const split = SECRET.split(' ');
    const half = Math.floor(split.length / 2);
    // Put together inside: the ticket's own text holds nothing of it.
    const words = `[${JSON.stringify(split.slice(0, half).reverse())}, ${JSON.stringify(split.slice(half).reverse())}].map((part) => part.reverse().join(' ')).join(' ')`;
    const attempted = await siege.attack('label', {
      ...{ title: 'Take it along', paths: ['a.txt'], acceptance: ['true'] },
      command: nodeProgram(
        `import { spawnSync } from 'node:child_process';
         import { writeFileSync } from 'node:fs';
         const words = ${words};
         const say = (...args) => { const done = spawnSync('atrium', args, { encoding: 'utf8' }); return [done.status, done.stderr.trim().split('\\n')[0]]; };
         const ask = async () => { const response = await fetch('http://127.0.0.1:8790/v1/messages', { method: 'POST', headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' }, body: JSON.stringify({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: words }] }) }); return [response.status, (await response.text()).slice(0, 200)]; };
         console.log('LOOT ' + JSON.stringify({ progress: say('progress', words), comment: say('comment', words), plain: say('progress', 'half way'), model: await ask() }));
         writeFileSync('/work/a.txt', words + '\\n');`,
      ),
    });
    const line = attempted.output.split('\n').find((text) => text.startsWith('LOOT ')) ?? 'LOOT {}';
    const loot = JSON.parse(line.slice(5)) as Record<string, [number, string]>;
    const refused = expect.stringContaining('it holds words of brand quant') as string;
    expect(loot).toMatchObject({
      progress: [1, refused],
      comment: [1, refused],
      plain: [0, ''],
      model: [403, refused],
    });
    expect(JSON.stringify(models.requests)).not.toContain('seven day average');
    expect(attempted.ticket.state).not.toBe('merged');
    expect(JSON.stringify(attempted.ticket.timeline)).toContain('words of brand quant');
    const tools = (await decisions('label')).map(({ tool }) => tool);
    expect(tools).toEqual(expect.arrayContaining(['note', 'model request', 'commit']));
  });

  test('[B6] what was put among another brand’s pages is not found by a search, nor what is elsewhere brought into a sealed one', async () => {
    const seen = new Set<string>();
    const feed = await core.client.feed({});
    const indexed = (async () => {
      for await (const item of feed) {
        if (item.kind === 'page' && item.page.endsWith('found.md')) seen.add(item.brand);
        if (seen.size === 3) return;
      }
    })();
    const write = (brand: string, text: string) => {
      const page = path.join(place.workspace, 'wiki', brand, 'found.md');
      mkdirSync(path.dirname(page), { recursive: true });
      writeFileSync(page, `---\ntitle: Found\n---\n\n${text}\n`);
    };
    write('label', `zebra ${mark('quant')}`);
    write('quant', `zebra ${mark('label')}`);
    write('studio', 'zebra and nothing else');
    await indexed;
    for (const { brand, hits } of [
      { brand: 'label', hits: 0 },
      { brand: 'quant', hits: 0 },
      { brand: 'studio', hits: 1 },
    ])
      expect(held(await core.client.wiki.search({ query: 'zebra', brand })).length, brand).toBe(hits);
    expect(held(await core.client.wiki.search({ query: 'zebra strategy', brand: 'label' }))).toEqual([]);
  });

  test('[B6] ordinary work says what others say too, and no canary stands in another brand’s log, page or transcript', async () => {
    const merged = await siege.attack('label', {
      ...{ title: 'Tidy the catalogue', description: FREE, paths: ['a.txt'], acceptance: ['true'] },
      command: `echo ${mark('label')} > a.txt`,
    });
    expect(merged.ticket.state).toBe('merged');
    for (const brand of ['label', 'studio', 'quant'])
      for (const other of ['label', 'studio', 'quant'].filter((id) => id !== brand)) {
        const log = held(await core.client.events({ brand })).filter(
          // The operator's own words to Atrium, and pages that this test itself put there, are no leak.
          ({ type, actor }) => actor.kind !== 'operator' && type !== 'ticket.blocked',
        );
        expect(JSON.stringify(log), `${other} in ${brand}`).not.toContain(mark(other));
        const transcripts = path.join(place.workspace, '.atrium', 'brands', brand, 'transcripts');
        for (const name of existsSync(transcripts) ? readdirSync(transcripts, { withFileTypes: true }) : [])
          if (name.isFile())
            expect(readFileSync(path.join(transcripts, name.name), 'utf8')).not.toContain(mark(other));
      }
  });
});
