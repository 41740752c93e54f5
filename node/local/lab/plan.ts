/**
 * The machines of the lab as `docker-compose.test.yml` describes them. That file is the truth: what it
 * says and this does not know is an error, so that `docker compose` would make the same of it.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { z } from 'zod';

const LAB_FILE = fileURLToPath(new URL('../../../docker-compose.test.yml', import.meta.url));

const texts = z.array(z.string());
const machineSchema = z.strictObject({
  image: z.string(),
  hostname: z.string(),
  cap_add: texts,
  cap_drop: texts,
  security_opt: texts,
  cgroup: z.literal('host'),
  tmpfs: texts,
  volumes: texts,
  environment: z.record(z.string(), z.string()),
  stop_signal: z.string(),
  networks: z.strictObject({ lab: z.strictObject({ ipv4_address: z.ipv4() }) }),
});
const fileSchema = z.strictObject({
  name: z.string(),
  'x-machine': z.unknown(),
  services: z.record(z.string(), machineSchema),
  networks: z.strictObject({
    lab: z.strictObject({
      ipam: z.strictObject({ config: z.tuple([z.strictObject({ subnet: z.cidrv4() })]) }),
    }),
  }),
});

type MachineSettings = z.infer<typeof machineSchema>;

export type Machine = {
  /** Its name in the file and on the command line; also its host name. */
  readonly name: string;
  /** Of its container, in the engine that holds the lab. */
  readonly container: string;
  readonly address: string;
  readonly settings: MachineSettings;
};

export type LabPlan = {
  /** Begins the name of all that is made, and is the value of the label on it. */
  readonly project: string;
  readonly image: string;
  readonly network: string;
  readonly subnet: string;
  readonly machines: readonly Machine[];
};

export function readLabPlan(): LabPlan {
  const { name, services, networks } = fileSchema.parse(
    parse(readFileSync(LAB_FILE, 'utf8'), { merge: true }),
  );
  const machines = Object.entries(services).map(([machine, settings]) => ({
    name: machine,
    container: `${name}-${machine}`,
    address: settings.networks.lab.ipv4_address,
    settings,
  }));
  const [image, ...others] = new Set(machines.map(({ settings }) => settings.image));
  if (image === undefined || others.length > 0)
    throw new Error(`${LAB_FILE}: all machines have one image`);
  const [{ subnet }] = networks.lab.ipam.config;
  return { project: name, image, network: `${name}-lab`, subnet, machines };
}
