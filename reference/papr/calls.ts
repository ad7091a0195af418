import type { AnyCall, RuleBook } from '../rules.js';
import { reboot } from './reboot.js';
import { dmaTranslation } from '../tce/translate.js';
import { hGetTce } from './h-get-tce.js';
import { hMigrateDma } from './h-migrate-dma.js';
import { hPutRtce } from './h-put-rtce.js';
import { hPutRtceIndirect } from './h-put-rtce-indirect.js';
import { hPutTce } from './h-put-tce.js';
import { hPutTceIndirect } from './h-put-tce-indirect.js';
import { hRemoveRtce } from './h-remove-rtce.js';
import { hStuffTce } from './h-stuff-tce.js';
import { closeErrinjct } from './ibm-close-errinjct.js';
import { configurePe } from './ibm-configure-pe.js';
import { createPeDmaWindow } from './ibm-create-pe-dma-window.js';
import { errinjct } from './ibm-errinjct.js';
import { getConfigAddrInfo2 } from './ibm-get-config-addr-info2.js';
import { openErrinjct } from './ibm-open-errinjct.js';
import { queryPeDmaWindow } from './ibm-query-pe-dma-window.js';
import { readPciConfig } from './ibm-read-pci-config.js';
import { readSlotResetState2 } from './ibm-read-slot-reset-state2.js';
import { removePeDmaWindow } from './ibm-remove-pe-dma-window.js';
import { resetPeDmaWindow } from './ibm-reset-pe-dma-window.js';
import { setEehOption } from './ibm-set-eeh-option.js';
import { setSlotReset } from './ibm-set-slot-reset.js';
import { slotErrorDetail } from './ibm-slot-error-detail.js';

/** Every call of the door `papr`, and the translation of a device's access, as the architecture has them. */
export const PAPR_CALLS: readonly AnyCall[] = [
  hGetTce,
  hPutTce,
  hStuffTce,
  hPutTceIndirect,
  hPutRtce,
  hPutRtceIndirect,
  hRemoveRtce,
  hMigrateDma,
  queryPeDmaWindow,
  createPeDmaWindow,
  removePeDmaWindow,
  resetPeDmaWindow,
  setEehOption,
  getConfigAddrInfo2,
  readSlotResetState2,
  setSlotReset,
  configurePe,
  slotErrorDetail,
  openErrinjct,
  errinjct,
  closeErrinjct,
  readPciConfig,
  reboot,
  dmaTranslation,
];

/** The specification, without any variant. */
export const PAPR_RULES: RuleBook = new Map(PAPR_CALLS.map((call) => [call.name, call]));
