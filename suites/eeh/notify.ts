import type { VfioProgramBuilder } from '../../harness/build/vfio-program-builder.js';
import type { Scenario } from '../../harness/scenario.js';
import { plus, type Term } from '../../reference/doors/term.js';
import { eehScenario, freeze, pe, rule, state } from './steps.js';

/* Proposed: devices of a PE are told of its errors, each by an event of its own with the error's serial number. */

const COPIES = 'eeh-notify/copies';
const SERIAL = 'eeh-notify/serial';

const NOTIFY = ['spapr-v2', 'eeh', 'eeh-notify', 'pe:pair0', 'device:pair0.dev1'] as const;
const BOTH = ['pair0.dev0', 'pair0.dev1'] as const;

const tell = (p: VfioProgramBuilder, what: 'listen' | 'leave', device: string, depth?: number): VfioProgramBuilder =>
  p.do({ door: 'host', op: 'eeh-notify', what, device, ...(depth !== undefined && { depth }) });

/** Reads the next event; its serial number is named `<as>.serial`. */
const hear = (p: VfioProgramBuilder, device: string, as?: string): VfioProgramBuilder => p.do({ door: 'host', op: 'eeh-notify', what: 'hear', device, ...(as !== undefined && { as }) });

const recover = (p: VfioProgramBuilder, device: string, serial: Term): VfioProgramBuilder => p.do({ door: 'host', op: 'eeh-notify', what: 'recover', device, serial });

/** A container with both devices of the PE open and listening. */
function open(p: VfioProgramBuilder, depth?: number): ReturnType<VfioProgramBuilder['v2']> {
  const container = p.v2('pair0');
  for (const device of BOTH) {
    p.device(container, device);
    tell(p, 'listen', device, depth);
  }
  return container;
}

/** Notification of errors. */
export const scenarios: readonly Scenario[] = [
  eehScenario(
    {
      id: 'eeh/notify/one-error-two-devices',
      title: 'One error of a PE with two devices is told to each of them once, with one serial number, and to no device of another PE',
      clauses: [COPIES, SERIAL],
      requires: [...NOTIFY, 'device:pe1.dev0'],
    },
    (p) => {
      open(p);
      tell(p, 'listen', 'pe1.dev0');
      freeze(p, 'pair0');
      for (const device of [...BOTH, 'pe1.dev0']) hear(hear(p, device), device);
    },
  ),
  eehScenario(
    { id: 'eeh/notify/serial-grows', title: 'Each error of a PE has a greater serial number than the one before; a PE that is stopped already has no new one', clauses: [COPIES, SERIAL, rule('enable')], requires: NOTIFY },
    (p) => {
      const container = open(p);
      for (let i = 0; i < 3; i++) {
        freeze(freeze(p, 'pair0'), 'pair0');
        for (const device of BOTH) hear(hear(p, device), device);
        state(pe(p, container, 'enable'), container);
      }
    },
  ),
  eehScenario(
    { id: 'eeh/notify/recovered-through-other', title: 'A recovery through the second device, by the serial number that the first was told, makes the PE normal for both', clauses: ['eeh-notify/recovered', rule('get-state')], requires: NOTIFY },
    (p) => {
      const container = open(p);
      hear(freeze(p, 'pair0'), 'pair0.dev0', 'event');
      state(recover(state(p, container), 'pair0.dev1', { from: 'event.serial' }), container);
      // Asked for again it is done again: to no effect.
      state(recover(p, 'pair0.dev0', { from: 'event.serial' }), container);
    },
  ),
  eehScenario(
    { id: 'eeh/notify/stale', title: 'A recovery from an error that is not the latest, or never was, does nothing', clauses: ['eeh-notify/stale', 'eeh-notify/recovered', rule('get-state')], requires: NOTIFY },
    (p) => {
      const container = open(p);
      hear(freeze(p, 'pair0'), 'pair0.dev0', 'first');
      recover(p, 'pair0.dev0', { from: 'first.serial' });
      hear(freeze(p, 'pair0'), 'pair0.dev0', 'second');
      state(recover(p, 'pair0.dev1', { from: 'first.serial' }), container);
      state(recover(p, 'pair0.dev1', plus({ from: 'second.serial' }, 1n)), container);
      state(recover(p, 'pair0.dev1', { from: 'second.serial' }), container);
    },
  ),
  eehScenario(
    { id: 'eeh/notify/lost', title: 'A listener without room is told that it lost something, once; then it asks for the state, and hears the next error', clauses: ['eeh-notify/lost', COPIES, SERIAL, rule('get-state')], requires: NOTIFY },
    (p) => {
      const container = open(p, 1);
      for (let i = 0; i < 3; i++) pe(freeze(p, 'pair0'), container, 'enable');
      for (let i = 0; i < 3; i++) hear(p, 'pair0.dev0');
      state(p, container);
      hear(hear(freeze(p, 'pair0'), 'pair0.dev0'), 'pair0.dev1');
    },
  ),
  eehScenario(
    { id: 'eeh/notify/late', title: 'Who begins to listen while the PE is stopped hears nothing of the error, sees the state, and hears the next one', clauses: ['eeh-notify/later', COPIES, rule('get-state')], requires: NOTIFY },
    (p) => {
      const container = p.v2('pair0');
      p.device(container, 'pair0.dev0');
      hear(tell(freeze(p, 'pair0'), 'listen', 'pair0.dev0'), 'pair0.dev0');
      state(pe(state(p, container), container, 'enable'), container);
      hear(freeze(p, 'pair0'), 'pair0.dev0');
    },
  ),
  eehScenario(
    { id: 'eeh/notify/closed', title: 'A device that was closed is told of no error any more, also not when it is opened again', clauses: ['eeh-notify/closed', COPIES], requires: NOTIFY },
    (p) => {
      const container = p.v2('pair0');
      const first = p.device(container, BOTH[0]);
      p.device(container, BOTH[1]);
      for (const device of BOTH) tell(p, 'listen', device);
      p.close(first.fd);
      hear(hear(freeze(p, 'pair0'), BOTH[0]), BOTH[1]);
      p.device(container, BOTH[0]);
      hear(p, BOTH[0]);
    },
  ),
  eehScenario(
    { id: 'eeh/notify/left', title: 'Who has left is told nothing any more, the other device is', clauses: ['eeh-notify/closed', COPIES], requires: NOTIFY },
    (p) => {
      open(p);
      freeze(tell(p, 'leave', 'pair0.dev0'), 'pair0');
      for (const device of BOTH) hear(p, device);
    },
  ),
];
