/** Part of the suite: commands beside a running instance. */
import { expect, it } from 'vitest';
import {
  type Engine,
  EngineError,
  type ExecInput,
  type ExecOutput,
  type ExecRequest,
} from '../../../node/engine/engine.ts';
import { type Commands, expectRefusal, patience, start, type Subject } from './ground.ts';

async function* nothing(): AsyncGenerator<ExecInput> {}

async function* bytes(...texts: readonly string[]): AsyncGenerator<ExecInput> {
  for (const text of texts) yield { kind: 'stdin', bytes: Buffer.from(text) };
}

const plain = (command: readonly string[]): ExecRequest => ({ command, stdin: false });

type Ran = { readonly stdout: string; readonly stderr: string; readonly exitCode: number };

async function run(
  engine: Engine,
  id: string,
  request: ExecRequest,
  input = nothing(),
): Promise<Ran> {
  return collect(await engine.exec(id, request, input, patience()));
}

async function collect(outputs: AsyncIterable<ExecOutput>): Promise<Ran> {
  const texts = { stdout: '', stderr: '' };
  let exitCode = Number.NaN;
  for await (const output of outputs)
    if (output.kind === 'exited') exitCode = output.exitCode;
    else texts[output.kind] += Buffer.from(output.bytes).toString('utf8');
  return { ...texts, exitCode };
}

/** All that it has printed once it has printed `text`; what comes after is left unread. */
async function until(outputs: AsyncIterator<ExecOutput>, text: string): Promise<string> {
  let seen = '';
  while (!seen.includes(text)) {
    const { done, value } = await outputs.next();
    if (done === true || value.kind === 'exited') throw new Error(`only saw ${seen}`);
    seen += Buffer.from(value.bytes).toString('utf8');
  }
  return seen;
}

export function itExecutes(subject: Subject): void {
  const { commands } = subject.workloads;
  if (commands === undefined) itRefusesToExecute(subject);
  else itExecutesCommands(subject, commands);
}

function itRefusesToExecute({ ground, workloads }: Subject): void {
  it('is refused, and says so', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    await expectRefusal(engine.exec(id, plain(['true']), nothing(), patience()), ['bad-spec']);
  });
}

