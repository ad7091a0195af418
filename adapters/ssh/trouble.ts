import { TargetLost, UsageError } from '../target.js';

/*
 * What can go wrong on the way to a host, one line each: what was expected, what was seen, what to do.
 */

export const unreachable = (name: string, seen: string): TargetLost =>
  new TargetLost(`expected an SSH server at ${name}, but saw: ${seen}; check the address, and that the host is up`);

export const connectionLost = (name: string, seen: string): TargetLost =>
  new TargetLost(`expected ${name} to stay connected, but saw: ${seen}; check the host and its console, and run again`);

export const noCommonAlgorithm = (name: string, seen: string): UsageError =>
  new UsageError(`expected to agree with ${name} on how to encrypt, but saw: ${seen}; try the transport openssh, which knows more algorithms`);

/** @param seen the fingerprint of the key that the host has shown */
export const hostKeyUnknown = (name: string, seen: string, reason = 'it is in no known_hosts file'): UsageError =>
  new UsageError(`expected to know the host key of ${name}, but saw ${seen}, and ${reason}; compare it with the host's own (ssh-keygen -lf) and connect once with ssh`);

export const hostKeyChanged = (name: string, expected: string, seen: string): UsageError =>
  new UsageError(`expected the host key ${expected} of ${name}, but saw ${seen}: another host answers, or it was installed anew; find out which, and only then correct known_hosts`);

export const hostKeyRevoked = (name: string, seen: string): UsageError =>
  new UsageError(`expected a trusted host key of ${name}, but saw ${seen}, which known_hosts has as revoked; do not connect to this host`);

export const authenticationFailed = (name: string, seen: string): UsageError =>
  new UsageError(`expected ${name} to accept one of your keys, but saw: ${seen}; name a key file, or load it into your SSH agent`);

export const noPython = (name: string, seen: string): UsageError =>
  new UsageError(`expected Python 3.6 or later on ${name}, but saw: ${seen}; install it there (Debian: apt-get install python3-minimal libpython3-stdlib)`);

export const cannotStart = (name: string, seen: string): UsageError =>
  new UsageError(`expected the agent to start on ${name}, but saw ${seen}; correct how Python is started there`);

export const noRights = (name: string, seen: string): UsageError =>
  new UsageError(`expected the right to use VFIO on ${name}, but saw: ${seen}; log in as root, or start Python with 'sudo -n python3'`);

export const moduleMissing = (name: string, seen: string): UsageError =>
  new UsageError(`expected VFIO's drivers to be loaded on ${name}, but saw: ${seen}; run there: modprobe -a vfio-pci vfio_iommu_spapr_tce`);

export const deviceBusy = (name: string, device: string, pid: number): UsageError =>
  new UsageError(`expected device ${device} of ${name} for this run alone, but process ${pid} there has it in another run; wait for its end, or name other devices`);
