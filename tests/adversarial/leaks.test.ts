import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { createExits } from '../../src-main/app/exits/exits.ts';
import { layerParts, type LayerParts } from '../../src-main/app/layers/layer-parts.ts';
import type { TicketDetail } from '../../src-main/contract/tickets.ts';
import { addBrand, held, makePlace } from '../support/workspace.ts';
import type { InProcessCore, TestPlace, TestRepository } from '../support/workspace.ts';
import { CARRIED, SAID, type WayOut } from './leaks.ts';
import { laySiege, nodeProgram, type Siege } from './siege.ts';

/** Words that must stay where they are: those of a sealed brand, and the secrets that a run was granted. */

const WORDS =
  'buy when the seven day average crosses above the thirty day average and volume doubles within two sessions then sell half at nine percent';
const MARK = 'canary-quant-4711-0815-abcdef';

/** What the attacker knows without its ticket's text saying so, and what it does with it. */
const PRELUDE = `
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { request } from 'node:http';
const words = ${JSON.stringify(WORDS.split(' ').reverse())}.reverse().join(' ');
const mark = ['canary', 'quant', '4711', '0815', 'abcdef'].join('-');
const ticket = process.env.ATRIUM_TICKET;
const statuses = [];
const call = (path, body) => new Promise((done) => {
  const text = JSON.stringify(body);
  const outgoing = request({ socketPath: process.env.ATRIUM_SOCKET, method: 'POST', path: '/api/run/' + path, agent: false, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, (answer) => {
    answer.resume().on('end', () => { statuses.push(answer.statusCode); done(); });
  });
  outgoing.on('error', (error) => { statuses.push(error.code); done(); });
  outgoing.end(text);
});
const sh = (command, input = '') => execFileSync('/bin/sh', ['-c', command], { input, cwd: '/work/' + OWN, encoding: 'utf8' });
const head = () => sh('git rev-parse HEAD').trim();
`;

/** A core with an open brand and a sealed one, as shipped or with exits that stop nothing. */
async function openBrands(made?: LayerParts) {
  const place = makePlace({ maxRuns: 8 });
  const label = place.repository('label', { 'a.txt': 'a\n' });
  const core = await place.open(made);
  const siege = laySiege(core);
  await addBrand(core.client, 'label', label.path);
  const quant = place.repository('quant', { 'notes.txt': `${WORDS}\n${MARK}\n` });
  await addBrand(core.client, 'quant', quant.path, { sealed: true });
  return {
    place,
    core,
    siege,
    label,
    quant,
    async close() {
      await siege.end();
      await core.close();
      place.remove();
    },
  };
}
type Brands = Awaited<ReturnType<typeof openBrands>>;

const program = (own: string, does: string): string =>
  nodeProgram(
    `${PRELUDE.replace('OWN', JSON.stringify(own))}
     if (process.env.ATRIUM_STAGE === 'work') mkdirSync('/work/${own}', { recursive: true });
     ${does}
     console.log('STATUSES ' + statuses.join(' '));`,
  );

/** A ticket that does what the ways say, one after another; gives back how it came out, or that its plan is there. */
async function carryOut({ siege }: Brands, ways: readonly WayOut[]): Promise<TicketDetail> {
  const own = ways.map(({ id }) => id.replace('words.', '')).join('-');
  const command = program(own, ways.map(({ does }) => does).join('\n'));
  const draft = { title: own, paths: [`${own}/**`], acceptance: ['true'], command };
  if (!ways.some(({ planned }) => planned)) return (await siege.attack('label', draft)).ticket;
  const ordered = await siege.order('label', { ...draft, mode: 'plan_first' });
  return siege.until(ordered.id, ({ artifacts }) => artifacts.some(({ name }) => name === 'plan'));
}

