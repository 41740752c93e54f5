/**
 * Completion for the shells. All three work alike: the commands typed so far make a path, and what may
 * follow is looked up under it. Where something of the cluster may be named, `agentctl completion --names`
 * asks the agent for it, and says nothing where none answers.
 */
import type { Offer, Valued, Word } from './offers.ts';

export type Shell = 'bash' | 'zsh' | 'fish';
export const SHELLS = ['bash', 'zsh', 'fish'] as const satisfies readonly Shell[];

const SCRIPTS: Readonly<Record<Shell, (offers: readonly Offer[]) => readonly string[]>> = {
  bash: bashLines,
  zsh: zshLines,
  fish: fishLines,
};

export const completionScript = (shell: Shell, offers: readonly Offer[]): string =>
  `${SCRIPTS[shell](offers).join('\n')}\n`;

function bashLines(offers: readonly Offer[]): readonly string[] {
  return [
    '# bash completion of agentctl, made by: agentctl completion bash',
    '_agentctl() {',
    "  local path='' words='' kinds='' suffix='' names i current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}",
    '  COMPREPLY=()',
    '  # Behind -- another program reads the line.',
    '  [[ " ${COMP_WORDS[*]:0:COMP_CWORD} " != *" -- "* ]] || return',
    '  # Bash takes = for a word of its own: what is behind it is a value.',
    '  [[ $current != = && $previous != = ]] || return',
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    '    case "$path:${COMP_WORDS[i]}" in',
    `      ${steps(offers).map(quoted).join(' | ')}) path="\${path:+$path }\${COMP_WORDS[i]}" ;;`,
    '    esac',
    '  done',
    '  case "$path:$previous" in',
    ...valuesOf(offers).map(({ patterns, choices, kind }) => {
      if (kind !== undefined) return `    ${patterns}) kinds=${kind} ;;`;
      return choices === undefined
        ? `    ${patterns}) return ;;`
        : `    ${patterns}) words=${quoted(choices.join(' '))} ;;`;
    }),
    '    *)',
    '      case "$path" in',
    ...offers.map(
      (offer) =>
        `        ${quoted(offer.path)}) words=${quoted(allOf(offer))} kinds=${offer.kinds.join(',')} suffix=${quoted(offer.suffix)} ;;`,
    ),
    '      esac',
    '      ;;',
    '  esac',
    '  if [[ -n $kinds && $current != -* ]]; then',
    `    for names in $(${asked('bash', '"$kinds"')}); do words+=" $names$suffix"; done`,
    '    [[ -z $suffix ]] || compopt -o nospace 2>/dev/null',
    '  fi',
    '  # Options only where one has begun.',
    '  [[ $current == -* ]] || words=$(for word in $words; do [[ $word == -* ]] || echo "$word"; done)',
    '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")',
    '}',
    'complete -o default -F _agentctl agentctl',
  ];
}

function zshLines(offers: readonly Offer[]): readonly string[] {
  return [
    '#compdef agentctl',
    '# zsh completion of agentctl, made by: agentctl completion zsh',
    '_agentctl() {',
    "  local at='' kinds='' suffix='' i",
    '  local -a offered flags named',
    '  (( ${words[(I)--]} && ${words[(i)--]} < CURRENT )) && { _files; return }',
    '  for ((i = 2; i < CURRENT; i++)); do',
    '    case "$at:${words[i]}" in',
    `      ${steps(offers).map(quoted).join(' | ')}) at="\${at:+$at }\${words[i]}" ;;`,
    '    esac',
    '  done',
    '  case "$at:${words[CURRENT-1]}" in',
    ...valuesOf(offers).map(({ patterns, choices, kind }) => {
      if (kind !== undefined)
        return `    ${patterns}) named=(\${(f)"$(${asked('zsh', kind)})"}); _describe ${kind} named; return ;;`;
      return choices === undefined
        ? `    ${patterns}) _files; return ;;`
        : `    ${patterns}) compadd -- ${choices.join(' ')}; return ;;`;
    }),
    '  esac',
    '  case "$at" in',
    ...offers.flatMap((offer) => [
      `    ${quoted(offer.path)})`,
      `      offered=(${wordsOf(offer).map(described).join(' ')})`,
      `      flags=(${offer.options.map(described).join(' ')})`,
      `      kinds=${offer.kinds.join(',')} suffix=${quoted(offer.suffix)}`,
      '      ;;',
    ]),
    '  esac',
    '  [[ ${words[CURRENT]} == -* ]] && { _describe option flags; return }',
    `  [[ -z $kinds ]] || named=(\${(f)"$(${asked('zsh', '$kinds')})"})`,
    '  named=(${^named}$suffix)',
    "  [[ -n $suffix ]] && (( ${#named} )) && { _describe name named -S ''; return }",
    '  offered+=($named)',
    '  (( ${#offered} )) && _describe command offered || _files',
    '}',
    // As a file of `fpath` it is the function itself; sourced, it has to be registered.
    'if [[ ${funcstack[1]} == _agentctl ]]; then _agentctl "$@"; else compdef _agentctl agentctl; fi',
  ];
}

