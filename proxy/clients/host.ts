// Reads the host out of a Host field or an authority. Pure text.

const MAX_LENGTH = 255;

/** In lower case, without port and without a dot at its end; null when it is not a host. Empty stays empty. */
export function parseHost(authority: string): string | null {
  if (authority.length > MAX_LENGTH || !isAuthority(authority)) return null;
  const bracket = authority.lastIndexOf(']');
  const colon = authority.indexOf(':', bracket + 1);
  if (colon >= 0 && !isPort(authority, colon + 1)) return null;
  const host = colon < 0 ? authority : authority.slice(0, colon);
  if (host === '' && colon >= 0) return null;
  if ((bracket >= 0 || host.startsWith('[')) && !(host.startsWith('[') && bracket === host.length - 1))
    return null;
  const bare = host.endsWith('.') ? host.slice(0, -1) : host;
  return bare.toLowerCase();
}

/** Letters, digits, `-`, `.`, `_`, `~`, `:`, `[`, `]`: what names, addresses and ports are made of. */
function isAuthority(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const letter = (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a;
    const digitOrColon = code >= 0x30 && code <= 0x3a;
    const mark =
      code === 0x2d || code === 0x2e || code === 0x5f || code === 0x7e || code === 0x5b || code === 0x5d;
    if (!letter && !digitOrColon && !mark) return false;
  }
  return true;
}

function isPort(text: string, from: number): boolean {
  if (text.length - from > 5) return false;
  for (let index = from; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x30 || code > 0x39) return false;
  }
  return true;
}
