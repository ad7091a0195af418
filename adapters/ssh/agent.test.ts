import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Operation, VfioIoctl } from '../../reference/doors/operations.js';
import { E } from '../../reference/uapi/errno.js';
import { TargetLost } from '../target.js';
import { AgentLink } from './agent-link.js';
import type { Instruction, Step } from './instructions.js';
import { localSession, observed } from './local-host.fixture.js';
import { localTransport } from './local-transport.js';
import type { Session } from './session.js';

jest.setTimeout(60_000);

const PAGE = 4096n;
const map = (as: string, protection: 'rw' | 'r' | 'none' = 'rw', length = 4n * PAGE): Operation => ({ door: 'user', op: 'map', as, length, protection });
const fill = (from: string, plus: bigint, length: number, byte: number, by?: string): Operation => ({ door: 'user', op: 'fill', address: { from: `${from}.address`, plus }, length, byte, ...(by && { by }) });
const load = (from: string, plus: bigint, length: number, by?: string): Operation => ({ door: 'user', op: 'load', address: { from: `${from}.address`, plus }, length, ...(by && { by }) });
const open = (what: string, as?: string, by?: string): Operation => ({ door: 'vfio', op: 'open', what, ...(as && { as }), ...(by && { by }) });
const close = (from: string, by?: string): Operation => ({ door: 'vfio', op: 'close', fd: { from: `${from}.fd` }, ...(by && { by }) });
/** What the agent says beside the locked memory: nothing is pinned. */
const UNPINNED = Buffer.alloc(8);

const host = (op: 'exit' | 'kill' | 'ledger' | 'log', by?: string): Operation => ({ door: 'host', op, ...(by && { by }) });
const fork = (as: string, by?: string): Operation => ({ door: 'host', op: 'fork', as, ...(by && { by }) });
const done = { kind: 'syscall', result: 0n };
const failed = (errno: number): object => ({ kind: 'syscall', result: BigInt(-errno) });
const bytes = (...values: number[]): object => ({ kind: 'bytes', bytes: Uint8Array.from(values) });

/** The terminal multiplexer's own ioctls: one that writes where the pointer leads, one that reads there. */
const TIOCGPTN = 0x8004_5430;
const TIOCSPTLCK = 0x4004_5431;

