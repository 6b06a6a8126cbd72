import axe from 'axe-core';
import type { Page } from '@playwright/test';

/** WCAG 2.2 A and AA, and what axe recommends beyond it. */
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds wrong with a page as it stands, a line each; what is drawn below `beside` has its own reader. */
export async function violations(page: Page, beside?: string): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  const found = await page.evaluate(
    ({ values, exclude }) =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(
        { exclude },
        { resultTypes: ['violations'], runOnly: { type: 'tag', values } },
      ),
    { values: rules, exclude: beside === undefined ? [] : [beside] },
  );
  return found.violations.flatMap((each) =>
    each.nodes.map((node) => `${each.id}: ${node.target.join(' ')}: ${node.failureSummary ?? ''}`),
  );
}
