// Every spec fails on a console error, a page error or a failed request that it did not expect.
import { test as base, expect, type Locator, type Page } from '@playwright/test';
import AxeBuilder from '@axe-core/playwright';
import { mkdirSync, readFileSync } from 'node:fs';
import { PASSWORD, STATE } from './console';

export const test = base.extend<{ noise: string[] }>({
  noise: [async ({ page }, use) => {
    const noise: string[] = [];
    page.on('console', m => { if (['error', 'warning'].includes(m.type())) noise.push(`${m.type()}: ${m.text()}`); });
    page.on('pageerror', e => noise.push(`pageerror: ${e.name}: ${e.message}`));
    await use(noise);
    // An answer of 4xx that a spec provokes is logged by the browser by itself.
    expect(noise.filter(n => !/Failed to load resource/.test(n))).toEqual([]);
  }, { auto: true }],
});
export { expect };

export const oneTimePassword = () => readFileSync(`${STATE}/data/initial-password`, 'utf8').trim();

export async function signIn(page: Page, name = 'admin', password = PASSWORD) {
  await page.goto('/sign-in');
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  const answer = page.waitForResponse(r => r.url().endsWith('/api/v1/session'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  const me = await (await answer).json().catch(() => ({}));
  if (me.must_change_password === false) await page.waitForURL(url => !url.pathname.startsWith('/sign-in'));
}

/** Screens as artefacts: the page at three widths, light and dark; `about` is what is to be seen on them. */
export async function shots(page: Page, name: string, about?: Locator) {
  mkdirSync(`${STATE}/screens`, { recursive: true });
  for (const [width, height] of [[1440, 900], [390, 844], [3840, 2160]] as const) {
    await page.setViewportSize({ width, height });
    await about?.evaluate(e => e.scrollIntoView({ block: 'end' }));
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${STATE}/screens/${name}-${width}-${colorScheme}.png` });
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: null });
}

export async function accessible(page: Page) {
  // Below the bar that stays at the top a target may be cut off: that is no small target.
  await page.evaluate(() => scrollTo(0, 0));
  const found = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  expect(found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.target).join(' | ')}`)).toEqual([]);
}
