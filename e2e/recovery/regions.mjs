// A machine moves between two simulated regions of AWS and back, through the REST API of a node. No guest runs: the disks are
// compared, and at any moment at most one copy may be on. Needs `e2e/lab/moto up` and its `env`; CROSSFADE names a build.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sleep, until, withNode } from '../bench/inventory/node.mjs';

const LAB = fileURLToPath(new URL('../lab/moto', import.meta.url));
const lab = (...args) => execFileSync(LAB, args, { encoding: 'utf8' });
const { CF_AWS_URL: endpoint, CF_AWS_ACCESS_KEY: access_key, CF_AWS_SECRET_KEY: secret_key } = process.env;
const REGIONS = { oslo: process.env.CF_AWS_OSLO, lisbon: process.env.CF_AWS_LISBON };
const NAME = 'wanderer';

for (const site of Object.keys(REGIONS)) lab('forget', NAME, `site=${site}`);
lab('machine', NAME, 'disks=2', 'fill=16', 'dirty=2048');

await withNode([], async node => {
  const clouds = {};
  for (const [site, region] of Object.entries(REGIONS)) {
    const fields = { region, endpoint, access_key, secret_key, insecure: 'true' };
    clouds[site] = (await node.api('POST', '/clouds', { name: `${site}-aws`, kind: 'ec2', site, fields })).id;
  }
  const find = async site => (await node.api('GET', '/machines?limit=500')).items.find(one => one.name === NAME && one.site === site);
  const watching = watch();
  for (const [from, to] of [['oslo', 'lisbon'], ['lisbon', 'oslo']]) {
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
    const old = await find(from);
    if (old && !JSON.parse(lab('lab', 'rootless', `name=${NAME}`, `site=${from}`))) throw new Error('the old copy can be started');
    console.log(`moved to ${to} in ${Math.round((Date.now() - begun) / 100) / 10} s`);
  }
  watching.stop();
  console.log(`looked ${watching.looks()} times: never two copies`);
});

/** Asked of the simulator itself. */
function watch() {
  let on = true, looks = 0;
  (async () => {
    for (; on; looks++) {
      const running = Object.keys(REGIONS).flatMap(site => lab('lab', 'running', `name=${NAME}`, `site=${site}`).split('\n').filter(Boolean));
      if (running.length > 1) { console.error(`TWO COPIES: ${running.join(', ')}`); process.exit(1); }
      await sleep(100);
    }
  })();
  return { stop: () => { on = false; }, looks: () => looks };
}
