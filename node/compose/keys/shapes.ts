/** What values of keys look like that are known and not read: what Compose refuses is refused. */
import { kindOf } from '../fields.ts';

export type Shape = { readonly what: string; readonly fits: (value: unknown) => boolean };

const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): boolean => typeof value === 'number';
const isMapping = (value: unknown): value is object => kindOf(value) === 'mapping';
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
/** Each once. */
const isTexts = (value: unknown): boolean =>
  isList(value) && value.every(isText) && new Set(value).size === value.length;
const isDict = (value: unknown): boolean =>
  isMapping(value) && Object.values(value).every((inner) => !isList(inner) && !isMapping(inner));

export const TEXT: Shape = { what: 'text', fits: isText };
export const FLAG: Shape = {
  what: 'true or false',
  fits: (value) => typeof value === 'boolean' || isText(value),
};
export const NUMBER: Shape = {
  what: 'a number',
  fits: (value) => isNumber(value) || isText(value),
};
export const PLAIN_NUMBER: Shape = { what: 'a number', fits: isNumber };
export const TEXTS: Shape = { what: 'a list of texts, each once', fits: isTexts };
export const TEXT_LIST: Shape = {
  what: 'a list of texts',
  fits: (value) => isList(value) && value.every(isText),
};
export const TEXT_OR_LIST: Shape = {
  what: 'text, or a list of texts',
  fits: (value) => isText(value) || (isList(value) && value.every(isText)),
};
export const NAMES: Shape = {
  what: 'a mapping of names to text, or a list of NAME=value, each once',
  fits: (value) => isDict(value) || isTexts(value),
};
export const LIST: Shape = { what: 'a list', fits: isList };
export const MAPPING: Shape = { what: 'a mapping', fits: isMapping };
export const LIST_OR_MAPPING: Shape = {
  what: 'a list or a mapping',
  fits: (value) => isList(value) || isMapping(value),
};
export const TEXT_OR_ANY_LIST: Shape = {
  what: 'text or a list',
  fits: (value) => isText(value) || isList(value),
};
export const PORTS: Shape = {
  what: 'a list of ports, each once',
  fits: (value) =>
    isList(value) &&
    value.every((port) => isText(port) || isNumber(port)) &&
    new Set(value).size === value.length,
};
export const CONTAINER_NAME: Shape = {
  what: 'a name of at least two letters, digits, _, . and -',
  fits: (value) => isText(value) && /[a-zA-Z0-9][a-zA-Z0-9_.-]+/.test(value),
};
export const PULL_POLICY: Shape = {
  what: 'always, never, missing, build, daily, weekly or every_DURATION',
  fits: (value) =>
    isText(value) &&
    /always|never|build|if_not_present|missing|refresh|daily|weekly|every_(\d+[wdhms])+/.test(
      value,
    ),
};
export const LOGGING: Shape = {
  what: 'a mapping with driver and options',
  fits: (value) => {
    if (!isMapping(value)) return false;
    const { driver = '', options = {}, ...others } = value as Record<string, unknown>;
    if (!isText(driver) || !isMapping(options) || !areOurs(others)) return false;
    return Object.values(options).every((one) => isText(one) || isNumber(one) || one === null);
  },
};
/** What it watches for is for those who develop. */
export const DEVELOP: Shape = {
  what: 'a mapping with watch',
  fits: (value) => {
    if (!isMapping(value)) return false;
    const { watch = [], ...others } = value as Record<string, unknown>;
    return isList(watch) && watch.every(isMapping) && areOurs(others);
  },
};

export const PROVIDER: Shape = {
  what: 'a mapping with type',
  fits: (value) => isMapping(value) && isText((value as { readonly type?: unknown }).type),
};

function areOurs(others: object): boolean {
  return Object.keys(others).every((key) => key.startsWith('x-'));
}
