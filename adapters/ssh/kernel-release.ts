const THREE = /\d+\.\d+\.\d+/;

/**
 * The upstream version of a Linux kernel, `6.12.57`. Distributions freeze the number in the release and tell the real one
 * elsewhere, in /proc/version or /proc/version_signature.
 *
 * @param release `uname -r`
 * @param texts /proc/version_signature and /proc/version, as far as they are there
 */
export function kernelVersion(release: string, texts: readonly string[]): string {
  for (const text of texts) {
    // Ubuntu: `Ubuntu 6.8.0-31.31-generic 6.8.1`; Debian: `… Debian 6.1.158-1 (2025-11-09)`.
    const told = /^Ubuntu .* (\d+\.\d+\.\d+)$/m.exec(text)?.[1] ?? /#\d.*\bDebian (\d+\.\d+\.\d+)/.exec(text)?.[1];
    if (told !== undefined) return told;
  }
  return THREE.exec(release)?.[0] ?? /^\d+\.\d+/.exec(release)?.[0] ?? release;
}
