import type { z } from 'zod';
import { stringify } from '../../reference/doors/json.js';
import { TargetLost } from '../target.js';
import { agentCommand, agentSource, OLD_PYTHON } from './agent-file.js';
import { helloSchema, type Hello } from './messages.js';
import { cannotStart, connectionLost, noPython } from './trouble.js';
import type { Channel, ChannelEnd, Transport } from './transport.js';

/** How the agent is started and kept. */
export interface AgentOptions {
  /** How to start Python on the host; `python3` unless told, `sudo -n python3` for a user who is not root. */
  readonly python?: string;
}

const VERSION = 1;
const HELLO_TIMEOUT_MS = 60_000;
const PING_MS = 5_000;
/** Pings without an answer: the agent answers whatever a program does, but a host under heavy load may take a while. */
const MOST_UNANSWERED = 9;
const QUIT_TIMEOUT_MS = 45_000;
/** A shell that cannot find a program, or cannot execute it. */
const NOT_FOUND = [126, 127];

interface Waiting {
  readonly take: (message: unknown) => void;
  readonly fail: (error: Error) => void;
}

/** The agent on a host: one request at a time is the caller's to see to; pings go on meanwhile. */
export class AgentLink {
  #next = 1;
  #partial = '';
  /** What came before the greeting: a shell's start files may print something. */
  #noise = '';
  #hello: Hello | undefined;
  #greeted: Waiting | undefined;
  #lost: Error | undefined;
  #quitting = false;
  /** Pings since it was heard last. Not a time: this process may itself have been busy for long. */
  #unanswered = 0;
  readonly #waiting = new Map<number, Waiting>();
  readonly #timer: NodeJS.Timeout;
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>;

  private constructor(
    readonly name: string,
    private readonly channel: Channel,
  ) {
    channel.output.setEncoding('utf8').on('data', (text: string) => this.#receive(text));
    this.#timer = setInterval(() => this.#ping(), PING_MS).unref();
    this.ended = channel.ended.then((end) => this.#end(end));
  }

  /** Starts the agent. @throws TargetLost, UsageError in one line each */
  static async start(transport: Transport, { python = 'python3' }: AgentOptions = {}): Promise<AgentLink> {
    const source = agentSource();
    const link = new AgentLink(transport.name, await transport.exec(agentCommand(source.length, python)));
    link.channel.input.write(source);
    await link.#greeting();
    return link;
  }

  /** What the agent said of the host. */
  get hello(): Hello {
    return this.#hello!;
  }

  get alive(): boolean {
    return this.#lost === undefined;
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @param more called with an answer that is not the last one (`paused`)
   * @throws TargetLost when the connection is lost meanwhile
   */
  async request<T>(message: { readonly do: string }, schema: z.ZodType<T>, more?: (part: T) => void): Promise<T> {
    if (this.#lost !== undefined) throw this.#lost;
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      const take = (part: unknown): void => {
        const read = schema.safeParse(part);
        const { error, paused } = part as { error?: string; paused?: boolean };
        if (read.success && paused === true && more !== undefined) {
          more(read.data);
          return;
        }
        this.#waiting.delete(id);
        if (read.success && error === undefined) resolve(read.data);
        else reject(new TargetLost(`expected the agent on ${this.name} to ${message.do}, but saw: ${error ?? 'an answer that makes no sense'}`));
      };
      this.#waiting.set(id, { take, fail: reject });
      this.#send({ ...message, id });
    });
  }

  /** Ends the agent's input, as the loss of the connection does. */
  hangUp(): void {
    this.channel.input.end();
  }

  /** Says nothing any more, as a process that has died without closing anything. */
  mute(): void {
    clearInterval(this.#timer);
  }

  /** Lets a paused program go on. */
  goOn(): void {
    this.#send({ do: 'next' });
  }

  /** Has the agent put everything back and end. Never throws; returns what could not be put back. */
  async close(): Promise<string | undefined> {
    this.#quitting = true;
    if (this.alive) this.#send({ do: 'quit' });
    let late: string | undefined;
    const timer = setTimeout(() => {
      late = `the agent did not end within ${QUIT_TIMEOUT_MS / 1000} s`;
      this.channel.destroy();
    }, QUIT_TIMEOUT_MS);
    await this.ended;
    clearTimeout(timer);
    const { stderr } = await this.channel.ended;
    return late ?? /^papr-agent: (.*)$/m.exec(stderr)?.[1];
  }

  #greeting(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.channel.destroy();
        reject(new TargetLost(`expected the agent on ${this.name} to start within ${HELLO_TIMEOUT_MS / 1000} s, but saw ${gist(this.#noise)}; is the host overloaded?`));
      }, HELLO_TIMEOUT_MS);
      const settle = (done: () => void): void => {
        clearTimeout(timer);
        done();
      };
      this.#greeted = { take: () => settle(resolve), fail: (error) => settle(() => reject(error)) };
    });
  }

  #send(message: Readonly<Record<string, unknown>>): void {
    this.channel.input.write(`${stringify(message, 0)}\n`);
  }

  #ping(): void {
    if (this.#hello === undefined || !this.alive) return;
    if (++this.#unanswered > MOST_UNANSWERED) {
      this.#lost ??= connectionLost(this.name, `no answer of the agent for ${(MOST_UNANSWERED * PING_MS) / 1000} s, though the connection stands`);
      this.channel.destroy();
      return;
    }
    this.#send({ do: 'ping', id: 0 });
  }

  #receive(text: string): void {
    this.#unanswered = 0;
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    const message = parsed(line);
    if (this.#hello === undefined) this.#greet(line, message);
    else if (message === undefined) this.#fail(new TargetLost(`expected an answer of the agent on ${this.name}, but saw '${line.slice(0, 80)}'; look at the host`));
    else this.#waiting.get((message as { id: number }).id)?.take(message);
  }

  #greet(line: string, message: unknown): void {
    const hello = helloSchema.safeParse(message);
    if (!hello.success) {
      this.#noise = (this.#noise + line + '\n').slice(-1000);
      return;
    }
    this.#hello = hello.data;
    if (hello.data.agent === VERSION) this.#greeted?.take(hello.data);
    else this.#fail(new Error(`The agent speaks version ${hello.data.agent}, this package ${VERSION}.`));
  }

  #end(end: ChannelEnd): void {
    clearInterval(this.#timer);
    this.#fail(this.#hello === undefined ? startFailure(this.name, end, this.#noise) : this.#endReason(end));
  }

  #endReason({ failure, stderr, code }: ChannelEnd): Error {
    if (this.#quitting) return new TargetLost(`the session on ${this.name} was closed`);
    return failure ?? connectionLost(this.name, `the agent ended with status ${code ?? 'unknown'}: ${gist(stderr)}`);
  }

  #fail(error: Error): void {
    this.#lost ??= error;
    this.#greeted?.fail(this.#lost);
    for (const { fail } of this.#waiting.values()) fail(this.#lost);
    this.#waiting.clear();
  }
}

/** Why the agent did not even greet. */
function startFailure(name: string, { failure, code, stderr }: ChannelEnd, noise: string): Error {
  if (failure !== undefined) return failure;
  const seen = gist(stderr || noise);
  if (stderr.includes(OLD_PYTHON) || (code !== undefined && NOT_FOUND.includes(code))) return noPython(name, seen);
  return code === undefined ? connectionLost(name, seen) : cannotStart(name, `status ${code}: ${seen}`);
}

/** The last line of a text. */
const gist = (text: string): string => text.trim().split('\n').at(-1)?.trim() || 'nothing';

function parsed(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return undefined;
  }
}