/** One run says everything; where it is taken, its question is answered. */
async function say({ siege, core }: Brands, answer: boolean): Promise<string[]> {
  const does = SAID.map((one) => one.does).join('\n');
  const { id } = await siege.order('label', {
    ...{ title: 'Say it all', paths: ['said/**'], acceptance: ['true'] },
    command: `${program('said', does)}; exit 1`,
  });
  if (answer) {
    const asking = await siege.until(id, ({ questions }) => questions.length > 0);
    held(await core.client.question.answer({ id, question: asking.questions[0]?.id ?? '', answer: 'x' }));
  }
  const { attemptList } = await siege.until(
    id,
    (ticket) => (ticket.attemptList[0]?.endedAt ?? null) !== null,
  );
  await core.client.ticket.block({ id, reason: 'it has said it all' });
  const said = (await siege.transcript(attemptList[0]?.run ?? ''))
    .flatMap(({ kind, text }) => (kind === 'stdout' ? [text] : []))
    .join('');
  return /^STATUSES (.*)$/m.exec(said)?.[1]?.split(' ') ?? [said];
}

/** What agents said and Atrium recorded of it; the operator's own drafts aside. */
async function recorded({ core }: Brands): Promise<{ text: string; exits: string[] }> {
  const events = held(await core.client.events({ brand: 'label', limit: 5_000 }));
  const exits = events.flatMap(({ type, data }) => {
    const made = data as { layer?: string; tool?: string };
    return type === 'guard.decided' && made.layer === 'exit' ? [made.tool ?? ''] : [];
  });
  const said = events.filter(({ type }) => type !== 'ticket.drafted');
  return { text: JSON.stringify(said), exits };
}

describe('words of a sealed brand that a run of another one knows', () => {
  let shipped: Brands;
  beforeAll(async () => {
    shipped = await openBrands();
  });
  afterAll(() => shipped.close());

  test(`[B6] are taken nowhere: ${SAID.map(({ id }) => id).join(', ')}`, async () => {
    expect(await say(shipped, false)).toEqual(SAID.map(() => '403'));
    const { text, exits } = await recorded(shipped);
    expect(exits).toEqual(SAID.map(({ exit }: WayOut) => exit));
    expect(text).not.toContain('seven day average');
  });

  test(`[B6] reach no branch and no reviewer: ${CARRIED.map(({ id }) => id).join(', ')}`, async () => {
    const before = shipped.label.git('rev-parse', 'main');
    const outcomes = await Promise.all(CARRIED.map((way) => carryOut(shipped, [way])));
    expect(outcomes.map(({ state }) => state)).not.toContain('merged');
    const reasons = outcomes.flatMap(({ planState, attemptList }) =>
      planState === 'none' ? [attemptList[0]?.reason] : [],
    );
    expect(reasons).toEqual(
      CARRIED.slice(1).map(() => expect.stringContaining('holds words of brand quant') as string),
    );
    const { text, exits } = await recorded(shipped);
    expect(exits.slice(SAID.length).sort()).toEqual(CARRIED.map(({ exit }) => exit).sort());
    expect(text).not.toContain('seven day average');
    expect(shipped.label.git('rev-parse', 'main')).toBe(before);
  });

  test('[B6] are written into no page, also where they were nobody’s before (words.written-page)', async () => {
    const { core, siege, quant } = shipped;
    const learn = async (own: string, description: string, meanwhile: () => void): Promise<string[]> => {
      const { id } = await siege.order('label', {
        ...{ title: own, description, paths: [`${own}/**`], acceptance: ['true'] },
        command: `mkdir ${own} && atrium ask "Go on?" > ${own}/x`,
      });
      const { questions } = await siege.until(id, ({ questions: all }) => all.length > 0);
      meanwhile();
      held(await core.client.question.answer({ id, question: questions[0]?.id ?? '', answer: 'yes' }));
      const after = (await siege.until(id, ({ state }) => state === 'merged')).timeline.at(-1)?.position ?? 0;
      const written = async () =>
        held(await core.client.events({ brand: 'label', after, limit: 100 })).flatMap(({ type, data }) =>
          type === 'page.written' || (type === 'guard.decided' && (data as { tool: string }).tool === 'page')
            ? [type]
            : [],
        );
      for await (const item of await core.client.feed({}))
        if ((item.kind === 'snapshot' || item.kind === 'activity') && (await written()).length > 0) break;
      return written();
    };
    const words = (of: string) =>
      `${of}: every order of the morning is filled at the opening price less one tenth of what the day before had moved it by the close`;
    // The control: nobody else has them.
    expect(await learn('free', words('Alpha'), () => undefined)).toContain('page.written');
    const stopped = await learn('taken', words('Beta'), () => void quant.commit({ 'b.txt': words('Beta') }));
    expect(stopped).toEqual(['guard.decided']);
  });

  test('the control: where exits stop nothing, all of it is taken', async () => {
    const open = await openBrands({
      ...layerParts,
      exits: (of) => ({ ...createExits(of), stopped: () => null }),
    });
    try {
      expect(await say(open, true)).toEqual(SAID.map(() => '200'));
      const [plan, ...commits] = CARRIED;
      const [planned, merged] = await Promise.all([
        carryOut(open, plan ? [plan] : []),
        carryOut(open, commits),
      ]);
      expect([planned.state, merged.state, merged.attemptList[0]?.reason]).toEqual([
        ...['in_progress', 'merged', 'merged'],
      ]);
      expect((await recorded(open)).text).toContain('seven day average');
      const history = open.label.git('log', '-p', '--text', '--format=%an%n%B', 'main');
      expect(history.split(MARK).length - 1).toBeGreaterThanOrEqual(2);
      expect(history.split('seven day average').length - 1).toBeGreaterThanOrEqual(4);
    } finally {
      await open.close();
    }
  });
});

