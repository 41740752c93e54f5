/** Files that are not on this machine. */
import type { Complaint } from '../problems.ts';

export function isRemote(file: string): boolean {
  return /^(?:oci|https?|git|ssh):\/\/|^git@|^github\.com\/|\.git(?:#.*)?$/.test(file);
}

export const REMOTE: Complaint = {
  message: 'remote files are not supported',
  why: 'a deploy would depend on what lies elsewhere at that moment',
  next: 'download it and name it by its path',
  unsupported: true,
};
