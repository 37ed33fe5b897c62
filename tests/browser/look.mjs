// Looks at pages in Chromium, and tells as JSON what a person could not.
//
//     node look.mjs TOOLS URL             judges the page
//     node look.mjs TOOLS URL DIRECTORY      takes its pictures
//
// TOOLS is the directory with `node_modules`. Judging tells the text of the page, what
// the console said, every address that was asked for, and for each colour scheme
// and width what is wider than the window and what axe-core objects to.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [tools, url, directory] = process.argv.slice(2);
const require = createRequire(join(resolve(tools), 'package.json'));
const puppeteer = require('puppeteer-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const SCHEMES = ['light', 'dark'];
const WIDTHS = [360, 768, 1400];

const browser = await puppeteer.launch({
  executablePath: '/usr/bin/chromium',
  pipe: true,
  // Chromium's sandbox does not start as root, and the pages are our own.
  args: ['--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
});
try {
  const page = await browser.newPage();
  if (directory) await takePictures(page);
  else process.stdout.write(JSON.stringify(await judge(page)));
} finally {
  await browser.close();
}

async function show(page, scheme, width, height) {
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.goto(url, { waitUntil: 'load' });
}

async function judge(page) {
  const said = [];
  const requests = new Set();
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => said.push(`error: ${error.message}`));
  page.on('request', (request) => requests.add(request.url()));
  const views = [];
  for (const scheme of SCHEMES) {
    for (const width of WIDTHS) {
      await show(page, scheme, width, 800);
      views.push({ scheme, width, ...(await view(page)) });
    }
  }
  const text = await page.evaluate(() => document.body.innerText);
  const elements = await page.evaluate(() => [...new Set([...document.querySelectorAll('*')].map((e) => e.localName))]);
  return { text, elements: elements.sort(), said, requests: [...requests].sort(), views };
}

async function view(page) {
  const too_wide = await page.evaluate(() => {
    const wide = [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5);
    const found = wide.map((e) => e.outerHTML.slice(0, 100));
    if (document.documentElement.scrollWidth > innerWidth) found.push('the page');
    return found;
  });
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  // Evaluated, not added as a script: the page's security policy stays in force.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const objections = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 150)}`));
  return { too_wide, background, objections };
}

async function takePictures(page) {
  const pictures = [['light', 'light', 1000, 720], ['dark', 'dark', 1000, 720], ['narrow', 'light', 360, 780]];
  for (const [name, scheme, width, height] of pictures) {
    await show(page, scheme, width, height);
    await page.screenshot({ path: join(directory, `status-${name}.png`), optimizeForSpeed: false });
  }
}
