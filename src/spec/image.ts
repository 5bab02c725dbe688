// The image's repository: where a version is looked for. Tags and digests belong to the version key.
import { field, Refusal, refused } from './fields.ts';

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const DOMAIN =
  '(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::\\d+)?';
const REPOSITORY = new RegExp(`^(?:${DOMAIN}/)?${COMPONENT}(?:/${COMPONENT})*$`);

const ELSEWHERE = 'a repository alone: the version goes into the version key';

export const image = field<string>('a repository such as registry.example.com/shop/web', (raw) => {
  if (typeof raw !== 'string') return refused;
  const at = raw.indexOf('@');
  if (at >= 0) return new Refusal(`${JSON.stringify(raw)} with the digest ${raw.slice(at + 1)}`, ELSEWHERE);
  const tag = /^(.*[^/]):([\w][\w.-]*)$/.exec(raw);
  if (tag !== null) return new Refusal(`${JSON.stringify(raw)} with the tag ${tag[2]}`, ELSEWHERE);
  if (/^[a-z]+:\/\//.test(raw)) return new Refusal(undefined, 'a repository without a scheme');
  return REPOSITORY.test(raw) && raw.length <= 255 ? raw : refused;
});
