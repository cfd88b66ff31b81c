// A machine moves between two simulated regions of AWS and back, through the REST API of a node. No guest runs: the disks are
// compared, and at any moment at most one copy may be on. Needs `e2e/lab/moto up` and its `env`; CROSSFADE names a build.
import { sleep, until, withNode } from '../bench/inventory/node.mjs';

const { CF_AWS_URL: endpoint, CF_AWS_ACCESS_KEY: access_key, CF_AWS_SECRET_KEY: secret_key } = process.env;
const REGIONS = { oslo: process.env.CF_AWS_OSLO, lisbon: process.env.CF_AWS_LISBON };
const NAME = 'wanderer';

/** Asks the simulator itself. */
async function lab(what, site, more = {}) {
  const answer = await fetch(`${endpoint}/lab/${what}?${new URLSearchParams({ name: NAME, site, ...more })}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${what} at ${site}: ${text}`);
  return text;
}
/** A digest of each disk that is attached: the root of a locked machine is not. */
const disks = async site => JSON.parse(await lab('disk', site));

for (const site of Object.keys(REGIONS)) await lab('forget', site);
await lab('machine', 'oslo', { disks: 2, fill: 16, dirty: 2048 });

await withNode([], async node => {
  const clouds = {};
  for (const [site, region] of Object.entries(REGIONS)) {
    const fields = { region, endpoint, access_key, secret_key, insecure: 'true' };
    clouds[site] = (await node.api('POST', '/clouds', { name: `${site}-aws`, kind: 'ec2', site, fields })).id;
  }
  const find = async site => (await node.api('GET', '/machines?limit=500')).items.find(one => one.name === NAME && one.site === site);
  const move = async (from, to) => {
    await until(`${NAME} runs at ${from}`, async () => (await find(from))?.state === 'running', 60_000);
    const body = { machine_id: (await find(from)).id, target_cloud_id: clouds[to] };
    for (const one of (await node.api('POST', '/moves/preflight', body)).problems) console.log(`  ${one.severity}: ${one.subject}: ${one.what}`);
    const begun = Date.now();
    const { id } = await node.api('POST', '/moves', body);
    let run;
    await until(`the move to ${to} ends`, async () => {
      run = await node.api('GET', `/runs/${id}`);
      return ['succeeded', 'failed', 'cancelled', 'succeeded_with_errors', 'waiting'].includes(run.state);
    }, 300_000);
    for (const step of run.steps) console.log(`  ${step.key}: ${step.state}: ${step.message ?? ''}`);
    if (run.state !== 'succeeded') throw new Error(`the move to ${to}: ${run.state}`);
    if (!JSON.parse(await lab('rootless', from))) throw new Error(`the old copy at ${from} can be started`);
    console.log(`moved to ${to} in ${Math.round((Date.now() - begun) / 100) / 10} s`);
  };
  const watching = watch();
  // There it writes no more, here it did until it was stopped: the disk beside its root is still attached then.
  await move('oslo', 'lisbon');
  const there = await disks('lisbon');
  same(there.slice(1), await disks('oslo'));
  await move('lisbon', 'oslo');
  same(await disks('oslo'), there);
  await watching.stop();
});

function same(seen, wanted) {
  if (wanted.length === 0 || JSON.stringify(seen) !== JSON.stringify(wanted)) throw new Error(`the disks differ: ${seen} instead of ${wanted}`);
}

function watch() {
  let on = true, looks = 0;
  const looking = (async () => {
    for (; on; looks++) {
      const running = (await Promise.all(Object.keys(REGIONS).map(site => lab('running', site)))).flatMap(text => text.split('\n').filter(Boolean));
      if (running.length > 1) { console.error(`TWO COPIES: ${running.join(', ')}`); process.exit(1); }
      await sleep(50);
    }
  })();
  return {
    stop: async () => {
      on = false;
      await looking;
      console.log(`looked ${looks} times: never two copies`);
    },
  };
}
