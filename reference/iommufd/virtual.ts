import type { BoundDevice, Context, HwQueue, Vdevice, Viommu } from './state/context.js';

/* Which objects rest on a virtual IOMMU, and what becomes of a virtual device when the device goes. */

export const vdevicesOf = ({ objects }: Context, viommu: Viommu): Vdevice[] =>
  [...objects.values()].filter((object): object is Vdevice => object.kind === 'vdevice' && object.viommu === viommu);

/** The device as the virtual IOMMU knows it. */
export const vdeviceOf = (context: Context, viommu: Viommu, device: BoundDevice): Vdevice | undefined => vdevicesOf(context, viommu).find((virtual) => virtual.device === device);

/** A virtual IOMMU is in use while a nested table, a virtual device, or a queue of events or of hardware rests on it. */
export const restsOn = ({ objects }: Context, viommu: Viommu): boolean =>
  [...objects.values()].some((object) => {
    switch (object.kind) {
      case 'hwpt-nested':
      case 'vdevice':
      case 'hw-queue':
        return object.viommu === viommu;
      case 'veventq':
        return object.viommu === viommu.id;
      default:
        return false;
    }
  });

/**
 * The device goes: nobody gets the number of its virtual one again while the context lives, so that no program takes another
 * object for it. Source: Linux 7.2 drivers/iommu/iommufd/device.c iommufd_device_pre_destroy, main.c iommufd_object_remove.
 */
export function leaveTombstone({ objects }: Context, device: BoundDevice): void {
  for (const object of objects.values()) if (object.kind === 'vdevice' && object.device === device) objects.set(object.id, { kind: 'tombstone', id: object.id });
}

/** The driver has queues follow one another: one that another follows is in use. Source: Linux 7.2 drivers/iommu/iommufd/selftest.c mock_hw_queue_init_phys. */
export const isFollowed = ({ objects }: Context, { viommu, index }: HwQueue): boolean =>
  [...objects.values()].some((object) => object.kind === 'hw-queue' && object.viommu === viommu && object.index === index + 1n);

/** What held the queue's memory goes with it. */
export function removeHwQueue({ objects }: Context, { areas, access }: HwQueue): void {
  for (const area of areas) area.locks -= 1;
  access.ioas.accesses -= 1;
  objects.delete(access.id);
}
