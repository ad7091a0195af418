import { describe, expect, test } from '@jest/globals';

import { damageIn, warningIn } from './health.js';

describe('damage on the console', () => {
  test.each([
    '[   15.905876] Kernel panic - not syncing: sysrq triggered crash',
    '[  100.000000] Oops: Kernel access of bad area, sig: 11 [#1]',
    '[  100.000000] BUG: Kernel NULL pointer dereference on read at 0x00000000',
    '[  100.000000] kernel BUG at drivers/vfio/vfio_iommu_spapr_tce.c:1!',
    '[  100.000000] Unable to handle kernel paging request for data at address 0x10',
    '[   20.244122] watchdog: CPU 0 Hard LOCKUP',
    '[   20.206807] watchdog: CPU 1 detected hard LOCKUP on other CPUs 0',
    '[   48.000000] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [python3:200]',
    '[  200.000000] INFO: task python3:200 blocked for more than 61 seconds.',
    '[  200.000000] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:',
  ])('is seen in "%s"', (line) => {
    expect(damageIn(`[    1.0] before\r\n${line}\r\n[    2.0] after`)).toBe(line);
  });

  test.each([
    '[    0.290472] WARNING: nvram corruption detected: 0-length partition',
    '[    0.100000] EEH: No capable adapters found: recovery disabled.',
    '[    0.000000] rcu: Hierarchical RCU implementation.',
    'papr-lab: ready',
  ])('is not seen in "%s"', (line) => {
    expect(damageIn(line)).toBeUndefined();
  });
});

describe('a warning on the console', () => {
  test.each(['[   21.5] WARNING: CPU: 1 PID: 80 at arch/powerpc/kernel/eeh_pe.c:470 eeh_pe_tree_remove+0x80/0x1d0', '[   21.5] WARNING: kernel/eeh_pe.c:470 at eeh_pe_tree_remove+0x80, CPU#1'])('is seen in "%s", which is no damage', (line) => {
    expect([warningIn(`before\n${line}\nafter`), damageIn(line)]).toEqual([line, undefined]);
  });

  test('is not what firmware is warned of', () => {
    expect(warningIn('[    0.290472] WARNING: nvram corruption detected: 0-length partition')).toBeUndefined();
  });
});
