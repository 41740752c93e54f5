/** What is wrong with a Compose file, told so that an editor can jump to it and a person can mend it. */

/** Keys and list positions from the top of the file. */
export type Path = readonly (string | number)[];

/** The three parts of every complaint: what, why, what to do next. */
export type Complaint = {
  readonly message: string;
  readonly why?: string;
  readonly next?: string;
  /** Right as Compose goes, and not done here. */
  readonly unsupported?: true;
};

/** A complaint about a path that has no position yet. `on`: the key itself or what it holds. */
export type Finding = Complaint & { readonly path: Path; readonly on: 'key' | 'value' };

export type Problem = Complaint & {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units as editors count. */
  readonly column: number;
  /** `services.web.ports[0].target`; empty for the file as a whole. */
  readonly path: string;
};

/** Problems that one load tells; what is beyond is counted, not told. */
const PROBLEMS_MAX = 100;

/** `compose.yaml:6:30 services.web.deploy.replica: unknown key, did you mean replicas?` */
export function renderProblem(problem: Problem): string {
  const { file, line, column, path } = problem;
  const subject = path === '' ? '' : ` ${path}:`;
  return `${file}:${line}:${column}${subject} ${renderComplaint(problem)}`;
}

export function renderComplaint({ message, why, next }: Complaint): string {
  return message + (why === undefined ? '' : `: ${why}`) + (next === undefined ? '' : `; ${next}`);
}

export function renderPath(path: Path): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

/** File by file, in the order of each, every one told once, and no more than a screenful or two. */
export function listProblems(problems: readonly Problem[]): readonly Problem[] {
  const told = new Set<string>();
  const files = [...new Set(problems.map(({ file }) => file))];
  const place = ({ file }: Problem): number => files.indexOf(file);
  const sorted = problems
    .toSorted((a, b) => place(a) - place(b) || a.line - b.line || a.column - b.column)
    .filter((problem) => {
      const line = renderProblem(problem);
      return !told.has(line) && told.add(line);
    });
  const last = sorted[PROBLEMS_MAX];
  if (last === undefined) return sorted;
  const more = { ...last, path: '', message: `${sorted.length - PROBLEMS_MAX} more problems` };
  return [...sorted.slice(0, PROBLEMS_MAX), more];
}
