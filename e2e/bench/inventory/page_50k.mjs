// 50,000 simulated machines over 100 clouds, with changes going on: do they feel like 50?
import { figure, percentile, sleep, until, withNode } from './node.mjs';

const SEARCHES = ['site:berlin state:running', 'tag:prod cpu>=8', 'web-prod', 'name:db* mem>32G', '10.5.0.', 'state:stopped -tag:test', 'site:oslo OR site:paris', ''];
const SORTS = ['name', '-memory', 'state', '-name'];
const pages = SEARCHES.flatMap(q => SORTS.map(sort => `/api/v1/machines?limit=100&q=${encodeURIComponent(q)}&sort=${sort}`));
const screens = SEARCHES.map(q => `/machines?q=${encodeURIComponent(q)}`);

await withNode(['--simulate', '50000'], async node => {
  const begun = performance.now();
  await until('50,000 machines', async () => (await node.api('GET', '/machines?limit=1')).total === 50_000);
  figure('page_50k.first_sight_s', (performance.now() - begun) / 1000, 60);
  await sleep(5000);
  await node.times(pages, pages.length);
  const api = await node.times(pages, 640);
  figure('page_50k.api_p99_ms', percentile(api, 0.99), 20, { p50: Math.round(percentile(api, 0.5) * 100) / 100 });
  try {
    await node.times(screens, screens.length);
    figure('page_50k.ssr_p95_ms', percentile(await node.times(screens, 160), 0.95), 60);
  } catch (error) {
    console.error(`page_50k.ssr_p95_ms: not measured, ${error.message}`);
  }
  figure('page_50k.change_to_screen_ms', percentile(await changes(node), 0.95), 1000);
  figure('page_50k.rss_mib', node.memory(), 400);
});

/** Two openings of one simulated cloud: what is switched through one is a change at the cloud for the other. */
async function changes(node) {
  const cloud = name => ({ name, kind: 'simulator', site: 'bench', fields: { world: 'bench', machines: '5', site: 'bench' } });
  const [here, there] = [await node.api('POST', '/clouds', cloud('bench-here')), await node.api('POST', '/clouds', cloud('bench-there'))];
  const of = async c => (await node.api('GET', `/machines?q=cloud:${c.name}`)).items;
  await until('both openings', async () => (await of(here)).length === 5 && (await of(there)).length === 5);
  const [hand, seen] = [(await of(here))[0], (await of(there))[0]];
  const waiting = new Map();
  const stop = new AbortController();
  const listening = node.listen(e => e.topic === 'machine' && e.id === seen.id && waiting.get(e.data.state)?.(), stop.signal);
  const times = [];
  for (let i = 0, on = hand.state === 'running'; i < 20; i++, on = !on) {
    const [action, state] = on ? ['power_off', 'stopped'] : ['start', 'running'];
    const begun = performance.now();
    const told = new Promise(next => waiting.set(state, next));
    await node.api('POST', `/machines/${hand.id}/power`, { action });
    await Promise.race([told, sleep(10_000)]);
    times.push(performance.now() - begun);
    waiting.clear();
  }
  stop.abort();
  await listening;
  return times;
}
