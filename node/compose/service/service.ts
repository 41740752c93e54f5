/** One service of a Compose file as a component. */
import { resolve } from 'node:path';
import type * as z from 'zod';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import { type Millis, seconds } from '../../../protocol/base/time.ts';
import { portName } from '../../../protocol/component/port.ts';
import type { ComponentSpec, Port } from '../../../protocol/component/spec.ts';
import { SLOTS_MAX } from '../../../protocol/limits.ts';
import { buildField, readBuild } from './build.ts';
import { containerFields, readContainer } from './container.ts';
import { healField, isolationField, readContract, singletonField } from './contract.ts';
import { dependsOnField } from './depends-on.ts';
import { heartbeatField, inspectField, readEndpoints } from './endpoints.ts';
import { envFileField } from './env-file.ts';
import { environmentField, readEnvironment } from './environment.ts';
import { configsField, readFiles, secretsField } from './file.ts';
import { array, duration, expected, flag, integer, line, mapping, text, texts } from '../fields.ts';
import { adviseHealthcheck, healthcheckField } from './healthcheck.ts';
import { networkModeField, networksField, readNetworking } from './network.ts';
import {
  checkPlacement,
  checkRebalance,
  fillField,
  placementField,
  platformField,
  readPlacement,
} from './placement.ts';
import { adviseNumbers } from '../numbers.ts';
import { portsField } from './port.ts';
import { profilesField } from './profiles.ts';
import type { Complaint } from '../problems.ts';
import { readJob, timeoutField } from './job.ts';
import { readResources, resourceFields, resourcesField } from './resources.ts';
import { checkRestart, readRestart, restartField, restartPolicyField } from './restart.ts';
import type { Surroundings } from './surroundings.ts';
import { adviseUpdate, rollbackField, updateField } from './update.ts';
import { plainTarget, readVolumes, tmpfsOf, volumeField } from './volume.ts';
import { words } from './words.ts';

const STOP_GRACE: Millis = seconds(10);

const MODES = 'replicated, global, replicated-job or global-job';
type Mode = { readonly mode: ComponentSpec['mode']; readonly isJob: boolean };
const mode = line(MODES, (written): Result<Mode, Complaint> => {
  const [, kind, job] = /^(replicated|global)(-job)?$/.exec(written) ?? [];
  if (kind !== 'replicated' && kind !== 'global')
    return fail({ message: expected(MODES, written) });
  return ok({ mode: kind, isJob: job !== undefined });
});

const imageField = text.refine((written) => /^[^\s]{1,512}$/.test(written), {
  error: 'expected the name of an image',
});

export const serviceField = mapping({
  ...containerFields,
  ...resourceFields,
  image: imageField.optional(),
  build: buildField.optional(),
  command: words.optional(),
  entrypoint: words.optional(),
  environment: environmentField.optional(),
  env_file: envFileField.optional(),
  ports: portsField.optional(),
  networks: networksField.optional(),
  network_mode: networkModeField.optional(),
  volumes: array(volumeField).optional(),
  configs: configsField.optional(),
  secrets: secretsField.optional(),
  healthcheck: healthcheckField.optional(),
  restart: restartField.optional(),
  depends_on: dependsOnField.optional(),
  profiles: profilesField.optional(),
  deploy: mapping({
    mode: mode.optional(),
    replicas: integer(0, SLOTS_MAX).optional(),
    restart_policy: restartPolicyField.optional(),
    placement: placementField.optional(),
    resources: resourcesField.optional(),
    update_config: updateField.optional(),
    rollback_config: rollbackField.optional(),
  }).optional(),
  platform: platformField.optional(),
  scale: integer(0, SLOTS_MAX).optional(),
  stop_grace_period: duration.optional(),
  'x-millrace': mapping({
    process: mapping({
      command: words.refine(([program = '']) => program !== '', { error: 'the command is empty' }),
      working_dir: text.optional(),
    }).optional(),
    singleton: singletonField.optional(),
    on_isolation: isolationField.optional(),
    on_heal: healField.optional(),
    timeout: timeoutField.optional(),
    replicas: fillField.optional(),
    heartbeat: heartbeatField.optional(),
    inspect: inspectField.optional(),
    affinity: texts.optional(),
    anti_affinity: texts.optional(),
    rebalance: flag.optional(),
  }).optional(),
});

