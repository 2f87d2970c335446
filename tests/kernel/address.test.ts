import { clientNetwork, clientSite, plainAddress } from '../../src/kernel/address.ts'

describe('the plain form of an address', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['::FFFF:c633:6407', '198.51.100.7'],
    ['0:0:0:0:0:ffff:255.255.255.255', '255.255.255.255'],
    ['::ffff:0.0.0.0', '0.0.0.0'],
    ['::1', '::1'],
    ['::fffe:198.51.100.7', '::fffe:198.51.100.7'],
    ['2001:db8::ffff:c633:6407', '2001:db8::ffff:c633:6407'],
    ['', ''],
  ])('of %j is %j', (address, plain) => {
    expect(plainAddress(address)).toBe(plain)
  })
})

describe('the network that stands for a client', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7', undefined],
    ['::ffff:198.51.100.7', '198.51.100.7', undefined],
    ['2001:db8:1:2ff::7', '2001:db8:1:200::/56', '2001:db8:1:0::/48'],
    ['2001:0DB8:0001:0200:FFFF:FFFF:FFFF:FFFF', '2001:db8:1:200::/56', '2001:db8:1:0::/48'],
    ['2001:db8:1:300::', '2001:db8:1:300::/56', '2001:db8:1:0::/48'],
    ['2001:db8::7', '2001:db8:0:0::/56', '2001:db8:0:0::/48'],
    ['2001:db8:1:2ff:0:0:198.51.100.7', '2001:db8:1:200::/56', '2001:db8:1:0::/48'],
    ['fe80::1%eth0', 'fe80:0:0:0::/56', 'fe80:0:0:0::/48'],
    ['::1', '0:0:0:0::/56', '0:0:0:0::/48'],
    ['::', '0:0:0:0::/56', '0:0:0:0::/48'],
    ['', '', undefined],
  ])('of %j is %j, and its site %j', (address, network, site) => {
    expect([clientNetwork(address), clientSite(address)]).toEqual([network, site])
  })
})