async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('It did not happen within 5 s.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('the agent', () => {
  let session: Session;
  let scratch: string;

  beforeAll(async () => {
    scratch = mkdtempSync(join(tmpdir(), 'papr-agent-'));
    session = await localSession(await AgentLink.start(localTransport));
  });

  afterAll(async () => {
    await session.link.close();
    rmSync(scratch, { recursive: true });
  });

  const run = (...operations: Operation[]): ReturnType<typeof observed> => observed(session, operations);
  const steps = (list: readonly Step[], limit = 20): Instruction => ({ by: 'main', steps: list, limit });

  it('tells what it runs on', () => {
    expect(session.link.hello).toMatchObject({ agent: 1, order: 'little', page: 4096 });
  });

  it('gives every program a process of its own: descriptors begin with 3', async () => {
    await expect(run(open('null', 'a'), open('zero', 'b'), close('a'), open('null'))).resolves.toMatchObject([{ result: 3n }, { result: 4n }, done, { result: 3n }]);
    await expect(run(open('null'))).resolves.toMatchObject([{ result: 3n }]);
  });

  it('shows errors of system calls as minus the error number', async () => {
    const ioctl: VfioIoctl = { door: 'vfio', op: 'ioctl', fd: { from: 'a.fd' }, call: 'VFIO_GET_API_VERSION', args: {} };
    await expect(run(open('null', 'a'), ioctl, { ...ioctl, fd: 99n })).resolves.toEqual([{ kind: 'syscall', result: 3n }, failed(E.ENOTTY), failed(E.EBADF)]);
  });

  it('fills and loads memory', async () => {
    await expect(run(map('m'), fill('m', 10n, 2, 0xab), load('m', 9n, 4))).resolves.toMatchObject([{ kind: 'syscall' }, done, bytes(0, 0xab, 0xab, 0)]);
  });

  it('survives addresses where nothing is, or that must not be written', async () => {
    const unmap: Operation = { door: 'user', op: 'unmap', address: { from: 'm.address', plus: PAGE }, length: PAGE };
    const seen = await run(map('m'), unmap, load('m', PAGE, 1), load('m', PAGE - 1n, 2), fill('m', PAGE, 1, 1), load('m', 0n, 1));
    expect(seen.slice(1)).toEqual([done, failed(E.EFAULT), failed(E.EFAULT), failed(E.EFAULT), bytes(0)]);
    await expect(run(map('r', 'r'), fill('r', 0n, 1, 1), load('r', 0n, 1), map('n', 'none'), load('n', 0n, 1))).resolves.toMatchObject([{}, failed(E.EFAULT), bytes(0), {}, failed(E.EFAULT)]);
  });

  it('maps over what is there when the address is given', async () => {
    const again: Operation = { door: 'user', op: 'map', as: 'again', length: PAGE, protection: 'rw', address: { from: 'm.address', plus: PAGE } };
    const [first, , second, over] = await run(map('m'), fill('m', PAGE, 1, 7), again, load('m', PAGE, 1));
    expect(first?.kind === 'syscall' && second?.kind === 'syscall' && second.result - first.result).toBe(PAGE);
    expect(over).toEqual(bytes(0));
  });

  it('refuses huge pages of a size that the system has not got, and lengths of nothing', async () => {
    const huge: Operation = { door: 'user', op: 'map', length: 1n << 17n, protection: 'rw', hugePages: 17 };
    await expect(run(huge, map('m', 'rw', 0n))).resolves.toEqual([failed(E.EINVAL), failed(E.EINVAL)]);
  });

  it('repeats a call until a word of memory has a value, or it fails, or that was often enough', async () => {
    // What the call writes is what is waited for: how many bytes a pipe holds, or none.
    const FIONREAD = 0x541bn;
    const waiting = (value: bigint, fd: bigint): Instruction =>
      steps([
        { do: 'mmap', length: PAGE, protection: 3, flags: 0x22, as: 'word' },
        { do: 'ioctl', fd, request: Number(FIONREAD), value: { ref: '#0' }, until: { address: { ref: '#0' }, value, most: 3 } },
      ]);
    const file = steps([{ do: 'open', path: '/proc/self/status', flags: ['RDONLY'] }]);
    const later = steps([{ do: 'load', address: { ref: 'word' }, length: 1 }]);
    const { answers } = await session.run([steps([{ do: 'memfd', length: 5n, flags: 0 }]), waiting(5n, 3n), later, waiting(6n, 3n), waiting(0n, 99n), file]);
    const last = answers.map((answer) => ('steps' in answer ? answer.steps.at(-1)!.slice(1) : answer));
    expect(last.slice(1, 5)).toMatchObject([[0n, null], [1n, Uint8Array.of(5)], [BigInt(-E.ETIMEDOUT), null], [BigInt(-E.EBADF), null]]);
  });

  it('forks processes with copies of memory and descriptors, which live on when the first one ends', async () => {
    const seen = await run(
      ...[map('m'), open('null', 'a'), fill('m', 0n, 1, 1), fork('c1'), fill('m', 0n, 1, 2, 'c1'), load('m', 0n, 1), load('m', 0n, 1, 'c1')],
      ...[fork('c2', 'c1'), close('a', 'c2'), close('a'), host('exit'), load('m', 0n, 1, 'c1'), close('a', 'c1'), host('kill', 'c1'), load('m', 0n, 1, 'c2')],
    );
    expect(seen.slice(5)).toMatchObject([bytes(1), bytes(2), { kind: 'syscall' }, done, done, done, bytes(2), done, done, bytes(2)]);
  });

  it('says ESRCH of a process that is no more', async () => {
    const seen = await run(fork('c1'), host('kill', 'c1'), open('null', 'x', 'c1'), host('kill', 'c1'), close('x'));
    expect(seen.slice(1)).toEqual([done, failed(E.ESRCH), failed(E.ESRCH), failed(E.ESRCH)]);
  });

  it('locks memory within the limit, and shows what is locked', async () => {
    const nothing = { kind: 'values', values: { locked: 0n, pinned: 0n } };
    const limit: Operation = { door: 'host', op: 'limit', bytes: 2n * PAGE };
    const MAP_LOCKED = 0x2000;
    const locked: Step = { do: 'mmap', length: 2n * PAGE, protection: 3, flags: 0x22 + MAP_LOCKED };
    await expect(run(host('ledger'), limit, host('ledger'))).resolves.toEqual([nothing, done, nothing]);
    const { answers } = await session.run([
      steps([{ do: 'limit', bytes: 2n * PAGE }]),
      steps([locked]),
      steps([{ do: 'locked' }]),
      steps([locked]),
    ]);
    expect(answers.slice(2)).toEqual([{ steps: [[0, 2n, UNPINNED]] }, { steps: [[0, BigInt(-E.EAGAIN), null]] }]);
  });

  it('does two things at the same time, in one process or two', async () => {
    const together = (left: Operation, right: Operation): Operation => ({ door: 'host', op: 'together', left, right });
    const seen = await run(map('m'), fork('c1'), together(fill('m', 0n, 1, 1), fill('m', PAGE, 1, 2)), together(open('null', 'l'), open('null', 'r', 'c1')), close('l'), close('r', 'c1'), load('m', PAGE, 1));
    expect(seen.slice(2)).toEqual([
      { kind: 'pair', left: done, right: done },
      { kind: 'pair', left: { kind: 'syscall', result: 3n }, right: { kind: 'syscall', result: 3n } },
      done,
      done,
      bytes(2),
    ]);
  });

  it('kills a process in the middle of a call', async () => {
    const fifo = join(scratch, 'nobody');
    execFileSync('mkfifo', [fifo]);
    const blocked: Instruction = { by: 'c1', steps: [{ do: 'open', path: fifo, flags: ['RDONLY'] }], limit: 20 };
    const { answers, broken } = await session.run([
      { by: 'main', fork: 'c1', limit: 20 },
      { together: [blocked, { by: 'c1', end: 'kill', limit: 20 }], limit: 20 },
      steps([{ do: 'locked' }]),
    ]);
    expect(broken).toBeNull();
    expect(answers.slice(1)).toEqual([{ pair: [{ ended: true }, { ended: true }] }, { steps: [[0, 0n, UNPINNED]] }]);
  });

  it('answers pings while a call does not end, and then says that it hung', async () => {
    const fifo = join(scratch, 'silence');
    execFileSync('mkfifo', [fifo]);
    let over = false;
    const blocked = session.run([steps([{ do: 'locked' }]), steps([{ do: 'open', path: fifo, flags: ['RDONLY'] }], 1), steps([{ do: 'locked' }])]);
    const outcome = blocked.finally(() => (over = true));
    await session.link.request({ do: 'ping' }, z.object({}));
    expect(over).toBe(false);
    await expect(outcome).resolves.toMatchObject({ answers: [{ steps: [[0, 0n, UNPINNED]] }], broken: { hung: 'main', state: 'S' }, after: null });
  });

  it('outlives the death of a test process', async () => {
    const outcome = await session.run([steps([{ do: 'locked' }]), steps([{ do: 'store', address: 8n, bytes: '00' }]), steps([{ do: 'locked' }])]);
    expect(outcome).toMatchObject({ answers: [{}], broken: { died: 'main' } });
    expect((outcome.broken as { status: number }).status & 0x7f).toBe(11);
    await expect(run(open('null'))).resolves.toMatchObject([{ result: 3n }]);
  });

  it('says ESRCH of results that never came about, and goes on', async () => {
    const { answers } = await session.run([steps([{ do: 'close', fd: { ref: 'nothing' } }]), steps([{ do: 'locked' }])]);
    expect(answers).toEqual([{ unknown: 'nothing' }, { steps: [[0, 0n, UNPINNED]] }]);
  });

  it('adds to results modulo 2^64, and takes fields out of their bytes', async () => {
    const info: Step = { do: 'ioctl', fd: { ref: 'tty' }, request: TIOCGPTN, bytes: 'ffffffff01020304' };
    const { answers } = await session.run([
      { ...steps([{ do: 'open', path: '/dev/ptmx', flags: ['RDWR'] }]), name: 'tty' },
      { ...steps([info]), name: 'info' },
      steps([{ do: 'ioctl', fd: { ref: 'tty' }, request: TIOCSPTLCK, bytes: '00000000', patch: [[0, 4, { ref: 'info', at: 4, size: 4, plus: -0x0403_0200n }]] }]),
      steps([{ do: 'mmap', length: 4096n, protection: 1, flags: 0x22, address: { ref: 'tty', plus: -3n } }]),
    ]);
    const pattern = answers.map((answer) => ('steps' in answer ? Buffer.from(answer.steps[0]![2] ?? []).toString('hex') : ''));
    expect(pattern[1]).toMatch(/^[0-9a-f]{4}000001020304$/);
    expect(pattern[2]).toBe('01000000');
  });

  it('puts structures where the kernel cannot reach them', async () => {
    const tty = (request: number, place?: 'unmapped' | 'read-only'): Instruction =>
      steps([{ do: 'ioctl', fd: { ref: 'tty' }, request, bytes: '01000000', ...(place && { place }) }]);
    const { answers } = await session.run([
      { ...steps([{ do: 'open', path: '/dev/ptmx', flags: ['RDWR'] }]), name: 'tty' },
      ...[tty(TIOCSPTLCK), tty(TIOCSPTLCK, 'read-only'), tty(TIOCGPTN, 'read-only'), tty(TIOCSPTLCK, 'unmapped')],
    ]);
    const seen = answers.slice(1).map((answer) => ('steps' in answer ? [answer.steps[0]![1], answer.steps[0]![2]?.length] : []));
    expect(seen).toEqual([[0n, 4], [0n, 4], [-14n, 4], [-14n, undefined]]);
  });

  it('stops an operation at its first step that fails, but for what must be done', async () => {
    const { answers } = await session.run([
      steps([{ do: 'close', fd: 99n }, { do: 'locked' }, { do: 'munmap', address: 0n, length: 4096n, always: true }]),
    ]);
    expect(answers).toEqual([{ steps: [[0, -9n, null], [2, 0n, null]] }]);
  });

  it('reads and writes through descriptors, and waits for a bit to clear', async () => {
    const path = join(scratch, 'registers');
    execFileSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=16', 'count=1'], { stdio: 'ignore' });
    const fd = { ref: 'file' };
    const poll = (offset: bigint, seconds: number): Instruction => steps([{ do: 'poll', fd, offset, length: 4, order: 'big', mask: 1n, every: 0.01, seconds }]);
    const { answers } = await session.run([
      { ...steps([{ do: 'open', path, flags: ['RDWR'] }]), name: 'file' },
      steps([{ do: 'pwrite', fd, offset: 0n, bytes: '0000000000000000', patch: [[0, 8, 0x1_0000_0001n]], order: 'big' }]),
      steps([{ do: 'pwrite', fd, offset: 8n, bytes: 'ffffffff' }]),
      ...[poll(0n, 0.05), poll(8n, 0.05), poll(12n, 0.05)],
    ]);
    expect(readFileSync(path).toString('hex')).toBe('0000000100000001ffffffff00000000');
    expect(answers.slice(3).map((answer) => 'steps' in answer && answer.steps[0]![1])).toEqual([-110n, 1n, 0n]);
  });

  it('pauses when asked, and goes on when told', async () => {
    const pauses: number[] = [];
    const atPause = (count: number): Promise<void> => Promise.resolve(void pauses.push(count));
    const outcome = await session.run([steps([{ do: 'locked' }]), { pause: true }, steps([{ do: 'locked' }])], { atPause });
    expect(outcome.answers).toHaveLength(3);
    expect(pauses).toEqual([2]);
  });

  it('has one of two operations under way while the other is done elsewhere', async () => {
    const pauses: [number, boolean, boolean][] = [];
    const path = join(scratch, 'made-beside');
    const atPause = async (count: number, beside: boolean): Promise<void> => {
      const until = Date.now() + 5_000;
      while (!existsSync(path) && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
      pauses.push([count, beside, existsSync(path)]);
    };
    const make = steps([{ do: 'open', path, flags: ['RDWR', 'CREAT'] }]);
    const { answers } = await session.run([steps([{ do: 'locked' }]), { together: [{ pause: true }, make], limit: 10 }], { atPause });
    expect(pauses).toEqual([[1, true, true]]);
    expect(answers[1]).toMatchObject({ pair: [{}, { steps: [[0, expect.anything(), null]] }] });
  });

  it('can be made to wait after every operation', async () => {
    const pauses: number[] = [];
    const atPause = (count: number): Promise<void> => Promise.resolve(void pauses.push(count));
    const { answers } = await session.run([1, 2, 3].map(() => steps([{ do: 'locked' }])), { atPause, stepwise: true });
    expect(answers).toHaveLength(3);
    expect(pauses).toEqual([1, 2, 3]);
  });

  it('tells what the kernel logged since the program began', async () => {
    await expect(run(host('log'))).resolves.toEqual([{ kind: 'lines', lines: [] }]);
  });

  it('gives a program memory with nothing beside it', async () => {
    const load = (plus: bigint): Operation => ({ door: 'user', op: 'load', address: { from: 'm.address', plus }, length: 8 });
    const seen = await run(map('m', 'rw', PAGE), map('n', 'rw', PAGE), load(0n), load(PAGE), load(-8n), load(1n << 20n));
    expect(seen.slice(2)).toMatchObject([{ kind: 'bytes' }, ...[1, 2, 3].map(() => ({ kind: 'syscall', result: -14n }))]);
  });

  it('calls a request that makes no sense lost', async () => {
    await expect(session.run([{ by: 'main', steps: [], limit: 1 }])).rejects.toThrow(TargetLost);
  });

  describe('its processes', () => {
    const children = (): string[] => {
      const { pid } = session.link.hello;
      return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    };
    /** The one that waits for the next program is forked after the answer. */
    const waiting = async (): Promise<string> => {
      await run(host('log'));
      await until(() => children().length === 1 && children()[0] !== '');
      return children()[0]!;
    };

    it('are all gone when a program is over, but one that waits for the next', async () => {
      const spare = await waiting();
      await run(fork('c1'), fork('c2', 'c1'), fork('c3', 'c2'), host('exit', 'c2'));
      expect(children()).toEqual([spare]);
    });

    it('are new for every program: the one that waits takes the place of the one that is forked', async () => {
      const first = await waiting();
      await session.run([steps([{ do: 'locked' }])]);
      await expect(until(() => children()[0] !== '' && !children().includes(first))).resolves.toBeUndefined();
    });

    it('are forked anew where the one that waits has died', async () => {
      const spare = await waiting();
      process.kill(Number(spare), 'SIGKILL');
      await until(() => readFileSync(`/proc/${spare}/stat`, 'utf8').includes(') Z '));
      await expect(session.run([steps([{ do: 'locked' }])])).resolves.toMatchObject({ answers: [{ steps: [[0, 0n, expect.anything()]] }] });
    });

    it('are gone when the session is', async () => {
      const spare = await waiting();
      await session.link.close();
      await expect(until(() => !existsSync(`/proc/${spare}`))).resolves.toBeUndefined();
    });
  });
});
