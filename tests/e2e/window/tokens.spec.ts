import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';

const css = readFileSync(new URL('../../../src-renderer/ui/tokens.css', import.meta.url), 'utf8');

type Rgb = [red: number, green: number, blue: number];

/** The custom properties of both schemes: dark is what its block says over what the root says. */
function schemes(): Record<'light' | 'dark', Map<string, string>> {
  const blocks = [...css.matchAll(/(:root[^{]*)\{([^}]*)\}/g)];
  const read = (body: string) =>
    [...body.matchAll(/(--[a-z0-9-]+):\s*([^;]+);/g)].map((match): [string, string] => [
      match[1] ?? '',
      match[2] ?? '',
    ]);
  const light = new Map(read(blocks[0]?.[2] ?? ''));
  const dark = new Map([...light, ...read(blocks.find((block) => block[1]?.includes('dark'))?.[2] ?? '')]);
  return { light, dark };
}

/** OKLCH to linear sRGB, not clipped: what is below 0 or above 1 is outside of what a screen shows. */
function linear(lightness: number, chroma: number, hue: number): Rgb {
  const angle = (hue * Math.PI) / 180;
  const a = chroma * Math.cos(angle);
  const b = chroma * Math.sin(angle);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function colourOf(tokens: Map<string, string>, name: string): Rgb {
  const value = tokens.get(name);
  if (value === undefined) throw new Error(`tokens.css has no ${name}`);
  const reference = /^var\((--[a-z0-9-]+)\)$/.exec(value)?.[1];
  if (reference !== undefined) return colourOf(tokens, reference);
  const match = /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)$/.exec(value);
  if (match === null) throw new Error(`${name} is no plain oklch colour: ${value}`);
  return linear(Number(match[1]), Number(match[2]), Number(match[3]));
}

const luminance = (colour: Rgb) => {
  const [red, green, blue] = colour.map((part) => Math.min(1, Math.max(0, part))) as Rgb;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

function contrast(first: Rgb, second: Rgb): number {
  const [high = 0, low = 0] = [luminance(first), luminance(second)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

const grounds = ['--canvas', '--rail', '--raised', '--hover'];
const states = ['--running', '--needs-you', '--passed', '--failed', '--unverified', '--blocked', '--idle'];
const brands = Array.from({ length: 12 }, (_, index) => `--brand-${index}`);
const text: [ink: string, ground: string][] = [
  ...['--text', '--muted', '--accent', ...states].flatMap((ink) =>
    grounds.map((ground): [string, string] => [ink, ground]),
  ),
  ['--text', '--selected'],
  ['--muted', '--selected'],
  ['--text', '--line'],
  ['--on-accent', '--accent'],
  ...['--added', '--removed', '--added-strong', '--removed-strong', '--found'].map(
    (ground): [string, string] => ['--text', ground],
  ),
  ['--muted', '--added'],
  ['--muted', '--removed'],
];
const marks: [ink: string, ground: string][] = [
  ...brands.flatMap((ink) => grounds.map((ground): [string, string] => [ink, ground])),
  ['--control-line', '--canvas'],
  ['--control-line', '--raised'],
  ['--focus', '--canvas'],
  ['--focus', '--raised'],
  ['--focus', '--rail'],
];

for (const scheme of ['light', 'dark'] as const) {
  const tokens = schemes()[scheme];
  const below = (pairs: [string, string][], least: number) =>
    pairs
      .map(([ink, ground]) => ({
        pair: `${ink} on ${ground}`,
        ratio: contrast(colourOf(tokens, ink), colourOf(tokens, ground)),
      }))
      .filter(({ ratio }) => ratio < least);

  test(`${scheme}: text has a contrast of 4.5 on every ground it stands on`, () => {
    expect(below(text, 4.5)).toEqual([]);
  });

  test(`${scheme}: marks have a contrast of 3`, () => {
    expect(below(marks, 3)).toEqual([]);
  });

  test(`${scheme}: the twelve hues of brands are of one lightness and chroma, and a screen can show them`, () => {
    const shapes = new Set(brands.map((name) => tokens.get(name)?.split(' ').slice(0, 2).join(' ')));
    expect(shapes.size).toBe(1);
    const outside = brands.filter((name) =>
      colourOf(tokens, name).some((part) => part < -0.005 || part > 1.005),
    );
    expect(outside).toEqual([]);
  });
}
