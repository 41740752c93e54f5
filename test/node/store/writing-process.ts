/** Writes rising numbers to the store in the folder given, and says which are acknowledged. */
import { openStore } from '../../../node/store/store.ts';

const [folder = '', bytes = '0'] = process.argv.slice(2);
const store = await openStore(folder).catch((error: unknown) => fail('open', error));
for (let n = 1; ; n += 1) {
  const padding = new Uint8Array(Number(bytes));
  try {
    await store.write([
      { key: 'n', value: n },
      { key: `padding/${n}`, value: padding },
    ]);
  } catch (error) {
    const second = await store.write([{ key: 'n', value: 0 }]).then(
      () => 'accepted',
      () => 'refused',
    );
    process.stdout.write(`then ${second}\n`);
    fail('write', error);
  }
  process.stdout.write(`${n}\n`);
}

function fail(step: string, error: unknown): never {
  const parts = error instanceof Error && 'parts' in error ? error.parts : String(error);
  process.stdout.write(`${step} ${JSON.stringify(parts)}\n`);
  process.exit(1);
}
