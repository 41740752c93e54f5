/** One process as the kernel accounts for it: CPU, memory, TCP. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export type ProcessCost = {
  readonly cpuPercent: number;
  /** Highest of all samples; 1 MB is 1,000,000 bytes. */
  readonly rssMb: number;
};
export type Cost = ProcessCost & {
  readonly payloadKbPerS: number;
  readonly wireKbPerS: number;
  readonly packetsPerS: number;
};

export interface Meter<T> {
  readonly sample: () => void;
  /** Since the meter was made. */
  readonly read: () => T;
}

/** Of the clock in /proc/PID/stat, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** IPv4 and TCP with timestamps. */
const HEADER_BYTES = 20 + 32;

export function meterProcess(pid: number): Meter<ProcessCost> {
  const start = { at: performance.now(), ticks: ticksOf(pid) };
  let rssBytes = 0;
  return {
    sample() {
      rssBytes = Math.max(rssBytes, rssOf(pid));
    },
    read() {
      const seconds = (performance.now() - start.at) / 1000;
      return {
        cpuPercent: (100 * (ticksOf(pid) - start.ticks)) / TICKS_PER_SECOND / seconds,
        rssMb: rssBytes / 1e6,
      };
    },
  };
}

/** With what its connections have carried. */
export function meterAgent(pid: number): Meter<Cost> {
  const { sample, read } = meterProcess(pid);
  const start = { at: performance.now(), tcp: tcpOf(pid) };
  return {
    sample,
    read() {
      const seconds = (performance.now() - start.at) / 1000;
      const { bytes, packets } = grown(start.tcp, tcpOf(pid));
      return {
        ...read(),
        payloadKbPerS: bytes / 1000 / seconds,
        wireKbPerS: (bytes + packets * HEADER_BYTES) / 1000 / seconds,
        packetsPerS: packets / seconds,
      };
    },
  };
}

/** User and system time of all threads. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function rssOf(pid: number): number {
  const [, kib] = readFileSync(`/proc/${pid}/status`, 'latin1').match(/VmRSS:\s+(\d+)/) ?? [];
  return Number(kib) * 1024;
}

type Traffic = { readonly bytes: number; readonly packets: number };

/** In and out, per connection. */
function tcpOf(pid: number): ReadonlyMap<string, Traffic> {
  const lines = execFileSync('ss', ['-tinpOH', 'state', 'established'], { encoding: 'utf8' });
  const found = new Map<string, Traffic>();
  for (const line of lines.split('\n')) {
    if (!line.includes(`pid=${pid},`)) continue;
    const [, , here = '', there = ''] = line.trim().split(/\s+/);
    const count = (name: string): number =>
      Number(line.match(new RegExp(`\\b${name}:(\\d+)`))?.[1] ?? 0);
    found.set(`${here} ${there}`, {
      bytes: count('bytes_sent') + count('bytes_received'),
      packets: count('segs_in') + count('segs_out'),
    });
  }
  return found;
}

/** A connection opened meanwhile counts whole; of one closed meanwhile nothing can be known. */
function grown(from: ReadonlyMap<string, Traffic>, to: ReadonlyMap<string, Traffic>): Traffic {
  let [bytes, packets] = [0, 0];
  for (const [name, now] of to) {
    bytes += now.bytes - (from.get(name)?.bytes ?? 0);
    packets += now.packets - (from.get(name)?.packets ?? 0);
  }
  return { bytes, packets };
}
