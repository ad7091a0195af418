/** The first program of a lab machine. */

/** Address of the guest in QEMU's user network, where 10.0.2.2 is the host. */
const GUEST_ADDRESS = '10.0.2.15/24';

/** On the console, before the public part of the guest's SSH host key. */
export const HOST_KEY_MARK = 'papr-lab: host key:';
/** On the console, when the guest takes SSH connections. */
export const READY_MARK = 'papr-lab: ready';
/** On the console, before the reason why the guest cannot be used. */
export const FAILED_MARK = 'papr-lab: failed:';
/** On the console, when the guest may be saved. */
export const SUSPENDED_MARK = 'papr-lab: suspended';
/** On the console of a machine that came from a snapshot, when it takes SSH connections again. */
export const RESUMED_MARK = 'papr-lab: resumed';
/** On the console, when Python has translated what agents import: their first start takes half a second from then on, not four. */
export const WARM_MARK = 'papr-lab: python is warm';
/** Modules that an agent imports. */
const AGENT_IMPORTS = 'ctypes, fcntl, json, mmap, os, select, signal, struct, threading';
/** Environment of init: the kernel hands unknown `name=value` words of its command line down to it. Comma-separated. */
export const MODULES_VARIABLE = 'papr_lab_modules';
/** Where the guest keeps the configuration space of its PCI devices for `resume`. */
const CONFIGURATION_SPACES = '/run/papr-lab/pci';
/** Kernel log of level "info" and above goes to the console; what does not belong there spoils the search for oopses. */
const CONSOLE_LEVEL = 7;
/** Enough for windows of 2 MiB pages; 32 MiB. */
const HUGE_PAGES = 16;
/** A task that waits so long without a pause is reported on the console. */
const HUNG_TASK_SECONDS = 60;
/** dropbear's receive window, in bytes: an agent's messages are up to a few hundred KiB. */
const RECEIVE_WINDOW = 1_048_576;

/** Program in the guest that prepares it for being saved, and mends it when it is brought back. */
export const SUSPEND_PROGRAM = 'papr-lab-suspend';
/** A guest takes a step of its hardware clock by so many seconds for a time in which it was saved. */
export const SAVED_SECONDS = 3;
const HARDWARE_CLOCK = '/sys/class/rtc/rtc0/since_epoch';
const TRACING = '/sys/kernel/tracing';

/** PID 1. What fails is told on the console, and the rest goes on: a broken kernel is what the lab is for. */
export const INIT_SCRIPT = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux
busybox mount -t proc proc /proc
busybox --install -s /usr/bin
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mount -t debugfs debugfs /sys/kernel/debug

python3 -c 'import ${AGENT_IMPORTS}' && echo "${WARM_MARK}" &

echo ${CONSOLE_LEVEL} > /proc/sys/kernel/printk
echo 0 > /proc/sys/kernel/panic
echo ${HUGE_PAGES} > /proc/sys/vm/nr_hugepages
echo ${HUNG_TASK_SECONDS} > /proc/sys/kernel/hung_task_timeout_secs

for module in $(echo $${MODULES_VARIABLE} | tr , ' '); do modprobe $module 2> /dev/null; done

hostname lab
ip link set lo up
for try in $(seq 100); do
  card=$(ls /sys/class/net | grep -v '^lo$' | head -n 1)
  [ -n "$card" ] && break
  sleep 0.1
done
[ -z "$card" ] && echo "${FAILED_MARK} no network card; the kernel needs its driver built in or as a module"
ip addr add ${GUEST_ADDRESS} dev $card
ip link set $card up
ip route add default via 10.0.2.2

mkdir -p ${CONFIGURATION_SPACES}
for device in $(ls /sys/bus/pci/devices); do
  head -c 64 /sys/bus/pci/devices/$device/config > ${CONFIGURATION_SPACES}/$device
done

echo "${HOST_KEY_MARK} $(dropbearkey -t ed25519 -f /etc/dropbear/key | grep ^ssh-)"
dropbear -r /etc/dropbear/key -s -j -k -W ${RECEIVE_WINDOW} && echo "${READY_MARK}"

while :; do setsid cttyhack sh; done
`;


/**
 * QEMU before 8.1 forgets to start the decrementers when it loads a machine: no timer of the guest ever ends. So a loop keeps
 * every CPU awake while the machine is saved. When it sees that time has gone by, it writes into the trace buffer of its CPU,
 * for which somebody waits: to wake him, the kernel sets the decrementer of that CPU (rb_wakeups, arch_irq_work_raise),
 * and all is well from there on, as the sleep shows.
 *
 * Emulated devices that take no part in snapshots (`edu`) have lost their configuration space, and the guest's clock
 * stands at the time of the snapshot.
 */
export const SUSPEND_SCRIPT = `#!/bin/sh
await_resume() {
  read before < ${HARDWARE_CLOCK}
  while read now < ${HARDWARE_CLOCK} && [ $((now - before)) -lt ${SAVED_SECONDS} ]; do before=$now; done
  echo resumed > ${TRACING}/trace_marker
  sleep 0.001
}

mount -t tracefs tracefs ${TRACING}
for cpu in $(seq 0 $(($(nproc) - 1))); do
  cat ${TRACING}/per_cpu/cpu$cpu/trace_pipe > /dev/null &
  readers="$readers $!"
  await_resume &
  loops="$loops $!"
  taskset -p -c $cpu $! > /dev/null
done
echo "${SUSPENDED_MARK}"
wait $loops
kill $readers

read now < ${HARDWARE_CLOCK}
date -s @$now > /dev/null
for device in $(ls ${CONFIGURATION_SPACES}); do
  cmp -s -n 64 ${CONFIGURATION_SPACES}/$device /sys/bus/pci/devices/$device/config && continue
  dd if=${CONFIGURATION_SPACES}/$device of=/sys/bus/pci/devices/$device/config bs=4 2> /dev/null
done
echo "${RESUMED_MARK}"
`;