function itExecutesCommands({ ground, workloads }: Subject, commands: Commands): void {
  it('keeps the outputs of a command apart and tells how it ended', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    expect(await run(engine, id, plain(commands.print('out å', 'err', 0)))).toEqual({
      stdout: 'out å\n',
      stderr: 'err\n',
      exitCode: 0,
    });
    expect((await run(engine, id, plain(commands.print('', '', 42)))).exitCode).toBe(42);
  });

  it('gives it what comes in, and the end of it', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    const request = { command: commands.copy(), stdin: true };
    const large = 'x'.repeat(300_000);
    const ran = await run(engine, id, request, bytes('one\n', large, '\nlast'));
    expect(ran.stdout.length).toBe(300_009);
    expect(ran).toEqual({ stdout: `one\n${large}\nlast`, stderr: '', exitCode: 0 });
    const none = await run(engine, id, plain(commands.copy()));
    expect(none).toEqual({ stdout: '', stderr: '', exitCode: 0 });
  });

  it('ends it where its input breaks off, which it must not take for the end', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    const request = { command: commands.copy(), stdin: true };
    async function* half(): AsyncGenerator<ExecInput> {
      yield* bytes('half');
      throw new Error('the caller is gone');
    }
    expect((await run(engine, id, request, half())).exitCode).toBe(137);
  });

  it('runs it with the environment of the instance', async () => {
    const engine = await ground().engine();
    const spec = { ...workloads.sleepForEver(), environment: { COLOR: 'a=b c' } };
    const { id } = await start(engine, spec, { component: 'shop.web', slot: 3 });
    const shown = async (variable: string) =>
      (await run(engine, id, plain(commands.show(variable)))).stdout.trimEnd();
    expect(await shown('COLOR')).toBe('a=b c');
    expect(await shown('MILLRACE_COMPONENT')).toBe('shop.web');
    expect(await shown('MILLRACE_SLOT')).toBe('3');
  });

  it('has told the instance where it finds what it depends on, whatever its spec says of that', async () => {
    const engine = await ground().engine();
    const named = 'MILLRACE_ADDRESS_THE_DB_5432';
    const spec = { ...workloads.sleepForEver(), environment: { [named]: 'elsewhere' } };
    const addresses = [
      { on: 'the-db', target: 5432, protocol: 'tcp', at: ['10.0.0.7:20001', '10.0.0.8:20002'] },
      { on: 'names', target: 53, protocol: 'udp', at: ['10.0.0.7:53'] },
    ] as const;
    const { id } = await start(engine, spec, { addresses });
    const shown = async (variable: string) =>
      (await run(engine, id, plain(commands.show(variable)))).stdout.trimEnd();
    expect(await shown(named)).toBe('10.0.0.7:20001,10.0.0.8:20002');
    expect(await shown('MILLRACE_ADDRESS_NAMES_53_UDP')).toBe('10.0.0.7:53');
  });

  it('says with 127 that there is no such command, and the instance runs on', async () => {
    const engine = await ground().engine();
    const instance = await start(engine, workloads.sleepForEver());
    const ran = await run(engine, instance.id, plain(['/no/such/command']));
    expect([126, 127]).toContain(ran.exitCode);
    expect(ran.stdout + ran.stderr).toContain('/no/such/command');
    expect(await engine.inspect(instance.id, patience())).toEqual(instance);
  });

  it('leaves what it runs out of the list, and the log alone', async () => {
    const engine = await ground().engine();
    const instance = await start(engine, workloads.sleepForEver());
    const caller = new AbortController();
    const outputs = await engine.exec(
      instance.id,
      plain(commands.hang()),
      nothing(),
      caller.signal,
    );
    await until(outputs[Symbol.asyncIterator](), 'ready');
    expect(await engine.list(patience())).toEqual([instance]);
    const logs = await engine.logs(instance.id, { follow: false }, patience());
    expect((await Array.fromAsync(logs)).flat()).toEqual([]);
    caller.abort();
  });

  it('ends it when its caller goes', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    const caller = new AbortController();
    const outputs = await engine.exec(id, plain(commands.hang()), nothing(), caller.signal);
    const read = outputs[Symbol.asyncIterator]();
    await until(read, 'ready');
    caller.abort();
    const rest = await collect({ [Symbol.asyncIterator]: () => read });
    expect(rest.exitCode).toBe(137);
  });

  it('ends it with the instance', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    const outputs = await engine.exec(id, plain(commands.hang()), nothing(), patience());
    const read = outputs[Symbol.asyncIterator]();
    await until(read, 'ready');
    await engine.stop(id, 0, patience());
    const rest = await collect({ [Symbol.asyncIterator]: () => read });
    expect(rest.exitCode).toBe(137);
  });

  it('runs nothing in what has ended or was never there', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    await engine.stop(id, 0, patience());
    const call = (on: string) => engine.exec(on, plain(commands.copy()), nothing(), patience());
    await expectRefusal(call(id), ['conflict']);
    await expectRefusal(call('f'.repeat(64)), ['not-found']);
  });

  const measure = commands.measure?.();
  const terminal = { columns: 91, rows: 20 };
  it.runIf(measure === undefined)('refuses a terminal', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    const request = { ...plain(commands.copy()), terminal };
    const refused = await expectRefusal(engine.exec(id, request, nothing(), patience()), [
      'bad-spec',
    ]);
    expect(refused).toBeInstanceOf(EngineError);
    expect(refused.message).toContain('-t');
  });

  it.runIf(measure !== undefined)('gives it a terminal, and tells it a new size', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    const wider = Promise.withResolvers<void>();
    async function* sizes(): AsyncGenerator<ExecInput> {
      await wider.promise;
      yield { kind: 'resize', size: { columns: 133, rows: 20 } };
    }
    const caller = new AbortController();
    const request = { command: measure ?? [], stdin: true, terminal };
    const outputs = await engine.exec(id, request, sizes(), caller.signal);
    const read = outputs[Symbol.asyncIterator]();
    expect(await until(read, 'columns 91')).not.toContain('133');
    wider.resolve();
    expect(await until(read, 'columns 133')).toContain('133');
    caller.abort();
  });

  it.runIf(measure !== undefined)('leaves it its terminal when what comes in ends', async () => {
    const engine = await ground().engine();
    const { id } = await start(engine, workloads.sleepForEver());
    const request = { command: commands.print('out', '', 3), stdin: true, terminal };
    const ran = await run(engine, id, request);
    expect(ran.stdout).toContain('out');
    expect(ran.exitCode).toBe(3);
  });
}
