/**
 * Guards against: an IVR refused because it appears as `::ffff:10.0.0.1`; a wide range hiding the name of one
 * address inside it; a typing slip in the setting silently opening or closing the door.
 */
import { parseAllowList, unmapAddress } from './allow-list.js';

interface Row {
  readonly setting: string | undefined;
  readonly address: string;
  readonly allowed: boolean;
  readonly name: string | null;
}

const admissions: readonly Row[] = [
  { setting: undefined, address: '127.0.0.1', allowed: true, name: null },
  { setting: undefined, address: '127.8.9.10', allowed: true, name: null },
  { setting: undefined, address: '::1', allowed: true, name: null },
  { setting: undefined, address: '::ffff:127.0.0.1', allowed: true, name: null },
  { setting: undefined, address: '192.0.2.1', allowed: false, name: null },
  { setting: '  ', address: '192.0.2.1', allowed: false, name: null },
  { setting: '192.0.2.1', address: '192.0.2.1', allowed: true, name: null },
  { setting: '192.0.2.1', address: '::ffff:192.0.2.1', allowed: true, name: null },
  { setting: '::ffff:192.0.2.1', address: '192.0.2.1', allowed: true, name: null },
  { setting: '::ffff:192.0.2.0/120', address: '192.0.2.77', allowed: true, name: null },
  { setting: '::ffff:192.0.2.0/120', address: '192.0.3.77', allowed: false, name: null },
  { setting: '192.0.2.1', address: '127.0.0.1', allowed: false, name: null },
  { setting: '192.0.2.0/24', address: '192.0.2.255', allowed: true, name: null },
  { setting: '192.0.2.0/24', address: '192.0.3.0', allowed: false, name: null },
  { setting: '0.0.0.0/0', address: '203.0.113.9', allowed: true, name: null },
  { setting: '0.0.0.0/0', address: '2001:db8::1', allowed: false, name: null },
  { setting: 'east=2001:db8::/32', address: '2001:db8:1::7', allowed: true, name: 'east' },
  { setting: 'east=fe80::/10', address: 'fe80::1%eth0', allowed: true, name: 'east' },
  { setting: ' east = 192.0.2.0/24 , west=198.51.100.7', address: '198.51.100.7', allowed: true, name: 'west' },
  { setting: 'all=10.0.0.0/8,east=10.1.2.3', address: '10.1.2.3', allowed: true, name: 'east' },
  { setting: 'all=10.0.0.0/8,east=10.1.2.3', address: '10.1.2.4', allowed: true, name: 'all' },
  { setting: 'east=10.0.0.1,east=10.0.0.2', address: '10.0.0.2', allowed: true, name: 'east' },
  { setting: '10.0.0.1', address: 'not an address', allowed: false, name: null },
];

test.each(admissions)('under $setting the address $address has allowed=$allowed name=$name', (row) => {
  const { list, faults } = parseAllowList(row.setting);
  expect(faults).toEqual([]);
  expect(list.match(row.address)).toEqual({ allowed: row.allowed, name: row.name });
  expect(list.match(row.address)).toEqual({ allowed: row.allowed, name: row.name });
});

const faulty: readonly { readonly setting: string; readonly fault: string }[] = [
  { setting: 'ivr.example.org', fault: 'entry 1 is not an address, a CIDR, or name=cidr' },
  { setting: '10.0.0.1,', fault: 'entry 2 is not an address, a CIDR, or name=cidr' },
  { setting: '10.0.0.1,10.0.0.0/33', fault: 'entry 2 has a prefix length its address family does not have' },
  { setting: '10.0.0.0/', fault: 'entry 1 has a prefix length its address family does not have' },
  { setting: '10.0.0.0/8/8', fault: 'entry 1 has a prefix length its address family does not have' },
  { setting: '::ffff:10.0.0.0/64', fault: 'entry 1 has a prefix length its address family does not have' },
  { setting: '=10.0.0.1', fault: 'entry 1 needs a name of 1 to 64 characters before "="' },
  { setting: 'a=10.0.0.1,b=10.0.0.1/32', fault: 'entry 2 gives a range that another entry names otherwise' },
];

test.each(faulty)('$setting is refused with its fault', ({ setting, fault }) => {
  expect(parseAllowList(setting).faults).toEqual([`UDP_ALLOWED_SOURCES ${fault}`]);
});

test('every fault is listed at once and none repeats what was configured', () => {
  const { faults } = parseAllowList('secret-host,10.0.0.1,10.0.0.0/99');
  expect(faults).toHaveLength(2);
  expect(faults.join()).not.toMatch(/secret-host|10\.0\.0/);
});

test('an address beyond the remembered ones is still judged rightly', () => {
  const { list } = parseAllowList('10.0.0.0/16');
  const wrong = Array.from(
    { length: 3000 },
    (_, i) => `10.${String(i % 2)}.${String(i >> 8)}.${String(i & 255)}`,
  ).filter((address) => list.match(address).allowed !== address.startsWith('10.0.'));
  expect(wrong).toEqual([]);
});

test('only an IPv4-mapped address is unmapped', () => {
  expect(unmapAddress('::FFFF:192.0.2.1')).toBe('192.0.2.1');
  expect(unmapAddress('2001:db8::1')).toBe('2001:db8::1');
});
