import { Option } from 'commander';
import { parseDuration } from './duration.ts';

/** An option that is a length of time; its value is milliseconds, its default is shown as typed. */
export function durationOption(flags: string, description: string, preset: string): Option {
  return new Option(flags, description)
    .argParser(parseDuration)
    .default(parseDuration(preset), preset);
}
