import { Argument, Command } from 'commander';
import type { Check } from '../doctor/check.ts';
import { EXIT } from './failure.ts';
import { asTyped } from './invocation.ts';
import type { Perform } from './perform.ts';
import { type Cli, note, print, printJson, widthOf } from './terminal.ts';

export function doctorCommand(perform: Perform): Command {
  return new Command('doctor')
    .description('what is wrong with this host and its network, and how to repair it')
    .addArgument(new Argument('[what]', 'net: the network alone').choices(['net']))
    .action((what: string | undefined, _: object, command: Command) =>
      perform(command, (cli) => doctor(cli, what === 'net')),
    );
}

async function doctor(cli: Cli, net: boolean): Promise<number> {
  if (!cli.json) note(cli, 'looking; hosts that do not answer take a few seconds');
  // Loaded here: what looks at a host is much, and seldom needed.
  const [{ examine }, { checksOf, overall }, { doctorLines }] = await Promise.all([
    import('./examination.ts'),
    import('../doctor/checks.ts'),
    import('./doctor-screen.ts'),
  ]);
  const { examined, view } = await examine(cli, net);
  const checks = checksOf(examined, net);
  const verdict = overall(checks);
  const { host, cluster } = examined;
  if (cli.json)
    printJson(cli, {
      schema: 'millrace/doctor/1',
      generated_at: new Date().toISOString(),
      ...(view === undefined ? {} : { view }),
      data: {
        verdict,
        checks: checks.map(typable),
        host,
        ...(cluster === undefined ? {} : { cluster }),
      },
    });
  else
    print(cli, ...doctorLines(checks, cluster, { width: widthOf(cli.stdout), paint: cli.paint }));
  return verdict === 'fail' ? EXIT.unhealthy : EXIT.ok;
}

/** The checks do not know how this command was started. */
const typable = ({ fix, ...check }: Check): Check =>
  fix === undefined ? check : { ...check, fix: asTyped(fix) };
