import { E, syscallResultName } from '../../reference/uapi/errno.js';
import { TargetLost, UsageError } from '../target.js';
import type { AgentLink } from './agent-link.js';
import type { FoundDevice } from './devices.js';
import type { Instruction } from './instructions.js';
import { forgetSchema, runSchema, sessionSchema, type Answer, type RunAnswer } from './messages.js';
import { deviceBusy, moduleMissing } from './trouble.js';

/** How a program came out on the host. */
export interface Outcome extends Omit<RunAnswer, 'paused' | 'beside'> {
  /** One answer for every operation, as far as the program came. */
  readonly answers: Answer[];
}

/** Called at each pause of a program with the number of answers so far, and whether the next is under way; the program goes on when it has resolved. */
export type AtPause = (answered: number, beside: boolean) => Promise<void>;

const BIND_SECONDS = 60;
/** A recovery may have to end first. */
const REPLUG_SECONDS = 120;
/** Seconds without a word from this side after which the agent gives everything back. */
const SILENCE_SECONDS = 60;

/** An agent on a host, with devices that are its own for as long as it lives. */
export class Session {
  private constructor(
    readonly link: AgentLink,
    /** The kernel log can be read. */
    readonly hasLog: boolean,
  ) {}

  /** Locks the devices and notes how they are, which is how the agent gives them back. @throws UsageError where another run has one */
  static async take(link: AgentLink, devices: readonly FoundDevice[], silence = SILENCE_SECONDS): Promise<Session> {
    const message = { do: 'session', devices: devices.map(({ address }) => address), silence };
    const { busy, log } = await link.request(message, sessionSchema);
    if (busy !== undefined) throw deviceBusy(link.name, busy.device, busy.pid);
    return new Session(link, log === true);
  }

  /**
   * Runs instructions in processes of their own.
   *
   * @param atPause for programs that pause
   * @throws TargetLost when the connection is lost meanwhile; `partial` then holds what was answered
   */
  async run(instructions: readonly Instruction[], settings: RunSettings = {}): Promise<Outcome> {
    const { stepwise, keep, atPause, partial: answers = [] } = settings;
    const message = { do: 'run', operations: instructions, ...(stepwise && { stepwise }), ...(keep && { keep }) };
    const troubles: unknown[] = [];
    const last = await this.link.request(message, runSchema, (part) => {
      answers.push(...part.answers);
      const pause = atPause?.(answers.length, part.beside === true) ?? Promise.resolve();
      void pause.catch((error: unknown) => troubles.push(error)).then(() => this.link.goOn());
    });
    answers.push(...last.answers);
    if (troubles.length > 0) throw troubles[0];
    return { ...last, answers };
  }

  /** Gives devices to drivers, for this program and those after it. @throws UsageError, TargetLost */
  async bind(drivers: ReadonlyMap<string, 'vfio-pci' | 'host'>): Promise<void> {
    const wanted = [...drivers];
    const { answers } = await this.run(wanted.map(([device, driver]) => bindInstruction(device, driver)), { keep: true });
    wanted.forEach(([device, driver], i) => this.#checkBound(device, driver, answers[i]));
  }

  /** Takes the devices of a bus out of the system and finds them again, with their drivers. Whether all is as it was before. */
  async replug(devices: readonly string[]): Promise<boolean> {
    const { answers, after, gone = [] } = await this.run([{ by: '#host', steps: [{ do: 'replug', devices }], limit: REPLUG_SECONDS }]);
    const [answer] = answers;
    return answer !== undefined && 'steps' in answer && answer.steps[0]![1] === 0n && !after && gone.length === 0;
  }

  /** Devices that are lost are none of this session's any more. */
  async forget(devices: readonly string[]): Promise<void> {
    await this.link.request({ do: 'forget', devices } as { do: string }, forgetSchema);
  }

  #checkBound(device: string, driver: string, answer: Answer | undefined): void {
    const result = answer !== undefined && 'steps' in answer ? answer.steps[0]![1] : undefined;
    if (result === undefined) throw new TargetLost(`expected ${this.link.name} to give ${device} to ${driver}, but it did not answer; look at its console`);
    if (result >= 0n) return;
    const seen = `${syscallResultName(result)} for ${device}`;
    if (driver === 'vfio-pci' && [E.ENOENT, E.ENODEV].includes(Number(-result) as 2)) throw moduleMissing(this.link.name, seen);
    throw new UsageError(`expected ${this.link.name} to give ${device} to ${driver}, but saw ${seen}; look at its kernel log (dmesg)`);
  }
}

/** How instructions are run. */
export interface RunSettings {
  /** Pause after every operation: slower, but if the host dies it is known where. */
  readonly stepwise?: boolean;
  /** The drivers as the program leaves them are what later programs find. */
  readonly keep?: boolean;
  readonly atPause?: AtPause;
  /** Filled with the answers as they come. */
  readonly partial?: Answer[];
}

/** Gives a device to a driver. */
export const bindInstruction = (device: string, driver: 'vfio-pci' | 'host'): Instruction => ({
  by: '#host',
  steps: [{ do: 'bind', device, driver }],
  limit: BIND_SECONDS,
});
