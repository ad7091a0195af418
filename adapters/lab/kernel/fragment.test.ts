import { describe, expect, test } from '@jest/globals';

import { UsageError } from '../../target.js';
import { fragmentText, merged, parseFragment, unmet } from './fragment.js';

const parse = (text: string) => parseFragment(text, 'some.config');

describe('a fragment', () => {
  test('is options, and comments that nobody reads', () => {
    expect(parse('# Booting.\nCONFIG_PCI=y\n\nCONFIG_NR_CPUS=32\nCONFIG_LOCALVERSION="-lab"\n')).toEqual([
      { name: 'PCI', value: 'y', optional: false },
      { name: 'NR_CPUS', value: '32', optional: false },
      { name: 'LOCALVERSION', value: '"-lab"', optional: false },
    ]);
  });

  test('may turn an option off, in either way', () => {
    const off = { value: 'n', optional: false };
    expect(parse('# CONFIG_MODULES is not set\nCONFIG_SWAP=n')).toEqual([{ name: 'MODULES', ...off }, { name: 'SWAP', ...off }]);
  });

  test('marks what not every tree offers, one option at a time', () => {
    expect(parse('# optional\nCONFIG_A=y\nCONFIG_B=y').map(({ optional }) => optional)).toEqual([true, false]);
  });

  test('is refused with the line that is no option', () => {
    expect(() => parse('CONFIG_PCI=y\nPCI=y')).toThrow(UsageError);
    expect(() => parse('CONFIG_PCI=y\nPCI=y')).toThrow("line 2 of 'some.config' is 'PCI=y'");
  });

  test('says the last word when it comes last', () => {
    expect(fragmentText(merged(parse('CONFIG_A=y\nCONFIG_B=y'), parse('CONFIG_A=n')))).toBe('CONFIG_A=n\nCONFIG_B=y\n');
  });
});

describe('what a tree has not taken', () => {
  const config = '#\n# Automatically generated file\n#\nCONFIG_PCI=y\nCONFIG_NR_CPUS=2048\n# CONFIG_MODULES is not set\n';
  const missing = (text: string) => unmet(parse(text), config).map(({ name }) => name);

  test('is what it does not know, and what it has otherwise', () => {
    expect(missing('CONFIG_PCI=y\nCONFIG_NR_CPUS=32\nCONFIG_NEWS=y')).toEqual(['NR_CPUS', 'NEWS']);
  });

  test('is not what was to be off, and is off or unknown', () => {
    expect(missing('CONFIG_MODULES=n\nCONFIG_NEWS=n\nCONFIG_PCI=n')).toEqual(['PCI']);
  });
});
