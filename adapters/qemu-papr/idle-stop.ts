/** Stops an idle machine, so that it costs no processor time, and lets it go on when there is work. */

import type { GuestPort } from './guest-port.js';
import type { QmpClient } from '../qmp.js';

/** Idle time after which the guest is asked to park, and after which it has done so. */
const PARK_AFTER_MS = 30;
const STOP_AFTER_MS = 10;

export class IdleStop {
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly port: GuestPort,
    private readonly qmp: QmpClient,
  ) {}

  /** Call when the machine has nothing to do. */
  idle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#park(), PARK_AFTER_MS).unref();
  }

  /** Call before the machine is to do something. */
  busy(): void {
    clearTimeout(this.#timer);
    this.port.unpark();
    if (this.#stopped) this.qmp.execute('cont').catch(() => undefined);
    this.#stopped = false;
  }

  #park(): void {
    if (this.port.park()) {
      this.#stopped = true;
      this.qmp.execute('stop').catch(() => undefined);
    } else {
      this.#timer = setTimeout(() => this.#park(), STOP_AFTER_MS).unref();
    }
  }
}