export type ServiceFields = z.output<typeof serviceField>;

export function readComponent(
  name: string,
  fields: ServiceFields,
  around: Surroundings,
): ComponentSpec {
  const { command, entrypoint, healthcheck } = fields;
  const image = readBuild(name, fields, around) ?? fields.image;
  const update = fields.deploy?.update_config?.policy;
  const rollback = fields.deploy?.rollback_config?.policy;
  const millrace = fields['x-millrace'] ?? {};
  const { replicas: fill, affinity, anti_affinity: antiAffinity, rebalance } = millrace;
  const process = readProcess(name, fields, around);
  const inMemory = [...(fields.tmpfs ?? []), ...tmpfsOf(fields.volumes ?? [])];
  const files = readFiles(name, fields, around);
  const { reserves, limits } = readResources(name, fields, around);
  const container = readContainer(
    { ...fields, tmpfs: inMemory },
    { ...readNetworking(name, fields, around), ...(limits && { limits }) },
  );
  const component: ComponentSpec = {
    name,
    ...readCount(name, fields, around),
    ...(image !== undefined && { image }),
    ...(entrypoint !== undefined && { entrypoint }),
    ...(command !== undefined && { command }),
    ...(process !== undefined && { process }),
    environment: readEnvironment(name, fields, around),
    ports: (fields.ports ?? []).map(({ port }) => port),
    volumes: readVolumes(name, fields.volumes ?? [], around),
    ...(files !== undefined && { files }),
    ...(healthcheck?.kind === 'on' && { healthcheck: healthcheck.check }),
    ...readEndpoints(name, fields, around),
    ...(container !== undefined && { container }),
    restart: readRestart(name, fields, around),
    ...readJob(name, fields, around),
    dependsOn: fields.depends_on ?? [],
    stopGraceMs: fields.stop_grace_period ?? STOP_GRACE,
    ...(update !== undefined && { update }),
    ...(rollback !== undefined && { rollback }),
    ...readContract(millrace, around.onIsolation),
    ...readPlacement(
      { ...fields.deploy?.placement, fill, reserves, affinity, antiAffinity, rebalance },
      fields.platform,
    ),
  };
  checkHeal(component, around);
  checkStrict(name, fields, around);
  checkPlacement(component, around);
  checkRebalance(component, around);
  checkRunnable(component, around);
  checkTargets(name, fields, around);
  checkRestart(component, fields, around);
  adviseUpdate(component, fields, around);
  adviseHealthcheck(component, healthcheck, around);
  for (const key of ['labels', 'sysctls'] as const)
    adviseNumbers(['services', name, key], fields[key] ?? {}, around);
  advisePorts(component, fields, around);
  return component;
}

/** A strict slot has its own way with isolation: its lease. */
function checkStrict(name: string, fields: ServiceFields, { errors }: Surroundings): void {
  const written = fields['x-millrace'];
  if (written?.singleton !== 'strict') return;
  for (const key of ['on_isolation', 'on_heal'] as const) {
    if (written[key] === undefined) continue;
    const why = 'a strict instance is frozen and ended with its lease, and never has a rival';
    const path = ['services', name, 'x-millrace', key];
    const message = 'has no meaning beside singleton: strict';
    errors.push({ path, on: 'key', message, why, next: 'leave one of the two out' });
  }
}

function readProcess(
  name: string,
  fields: ServiceFields,
  { spotOf }: Surroundings,
): ComponentSpec['process'] {
  const written = fields['x-millrace']?.process;
  if (written === undefined) return undefined;
  const { command, working_dir: folder } = written;
  if (folder === undefined) return { command };
  const { dir } = spotOf(['services', name, 'x-millrace', 'process', 'working_dir']).source;
  return { command, workingDir: resolve(dir, folder) };
}

