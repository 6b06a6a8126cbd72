import { BlockList, isIP, isIPv6 } from 'node:net';

/** What the list says of a host and a port. `reason` is a sentence. */
export interface ListDecision {
  allowed: boolean;
  reason: string;
}

const hostName =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/** A host as it is compared: small letters, no dot at its end. */
export function normalHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, '');
}

/** Decides by name alone; what the name resolves to is decided by {@link isPublicAddress}. */
export function decideByList(list: readonly string[], host: string, port: number): ListDecision {
  const name = normalHost(host);
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0) {
    return {
      allowed: false,
      reason: `${host} is an address; this run may only reach hosts by their listed names.`,
    };
  }
  if (!hostName.test(name)) return { allowed: false, reason: `"${host.slice(0, 100)}" is not a host name.` };
  const entry = list.find((candidate) => matches(candidate, name, port));
  if (entry !== undefined)
    return { allowed: true, reason: `${name}:${port} is on this run's network list (${entry}).` };
  return { allowed: false, reason: `${name}:${port} is not on this run's network list.` };
}

/** Whether a list lets a host's usual port through. */
export function isListed(list: readonly string[], host: string): boolean {
  return decideByList(list, host, 443).allowed;
}

function matches(entry: string, name: string, port: number): boolean {
  const colon = entry.lastIndexOf(':');
  const pattern = normalHost(colon === -1 ? entry : entry.slice(0, colon));
  if (port !== (colon === -1 ? 443 : Number(entry.slice(colon + 1)))) return false;
  if (!pattern.startsWith('*.')) return pattern === name;
  return name.endsWith(pattern.slice(1)) && name.length > pattern.length - 1;
}

/*
 * Two lists: Node's BlockList takes an IPv4 address for its mapped IPv6 one, so that `::ffff:0:0/96` in the list of IPv4 rules
 * would match every IPv4 address.
 */
const closed4 = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  closed4.addSubnet(network, bits, 'ipv4');
}
// A cloud's own service address that lies in public space.
closed4.addAddress('168.63.129.16', 'ipv4');

/** Only global unicast is open; out of it, what wraps an IPv4 address or leads nowhere is closed too. */
const open6 = new BlockList();
open6.addSubnet('2000::', 3, 'ipv6');
const closed6 = new BlockList();
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const) {
  closed6.addSubnet(network, bits, 'ipv6');
}

/** True for an address of the public internet: not loopback, private, link-local, metadata, multicast, mapped or reserved. */
export function isPublicAddress(address: string): boolean {
  if (isIPv6(address)) return open6.check(address, 'ipv6') && !closed6.check(address, 'ipv6');
  return isIP(address) === 4 && !closed4.check(address, 'ipv4');
}
