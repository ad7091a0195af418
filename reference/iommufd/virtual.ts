import type { BoundDevice, Context, Vdevice, Viommu } from './state/context.js';

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
