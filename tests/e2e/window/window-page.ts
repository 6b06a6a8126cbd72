import { expect } from '@playwright/test';
import type { Locator, Page } from '@playwright/test';

/** The window as its user sees it: whatever core is behind it. */
export class WindowPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens an address that carries its token, and waits for the first values. */
  async open(url: string): Promise<void> {
    const [from, to] = [this.page.url(), url].map((address) => address.split('#')[0]);
    await this.page.goto(url);
    // Another fragment alone does not load the page anew.
    if (from === to) await this.page.reload();
    await expect(this.heading).not.toHaveText('Atrium');
  }

  /** The title of the screen. */
  get heading(): Locator {
    return this.page.getByRole('heading', { level: 1 });
  }

  get rail(): Locator {
    return this.page.getByRole('navigation', { name: 'Atrium' });
  }

  /** The bar that says that the core is gone. */
  get coreGone(): Locator {
    return this.page.locator('[data-bar="gone"]');
  }

  /** The bar of the approval that can still be taken back. */
  get pending(): Locator {
    return this.page.locator('[data-pending]');
  }

  /** The ticket to approve. */
  get card(): Locator {
    return this.page.getByRole('article');
  }

  /** How many decisions wait, as the rail says. */
  async needYou(): Promise<number> {
    const said = await this.rail.getByText(/need you|needs you/).innerText();
    return said.startsWith('Nothing') ? 0 : Number.parseInt(said, 10);
  }

  /** Goes to a screen by the rail. */
  async goTo(screen: string): Promise<void> {
    await this.rail.getByRole('link', { name: screen }).first().click();
  }

  /** Drafts a sentence on Today; returns the new ticket's id. */
  async draft(sentence: string, brand?: string): Promise<string> {
    const box = this.page.getByLabel('What should be done?');
    if (brand !== undefined)
      await this.page.getByLabel('Brand', { exact: true }).selectOption({ label: brand });
    await box.fill(sentence);
    await box.press('Enter');
    const said = this.page.getByText(/^Drafted T-.*\.\s/).first();
    await expect(said).toBeVisible();
    return /T-[a-z0-9-]+-\d+/.exec(await said.innerText())?.[0] ?? '';
  }

  /** Approves the card that is shown, and waits until it is sent. */
  async approve(): Promise<void> {
    await this.page.getByRole('button', { name: 'Approve' }).click();
    await expect(this.pending).toBeVisible();
    await expect(this.pending).toBeHidden({ timeout: 10_000 });
  }

  /** Runs an action of the palette. */
  async command(words: string): Promise<void> {
    await this.page.keyboard.press('Control+k');
    await this.page.getByRole('combobox').fill(words);
    await this.page.keyboard.press('Enter');
  }
}