const SECRET = 'granted-secret-4f1c9d72';
/** Said in the same breath, and granted to nobody: the control for each place in which the secret is not. */
const PLAIN = 'plain-marker-5512-wxyz';

describe('a secret that a run was granted', () => {
  let place: TestPlace;
  let core: InProcessCore;
  let siege: Siege;
  let shop: TestRepository;
  beforeAll(async () => {
    place = makePlace({
      policy: [
        { name: 'ask', decision: 'ask', kinds: ['execute'], tools: [], commands: ['deploy*'], reason: 'x' },
        { name: 'no', decision: 'deny', kinds: ['execute'], tools: [], commands: ['erase*'], reason: 'x' },
      ],
    });
    shop = place.repository('shop', { 'a.txt': 'one\n' });
    const file = path.join(place.around, 'shop-key');
    writeFileSync(file, `${SECRET}\n`, { mode: 0o600 });
    const first = await place.open();
    await addBrand(first.client, 'acme', shop.path);
    await first.close();
    const brand = path.join(place.workspace, 'brands', 'acme', 'brand.yaml');
    const config = parse(readFileSync(brand, 'utf8')) as Record<string, unknown>;
    writeFileSync(brand, stringify({ ...config, secrets: { SHOP_KEY: { file } } }));
    core = await place.open();
    siege = laySiege(core);
  });
  afterAll(async () => {
    await siege.end();
    await core.close();
    place.remove();
  });

  /** Looks for the variable by its name, as whoever does not know its value has to. */
  const SEEK = `cat /proc/[0-9]*/environ 2> /dev/null | tr '\\0' '\\n' | grep -q '^SHOP_KEY=' && echo SEEN || echo UNSEEN`;
  const asked = async () =>
    held(await core.client.guard.asks({ all: true })).find(({ rule }) => rule === 'ask');

  test('is in no record of what the run said and was asked, and no other run finds it (secrets.said) (secrets.call) (secrets.neighbour)', async () => {
    const hook = (command: string) =>
      `printf '{"tool_name":"Bash","cwd":"/work","tool_input":{"command":"${command} %s"}}' "$both" | atrium hook PreToolUse`;
    const { id } = await siege.order('acme', {
      ...{ title: 'Say it', grants: ['SHOP_KEY'], paths: ['a/**'], acceptance: ['true'] },
      command: [
        `p=plain-marker; both="$SHOP_KEY $p-5512-wxyz"`,
        'atrium progress "$both"; atrium comment "$both"; atrium wiki request "$both"',
        'atrium handoff write --notes "$both"',
        ...['ls', 'erase', 'deploy'].map(hook),
        SEEK,
        'exit 1',
      ].join('\n'),
    });
    // It waits with its secret while another run of its brand and user looks for it.
    for await (const item of await core.client.feed({}))
      if ((item.kind === 'snapshot' || item.kind === 'activity') && (await asked()) !== undefined) break;
    const neighbour = await siege.attack('acme', {
      ...{ title: 'Look for it', paths: ['b/**'], acceptance: ['true'] },
      command: `${SEEK}; exit 1`,
    });
    expect(neighbour.output).toContain('UNSEEN');
    const ask = await asked();
    expect(ask?.text).toBe(`deploy [SHOP_KEY] ${PLAIN}`);
    held(await core.client.guard.answer({ id: ask?.id as never, decision: 'deny' }));
    const { attemptList } = await siege.until(
      id,
      ({ attemptList: all }) => (all[0]?.endedAt ?? null) !== null,
    );
    await core.client.ticket.block({ id, reason: 'it has said it' });
    const lines = await siege.transcript(attemptList[0]?.run ?? '');
    expect(lines.map(({ text }) => text).join('')).toMatch(/^SEEN$/m);

    const comments = JSON.stringify(held(await core.client.events({ brand: 'acme', limit: 5_000 })));
    const decisions = JSON.stringify(held(await core.client.guard.log({ brand: 'acme' })));
    const handoffs = path.join(place.workspace, 'brands', 'acme', 'handoffs');
    const written = readdirSync(handoffs).map((name) => readFileSync(path.join(handoffs, name), 'utf8'));
    for (const kept of [comments, decisions, written.join('')])
      expect([kept.includes(PLAIN), kept.includes(SECRET)]).toEqual([true, false]);
    expect(comments.split(PLAIN).length - 1).toBeGreaterThanOrEqual(3);
    for (const command of ['ls', 'erase', 'deploy']) expect(decisions).toContain(`${command} [SHOP_KEY]`);
  });

  test('reaches no branch, however it is committed, nor the checks (secrets.commit)', async () => {
    const ways: Record<string, (word: string) => string> = {
      message: (word) => `git commit -q --allow-empty -m "${word}"`,
      'no-text': (word) => `printf '\\0%s' "${word}" > no-text; git add -A; git commit -qm x`,
      'in-between': (word) =>
        `echo "${word}" > between; git add -A; git commit -qm x; git rm -q between; git commit -qm x`,
    };
    const own = (name: string) => `mkdir ${name}; cd ${name}; echo x > x; git add -A; git commit -qm x`;
    const acceptance = ['! env | grep -q SHOP_KEY'];
    const before = shop.git('rev-parse', 'main');
    const leaked = await Promise.all(
      Object.entries(ways).map(([name, commit]) =>
        siege.attack('acme', {
          ...{ title: name, grants: ['SHOP_KEY'], paths: [`${name}/**`], acceptance },
          command: `${own(name)}; ${commit('$SHOP_KEY')}`,
        }),
      ),
    );
    for (const { ticket } of leaked)
      expect([ticket.title, ticket.attemptList[0]?.reason]).toEqual([
        ticket.title,
        expect.stringContaining('holds the value of a secret'),
      ]);
    expect(shop.git('rev-parse', 'main')).toBe(before);
    // The control: what is no secret of the run reaches the branch by each of these ways.
    const { ticket } = await siege.attack('acme', {
      ...{ title: 'plain', grants: ['SHOP_KEY'], paths: ['plain/**'], acceptance },
      command: `p=plain-marker-5512-wxyz; ${own('plain')}; ${Object.values(ways)
        .map((commit) => commit('$p'))
        .join('; ')}`,
    });
    expect(ticket.state).toBe('merged');
    const history = shop.git('log', '-p', '--text', 'main');
    expect(history.split(PLAIN).length - 1).toBeGreaterThanOrEqual(4);
    await core.close();
    // Checkouts of tickets that did not merge are behind the walls of their brand.
    rmSync(path.join(place.workspace, 'checkouts'), { recursive: true, force: true });
    const files = readdirSync(place.workspace, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .filter((file) => statSync(file).size < 50_000_000);
    expect(files.filter((file) => readFileSync(file, 'latin1').includes(SECRET))).toEqual([]);
  });
});