function readCount(
  name: string,
  { deploy, scale, 'x-millrace': millrace }: ServiceFields,
  { errors }: Surroundings,
): Pick<ComponentSpec, 'mode' | 'replicas'> {
  const isFilling = millrace?.replicas !== undefined;
  const kind = isFilling ? 'global' : (deploy?.mode?.mode ?? 'replicated');
  const replicas = deploy?.replicas ?? scale;
  const at = deploy?.replicas === undefined ? ['scale'] : ['deploy', 'replicas'];
  const complainAt = (complaint: Complaint): void => {
    errors.push({ path: ['services', name, ...at], on: 'key', ...complaint });
  };
  if (deploy?.replicas !== undefined && scale !== undefined && deploy.replicas !== scale)
    complainAt({ message: `differs from scale: ${scale}`, next: 'keep one of the two' });
  if (kind === 'global' && replicas !== undefined) {
    const isJob = deploy?.mode?.isJob === true;
    const why = isFilling
      ? 'x-millrace.replicas: fill means as many as find room'
      : `mode: ${isJob ? 'global-job' : 'global'} means one on every host`;
    complainAt({ message: 'has no meaning here', why, next: 'remove one of the two' });
  }
  if (isFilling && deploy?.mode?.isJob === true) {
    const path = ['services', name, 'x-millrace', 'replicas'];
    const why = 'a job is begun as often as it says, however much room there is';
    errors.push({
      path,
      on: 'key',
      message: 'has no meaning for a job',
      why,
      next: 'name a number under deploy.replicas',
    });
  }
  return { mode: kind, replicas: replicas ?? 1 };
}

function checkRunnable(component: ComponentSpec, { errors }: Surroundings): void {
  const { image, process, entrypoint = [], command = [] } = component;
  if (image !== undefined || process !== undefined || entrypoint.length + command.length > 0)
    return;
  const next = 'name an image, or x-millrace.process.command for hosts without containers';
  const path = ['services', component.name];
  errors.push({ path, on: 'key', message: 'has neither an image nor a command', next });
}

/** By the place inside, of lists that the user wrote. */
function checkTargets(name: string, fields: ServiceFields, { errors }: Surroundings): void {
  const all = (['volumes', 'configs', 'secrets'] as const).flatMap((key) =>
    (fields[key] ?? []).map(({ target }, index) => ({ key, target, index })),
  );
  const places = all.map(({ target }) => plainTarget(target));
  for (const [place, { key, target, index }] of all.entries()) {
    if (places.indexOf(plainTarget(target)) === place) continue;
    const path = ['services', name, key, index];
    errors.push({ path, on: 'value', message: `${target} is mounted twice` });
  }
}

function checkHeal({ name, mode: kind, onHeal }: ComponentSpec, { errors }: Surroundings): void {
  if (kind !== 'global' || onHeal === undefined) return;
  const path = ['services', name, 'x-millrace', 'on_heal'];
  const why = 'mode: global means one on every host, so there is none to choose';
  const next = 'remove one of the two';
  errors.push({ path, on: 'key', message: 'has no meaning here', why, next });
}

/** Who writes `mode: host` has said what the other advice says. */
function advisePorts(
  { name, mode: kind, replicas }: ComponentSpec,
  { ports = [] }: ServiceFields,
  { warnings }: Surroundings,
): void {
  const at = ['services', name, 'ports'];
  const advise = (step: number, complaint: Complaint): void => {
    warnings.push({ path: [...at, step], on: 'value', ...complaint });
  };
  const ingress = ports.find((field) => field.mode === 'ingress');
  if (ingress !== undefined) {
    const message = 'published on the hosts that run it, not on every host';
    advise(ingress.step, { message, next: 'say mode: host in the long form' });
  }
  for (const [index, field] of ports.entries()) {
    const { published, protocol } = field.port;
    const isTwice = ports.findIndex((other) => collides(other.port, field.port)) < index;
    if (published === undefined) {
      const message = `port ${portName(field.port)} is published twice`;
      if (isTwice) advise(field.step, { message, why: 'without a number it is one port' });
    } else if (isTwice)
      advise(field.step, { message: `port ${published}/${protocol} is published twice` });
    else if (kind === 'replicated' && replicas > 1 && field.mode === 'ingress') {
      const seats = `each of the ${replicas} instances needs a host of its own`;
      advise(field.step, { message: `port ${published} is fixed, so ${seats}` });
    }
  }
}

function collides(a: Port, b: Port): boolean {
  if (a.published === undefined || b.published === undefined)
    return a.published === b.published && portName(a) === portName(b);
  const sameAddress = a.address === b.address || a.address === undefined || b.address === undefined;
  return a.published === b.published && a.protocol === b.protocol && sameAddress;
}
