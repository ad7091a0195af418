import { vfioScenario } from '../../../harness/build/scenario-builder.js';
import type { Scenario } from '../../../harness/scenario.js';
import { DATA, fillDevice, furnish, LENGTH, openPair, openRig, OTHER_BYTE, PAGE, reached, refused, TARGET, V2, writes } from './device.js';

const TRANSLATED = 'dma/translated';
const WRITE = 'dma/write-permission';
const APART = 0x1_0000n;

/** Devices of different PEs, and of one. */
export const scenarios: readonly Scenario[] = [
  vfioScenario(
    {
      id: 'isolation/vfio/two-pes/not-shared',
      title: 'What a program mapped for one PE the device of another does not reach, either way round',
      clauses: [WRITE],
      requires: V2,
      claims: [
        refused('write', 'first', 'the page is mapped for the first PE alone'),
        refused('write', 'second', 'the page is mapped for the second PE alone'),
      ],
    },
    (p) => {
      const [first, second] = [openRig(p), openRig(p, { group: 'pe1' })];
      const [ofFirst, ofSecond] = [first.buffer.at(DATA), second.buffer.at(DATA)];
      p.map(first.container, ofFirst, first.window.at(TARGET), PAGE);
      p.map(second.container, ofSecond, second.window.at(TARGET + APART), PAGE);
      fillDevice(p, first);
      fillDevice(p, second);
      writes(p, second, { as: 'first', iova: second.window.at(TARGET), memory: ofFirst });
      writes(p, first, { as: 'second', iova: first.window.at(TARGET + APART), memory: ofSecond });
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/two-pes/same-address',
      title: 'Two PEs have the same bus address mapped to two pages, and the device of each writes its own',
      clauses: [TRANSLATED],
      requires: V2,
      claims: [
        reached('write', 'first', 'the first PE maps the first page'),
        reached('write', 'second', 'the second PE maps the second page'),
        { says: 'the second device wrote no other page', clause: TRANSLATED, holds: 'equal', loads: ['first', 'first-at-end'] },
      ],
    },
    (p) => {
      const [first, second] = [openRig(p), openRig(p, { group: 'pe1' })];
      const [ofFirst, ofSecond] = [first.buffer.at(DATA), second.buffer.at(DATA)];
      p.map(first.container, ofFirst, first.window.at(TARGET), PAGE);
      p.map(second.container, ofSecond, second.window.at(TARGET), PAGE);
      fillDevice(p, first);
      fillDevice(p, second, OTHER_BYTE);
      writes(p, first, { as: 'first', iova: first.window.at(TARGET), memory: ofFirst });
      writes(p, second, { as: 'second', iova: second.window.at(TARGET), memory: ofSecond });
      p.load(ofFirst, LENGTH, 'first-at-end');
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/two-pes/one-container',
      title: 'Two PEs in one container share its windows where the platform lets them: the devices of both reach the page',
      clauses: [TRANSLATED],
      requires: [...V2, 'platform:powernv'],
      claims: [reached('write', 'first', 'the container maps the page'), reached('write', 'second', 'the container maps the page')],
    },
    (p) => {
      const container = p.v2();
      const joined = p.open('pe1', 'joined');
      p.ioctl(joined, 'VFIO_GROUP_SET_CONTAINER', { fd: container.fd });
      const first = furnish(p, container);
      const second = { ...first, device: p.device({ ...container, group: joined }, 'pe1.dev0') };
      const [iova, memory] = [first.window.at(TARGET), first.buffer.at(DATA)];
      p.map(container, memory, iova, PAGE);
      fillDevice(p, first);
      fillDevice(p, second, OTHER_BYTE);
      writes(p, first, { as: 'first', iova, memory });
      writes(p, second, { as: 'second', iova, memory });
    },
  ),
  vfioScenario(
    {
      id: 'isolation/vfio/two-pes/two-devices-of-one',
      title: 'Two devices of one PE reach the same page at the same address, for they share its windows',
      clauses: [TRANSLATED],
      requires: V2,
      claims: [reached('write', 'first', 'the PE maps the page'), reached('write', 'second', 'the PE maps the page')],
    },
    (p) => {
      const { first, second, iova, memory } = openPair(p);
      writes(p, first, { as: 'first', iova, memory });
      writes(p, second, { as: 'second', iova, memory });
    },
  ),
];
