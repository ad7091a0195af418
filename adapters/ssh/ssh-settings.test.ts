import { describe, expect, it } from '@jest/globals';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseConfig, sshSettings } from './ssh-settings.js';

describe('settings of a host', () => {
  it('are the usual ones for this machine, whatever the configuration says', async () => {
    const settings = await sshSettings({ host: '127.0.0.1', user: 'root' });
    expect(settings).toMatchObject({ host: '127.0.0.1', port: 22, user: 'root', jumps: [], named: { knownHosts: false, identity: false } });
    expect(settings.identityFiles).toContain(join(homedir(), '.ssh', 'id_ed25519'));
  });

  it('are what the user says where he says it', async () => {
    const settings = await sshSettings({ host: '::1', user: 'lab', port: 2222 }, { knownHosts: '/k', identity: ['/i'], jump: ['127.0.0.1:2200', 'a@localhost'] });
    expect(settings).toMatchObject({
      port: 2222,
      knownHostsFiles: ['/k'],
      identityFiles: ['/i'],
      named: { knownHosts: true, identity: true },
      jumps: [
        { host: '127.0.0.1', port: 2200, knownHostsFiles: ['/k'], jumps: [] },
        { host: 'localhost', port: 22, user: 'a' },
      ],
    });
  });

  it('come from OpenSSH where it is installed', async () => {
    const settings = await sshSettings({ host: 'power.invalid', user: 'root' });
    expect(settings).toMatchObject({ host: 'power.invalid', port: 22, user: 'root', jumps: [] });
  });

  it('are read from the output of ssh -G', () => {
    const config = parseConfig('host power\nhostname 10.0.0.9\nidentityfile ~/.ssh/a\nidentityfile ~/.ssh/b\nuserknownhostsfile /a /b\n');
    expect(config.get('hostname')).toEqual(['10.0.0.9']);
    expect(config.get('identityfile')).toEqual(['~/.ssh/a', '~/.ssh/b']);
    expect(config.get('userknownhostsfile')).toEqual(['/a /b']);
  });
});
