// What package.json and its lock file must keep to: exact versions, no addresses, and nothing installed that no file
// imports or no rule knows.

export interface PackageManifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export function checkVersions(manifest: PackageManifest): string[] {
  const all = { ...manifest.dependencies, ...manifest.devDependencies };
  return Object.entries(all)
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[a-z0-9.]+)?$/.test(version))
    .map(([name, version]) => `${name}: ${version} is not one exact version`);
}

/** `lock` is the text: an address anywhere in a `resolved` field ties every install to one host. */
export function checkLock(lock: string): string[] {
  return [...lock.matchAll(/"resolved":\s*"([^"]*)"/g)]
    .map((match) => match[1] ?? '')
    .filter((address) => /^(git\+)?(https?|ssh|git):/.test(address))
    .map((address) => `the lock file names an address: ${address}`);
}

/** Dependencies of the program that no file of the program imports. */
export function findUnused(manifest: PackageManifest, specifiers: readonly string[]): string[] {
  const used = (name: string): boolean =>
    specifiers.some((each) => each === name || each.startsWith(`${name}/`));
  return Object.keys(manifest.dependencies ?? {}).filter((name) => !used(name));
}
