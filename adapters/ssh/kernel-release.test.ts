import { describe, expect, it } from '@jest/globals';
import { kernelVersion } from './kernel-release.js';

describe('the version of a kernel', () => {
  it.each([
    ['6.12.57+deb13-powerpc64le', 'Linux version 6.12.57+deb13-powerpc64le (debian-kernel@lists.debian.org) (powerpc64le-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0, GNU ld (GNU Binutils for Debian) 2.44) #1 SMP Debian 6.12.57-1 (2025-11-05)', '6.12.57'],
    ['6.1.0-41-powerpc64le', 'Linux version 6.1.0-41-powerpc64le (gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP Debian 6.1.158-1 (2025-11-09)', '6.1.158'],
    ['6.8.0-31-generic', 'Ubuntu 6.8.0-31.31-generic 6.8.1', '6.8.1'],
    ['5.14.0-427.13.1.el9_4.ppc64le', 'Linux version 5.14.0-427.13.1.el9_4.ppc64le (mockbuild@x) (gcc (GCC) 11.4.1) #1 SMP', '5.14.0'],
    ['7.2.0-rc3', 'Linux version 7.2.0-rc3', '7.2.0'],
    ['7.2-rc3', '', '7.2'],
  ])('of %s', (release, text, version) => {
    expect(kernelVersion(release, [text])).toBe(version);
  });
});