function fishLines(offers: readonly Offer[]): readonly string[] {
  const when = (path: string): string => `-n ${quoted(`__agentctl_at ${quotedInside(path)}`)}`;
  return [
    '# fish completion of agentctl, made by: agentctl completion fish',
    'function __agentctl_at',
    '    contains -- -- (commandline -opc); and return 1',
    "    set -l path ''",
    '    for word in (commandline -opc)[2..]',
    '        switch "$path:$word"',
    `            case ${steps(offers).map(quoted).join(' ')}`,
    '                set path (string trim -- "$path $word")',
    '        end',
    '    end',
    '    test "$path" = "$argv[1]"',
    'end',
    'function __agentctl_names',
    `    string match -q -- "-*" (commandline -ct); or ${asked('fish', '$argv[1]')}`,
    'end',
    'complete -c agentctl -e',
    ...offers.flatMap(({ path, commands, choices, kinds, suffix, options, valued }) => [
      ...(kinds.length === 0
        ? []
        : [
            `complete -c agentctl -f ${when(path)} -a '(__agentctl_names ${kinds.join(',')})${suffix}'`,
          ]),
      ...[...commands, ...choices.map((word) => ({ word, meaning: '' }))].map(
        ({ word, meaning }) =>
          `complete -c agentctl -f ${when(path)} -a ${quoted(word)} -d ${quoted(meaning)}`,
      ),
      ...options.map(({ word, meaning }) => {
        const value = valued.find(({ flags }) => flags.includes(word));
        const flag = word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`;
        return `complete -c agentctl ${when(path)} ${flag}${fishValue(value)} -d ${quoted(meaning)}`;
      }),
    ]),
  ];
}

/** Silent where no agent answers: whoever types cannot do anything about it. */
const asked = (shell: Shell, kinds: string): string =>
  `agentctl completion ${shell} --names ${kinds} 2>/dev/null`;

function fishValue(value: Valued | undefined): string {
  if (value === undefined) return '';
  if (value.kind !== undefined) return ` -x -a '(__agentctl_names ${value.kind})'`;
  return value.choices === undefined ? ' -r' : ` -x -a ${quoted(value.choices.join(' '))}`;
}

/** `PATH:WORD` for each command that leads on from a path. */
const steps = (offers: readonly Offer[]): readonly string[] =>
  offers.flatMap(({ path, commands }) => commands.map(({ word }) => `${path}:${word}`));

type Values = Omit<Valued, 'flags'> & { readonly patterns: string };

const valuesOf = (offers: readonly Offer[]): readonly Values[] =>
  offers.flatMap(({ path, valued }) =>
    valued.map(({ flags, ...values }) => ({
      ...values,
      patterns: flags.map((flag) => quoted(`${path}:${flag}`)).join(' | '),
    })),
  );

const wordsOf = ({ commands, choices }: Offer): readonly Word[] => [
  ...commands,
  ...choices.map((word) => ({ word, meaning: '' })),
];

const allOf = (offer: Offer): string =>
  [...wordsOf(offer), ...offer.options].map(({ word }) => word).join(' ');

const described = ({ word, meaning }: Word): string =>
  quoted(meaning === '' ? word : `${word}:${meaning.replaceAll(':', '\\:')}`);

/** For sh, bash and zsh; fish understands it as well, as long as there is no backslash. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
const quotedInside = (text: string): string => `"${text}"`;
