"""
The agent of papr-conformance on a host: an interpreter of system calls. Python 3.6 or later, standard library only.

It speaks JSON, one object a line, on its standard streams. It knows no structure and no rule of what is tested: it gets
numbers, bytes and places where results of earlier operations go, and gives back what the system answered.

    control process      talks, keeps the devices' locks, watches; makes no tested call itself
      main               the test process of a program, forked for it and killed after it
        c1, c2 ...       forked by main or by each other when the program says so
      #host              forked from the control process where a device's driver is changed or a disk is read

Whatever ends it - "quit", the end of its input, silence, a signal - it ends the program's processes and puts the driver
of every device back as it found it.
"""

import ctypes
import errno
import fcntl
import gc
import json
import mmap
import os
import re
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time

VERSION = 1
# Seconds without a message after which the other side is taken for dead, until it says otherwise.
SILENCE = 60
# Seconds for a killed process to go (its windows are cleared entry by entry, on an emulated machine 262144 in seconds), and for a device to get its driver back.
DEATH_LIMIT = 60
DRIVER_LIMIT = 60
# How often a process that should answer is looked at, and one that should go away.
LOOK_EVERY = 0.05
GONE_EVERY = 0.0005
# Descriptors that the agent needs in a test process are above those that a program can get.
HIGH_DESCRIPTORS = 200
MOST_DESCRIPTORS = 1024
# Bytes that the kernel may touch behind a structure whose size it is told wrong.
SLACK = 4096
# Bytes of a structure before memory ends.
CUT_BYTES = 8
SECTOR_BUFFER = 4096
# Bits of the kernel's own word of a PE. Source: arch/powerpc/include/asm/eeh.h EEH_PE_ISOLATED, EEH_PE_RECOVERING.
PE_ISOLATED = 1
PE_RECOVERING = 2
# Seconds after which a device that is not there does not come back, where the kernel does not show that it is at it still.
AWAY = 20
LOG_RECORD = 8192
ADDRESS = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$"
WORD = 1 << 64

libc = ctypes.CDLL(None, use_errno=True)
LONG, INT, SIZE = ctypes.c_long, ctypes.c_int, ctypes.c_ulong


def system_call(name, result, *arguments):
    """A function of the C library that returns minus the error number where it fails."""
    function = getattr(libc, name)
    function.restype = result
    function.argtypes = arguments

    def call(*values):
        ctypes.set_errno(0)
        answer = function(*values)
        return -ctypes.get_errno() if answer == -1 else answer

    return call


c_ioctl = system_call("ioctl", INT, INT, SIZE, SIZE)
c_close = system_call("close", INT, INT)
c_mmap = system_call("mmap", LONG, SIZE, SIZE, INT, INT, INT, LONG)
c_munmap = system_call("munmap", INT, SIZE, SIZE)
c_mprotect = system_call("mprotect", INT, SIZE, SIZE, INT)
c_read = system_call("read", LONG, INT, SIZE, SIZE)
c_write = system_call("write", LONG, INT, SIZE, SIZE)
c_pread = system_call("pread", LONG, INT, SIZE, SIZE, LONG)
c_pwrite = system_call("pwrite", LONG, INT, SIZE, SIZE, LONG)
c_read_memory = system_call("process_vm_readv", LONG, INT, SIZE, SIZE, SIZE, SIZE, SIZE)
c_write_memory = system_call("process_vm_writev", LONG, INT, SIZE, SIZE, SIZE, SIZE, SIZE)
c_memfd_create = system_call("memfd_create", INT, SIZE, INT)
c_prctl = system_call("prctl", INT, INT, SIZE, SIZE, SIZE, SIZE)
c_capget = system_call("capget", INT, SIZE, SIZE)
c_capset = system_call("capset", INT, SIZE, SIZE)

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CAPABILITY_VERSION_3 = 0x20080522
CAP_IPC_LOCK = 14
SIGNALS = (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


# ---- Values ---------------------------------------------------------------------------------------------------------


class Unknown(Exception):
    """A reference to a result that is not there."""


def number(term, known):
    """A value: a number, its text, or {"ref": operation, "at": offset, "size": bytes, "plus": number}, modulo 2^64."""
    if isinstance(term, int):
        return term
    if isinstance(term, str):
        return int(term, 0)
    name = term["ref"]
    if name not in known:
        raise Unknown(name)
    result, data = known[name]
    if "at" in term:
        place = data[term["at"] : term["at"] + term["size"]]
        if len(place) < term["size"]:
            raise Unknown(name)
        result = int.from_bytes(place, sys.byteorder)
    return (result + number(term.get("plus", 0), known)) % WORD


def patched(step, known):
    """The step's bytes, with the values that are only known now: [offset, size, value]."""
    data = bytearray.fromhex(step["bytes"])
    for offset, size, term in step.get("patch", ()):
        value = number(term, known) % (1 << (8 * size))
        data[offset : offset + size] = value.to_bytes(size, step.get("order", sys.byteorder))
    return bytes(data)


def references(node, found):
    """Every name that a step refers to."""
    if isinstance(node, dict):
        if "ref" in node:
            found.add(node["ref"])
        for value in node.values():
            references(value, found)
    elif isinstance(node, list):
        for value in node:
            references(value, found)
    return found


def buffer_of(data, length=None):
    """Memory of this process with the data in it, and its address."""
    memory = ctypes.create_string_buffer(bytes(data), max(len(data) if length is None else length, 1))
    return memory, ctypes.addressof(memory)


# ---- Steps: each returns a number, and bytes or None ----------------------------------------------------------------


def do_open(step, known):
    flags = 0
    for name in step["flags"]:
        flags |= getattr(os, "O_" + name)
    return os.open(step["path"], flags), None


def do_close(step, known):
    return c_close(number(step["fd"], known)), None


def do_ioctl(step, known):
    fd, request = number(step["fd"], known), number(step["request"], known)
    if "bytes" not in step:
        return repeated(step, known, lambda: c_ioctl(fd, request, number(step["value"], known))), None
    data = patched(step, known)
    place = step.get("place", "memory")
    if place != "memory":
        return ioctl_out_of_reach(fd, request, data, place)
    memory, address = buffer_of(data, len(data) + SLACK)
    result = c_ioctl(fd, request, address)
    return result, memory.raw[: len(data)]


def repeated(step, known, call):
    """A call; with "until" again and again, until 8 bytes of memory have the value, or it fails."""
    if "until" not in step:
        return call()
    until = step["until"]
    word = ctypes.c_uint64.from_address(number(until["address"], known))
    for _time in range(until["most"]):
        result = call()
        if result < 0 or word.value == number(until["value"], known):
            return result
    return -errno.ETIMEDOUT


def ioctl_out_of_reach(fd, request, data, place):
    """The structure on a page of its own that the kernel cannot write, or cannot read either; or memory ends a few bytes into it."""
    if place == "cut":
        return ioctl_at_the_end(fd, request, data)
    page = c_mmap(0, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    if page < 0:
        return page, None
    ctypes.memmove(page, data, len(data))
    c_mprotect(page, mmap.PAGESIZE, mmap.PROT_READ if place == "read-only" else 0)
    result = c_ioctl(fd, request, page)
    after = ctypes.string_at(page, len(data)) if place == "read-only" else None
    c_munmap(page, mmap.PAGESIZE)
    return result, after


def ioctl_at_the_end(fd, request, data):
    """The first bytes of the structure at the end of a page, and nothing after them."""
    with MemoryEnd(CUT_BYTES) as place:
        ctypes.memmove(place, data, CUT_BYTES)
        return c_ioctl(fd, request, place), None


def do_mmap(step, known):
    address, length = number(step.get("address", 0), known), number(step["length"], known)
    fd, offset = number(step.get("fd", -1), known), number(step.get("offset", 0), known)
    return c_mmap(address, length, step["protection"], step["flags"], fd, offset), None


def do_memfd(step, known):
    """A file in memory of so many bytes, without a name in any folder."""
    _memory, name = buffer_of(b"papr\0")
    fd = c_memfd_create(name, step["flags"])
    if fd >= 0:
        os.ftruncate(fd, number(step["length"], known))
    return fd, None


def do_munmap(step, known):
    return c_munmap(number(step["address"], known), number(step["length"], known)), None


def transfer(call, address, memory_address, length):
    """Between this process's memory and itself: a bad address is an error, where touching it would be death."""
    near = (ctypes.c_uint64 * 2)(memory_address, length)
    far = (ctypes.c_uint64 * 2)(address, length)
    moved = call(os.getpid(), ctypes.addressof(near), 1, ctypes.addressof(far), 1, 0)
    return -errno.EFAULT if 0 <= moved < length else moved


def do_fill(step, known):
    length = step["length"]
    _memory, at = buffer_of(bytes([step["byte"]]) * length)
    return transfer(c_write_memory, number(step["address"], known), at, length), None


def do_copy(step, known):
    data = patched(step, known)
    _memory, at = buffer_of(data)
    return transfer(c_write_memory, number(step["address"], known), at, len(data)), None


def do_load(step, known):
    length = step["length"]
    memory, at = buffer_of(b"", length)
    result = transfer(c_read_memory, number(step["address"], known), at, length)
    return result, memory.raw if result >= 0 else None


def do_store(step, known):
    """One store instruction, for the registers of a device that are mapped."""
    data = patched(step, known)
    kind = {1: ctypes.c_uint8, 2: ctypes.c_uint16, 4: ctypes.c_uint32, 8: ctypes.c_uint64}[len(data)]
    kind.from_address(number(step["address"], known)).value = int.from_bytes(data, sys.byteorder)
    return 0, None


def do_read(step, known):
    fd, length = number(step["fd"], known), step["length"]
    if "room" not in step:
        memory, at = buffer_of(b"", length)
        result = c_read(fd, at, length)
        return result, memory.raw[: max(result, 0)]
    with MemoryEnd(step["room"]) as at:
        result = c_read(fd, at, length)
        return result, ctypes.string_at(at, max(result, 0))


def do_write(step, known):
    fd, data = number(step["fd"], known), patched(step, known)
    if "room" not in step:
        _memory, at = buffer_of(data)
        return c_write(fd, at, len(data)), None
    with MemoryEnd(step["room"]) as at:
        ctypes.memmove(at, data, min(len(data), step["room"]))
        return c_write(fd, at, len(data)), None


class MemoryEnd:
    """An address so many bytes before the end of memory."""

    def __init__(self, room):
        self.room = room

    def __enter__(self):
        self.pages = c_mmap(0, 2 * mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        if self.pages < 0:
            raise OSError(-self.pages, "no memory")
        c_munmap(self.pages + mmap.PAGESIZE, mmap.PAGESIZE)
        return self.pages + mmap.PAGESIZE - self.room

    def __exit__(self, *_exception):
        c_munmap(self.pages, mmap.PAGESIZE)


def do_pread(step, known):
    length = step["length"]
    memory, at = buffer_of(b"", length)
    result = c_pread(number(step["fd"], known), at, length, number(step["offset"], known))
    return result, memory.raw[: max(result, 0)]


def do_pwrite(step, known):
    data = patched(step, known)
    _memory, at = buffer_of(data)
    return c_pwrite(number(step["fd"], known), at, len(data), number(step["offset"], known)), None


def do_poll(step, known):
    """Reads until value & mask is 0: 0; until all bits are ones, which is what a device that is cut off answers: 1."""
    end = time.monotonic() + step["seconds"]
    while True:
        result, data = do_pread(step, known)
        if result != step["length"]:
            return (result if result < 0 else -errno.EIO), data
        value = int.from_bytes(data, step["order"])
        if value == (1 << (8 * len(data))) - 1:
            return 1, data
        if value & number(step["mask"], known) == 0:
            return 0, data
        if time.monotonic() > end:
            return -errno.ETIMEDOUT, data
        time.sleep(step["every"])


def do_limit(step, known):
    size = number(step["bytes"], known)
    size = resource.RLIM_INFINITY if size >= WORD // 2 else size
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (size, size))
    except ValueError:
        return -errno.EPERM, None
    head = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Effective, permitted and inheritable of the first 32 capabilities, then of the rest.
    sets = (ctypes.c_uint32 * 6)()
    result = c_capget(ctypes.addressof(head), ctypes.addressof(sets))
    if result < 0:
        return result, None
    for i in range(3):
        sets[i] &= ~(1 << CAP_IPC_LOCK)
    return c_capset(ctypes.addressof(head), ctypes.addressof(sets)), None


def do_locked(step, known):
    text = read_whole("/proc/self/status")
    locked, pinned = (int(text.partition(name + ":")[2].split(None, 1)[0]) * 1024 // mmap.PAGESIZE for name in ("VmLck", "VmPin"))
    return locked, pinned.to_bytes(8, sys.byteorder)


def do_bind(step, known):
    Device(step["device"]).give(step["driver"], step.get("override", ""))
    return 0, None


def do_attribute(step, known):
    """Writes a line to a file of the kernel's."""
    write_attribute(root + step["path"], step["text"] + "\n")
    return 0, None


def do_setting(step, known):
    """The same, until the program ends: then it is as it was found."""
    return do_attribute(step, known)


def do_pe_state(step, known):
    """
    Whether a device is there, and its PE's two words (firmware's, and the kernel's own). With "within": looks again until the PE is
    neither isolated nor recovering, or the device stays away: a recovery may take it away for ten seconds. The kernel is not
    looked at while it is at work: who reads a state that is just being mended may have the PE stopped again (L15).
    """
    start = present = time.monotonic()
    while True:
        while is_recovering() and time.monotonic() - start < step.get("within", 0):
            time.sleep(LOOK_EVERY)
        words = pe_words(step["device"])
        now = time.monotonic()
        present = present if words is None else now
        if words is None:
            # Looked at first: what has come back meanwhile is not away.
            over = is_recovering() is False and pe_words(step["device"]) is None
            settled = over or now - present >= AWAY
        else:
            settled = words[1] & (PE_ISOLATED | PE_RECOVERING) == 0
        if settled or now - start >= step.get("within", 0):
            return int(words is not None), struct.pack("=2Q", *(words or (0, 0)))
        time.sleep(LOOK_EVERY)


def pe_words(device):
    try:
        return [int(word, 16) for word in read_text("/sys/bus/pci/devices/" + device + "/eeh_pe_state").split()]
    except OSError:
        return None


def is_recovering():
    """Whether the kernel's thread for errors of PEs is at work on one; None where that cannot be seen."""
    global eehd
    try:
        if eehd is None:
            eehd = next(pid for pid in os.listdir(root + "/proc") if pid.isdigit() and read_text("/proc/" + pid + "/comm") == "eehd\n")
        # It waits for work interruptibly, and for hardware not; of one that runs the stack tells nothing.
        waits = read_text("/proc/" + eehd + "/stat").rpartition(") ")[2].startswith("S")
        return not waits or "eeh_handle_" in read_text("/proc/" + eehd + "/stack")
    except (OSError, StopIteration):
        return None


# Process id of that thread.
eehd = None


def read_text(path):
    return read_whole(root + path)


def read_whole(path):
    """A file of the kernel's, at most 64 KiB of it: without Python's layers, which cost more than the reading."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1 << 16).decode(errors="replace")
    finally:
        os.close(fd)


def do_replug(step, known):
    """
    Takes devices, and what else is on their bus, out of the system and finds them again: to the kernel they are new. Waits
    until the kernel is at work on no error any more.
    """
    while is_recovering():
        time.sleep(LOOK_EVERY)
    devices = [Device(address) for address in step["devices"]]
    found = [device.place() for device in devices]
    bridge = os.path.dirname(os.path.realpath(devices[0].path))
    for name in sorted(name for name in os.listdir(bridge) if re.match(ADDRESS, name)):
        write_attribute(bridge + "/" + name + "/remove", "1\n")
    write_attribute(bridge + "/rescan", "1\n")
    if [device.place() for device in devices] != found:
        raise OSError(errno.ENODEV, "other devices than before")
    return 0, None


def do_resets(step, known):
    return slot_resets() - resets_before, None


def slot_resets():
    """PEs that the kernel found stopped since it booted."""
    return int(re.search(r"^eeh_slot_resets=(\d+)", read_text("/proc/powerpc/eeh"), re.M).group(1))


# At the beginning of the program.
resets_before = 0


def do_sector(step, known):
    """The first bytes of the disk that a device's driver offers, past the page cache."""
    path = disk_of(step["device"], step["seconds"])
    if path is None:
        return -errno.ENODEV, None
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    with mmap.mmap(-1, SECTOR_BUFFER) as memory:
        view = (ctypes.c_char * SECTOR_BUFFER).from_buffer(memory)
        result = c_pread(fd, ctypes.addressof(view), SECTOR_BUFFER, 0)
        data = view.raw[: min(step["length"], max(result, 0))]
        del view
    os.close(fd)
    return result, data


STEPS = {name[3:]: function for name, function in list(globals().items()) if name.startswith("do_")}


def perform(step, known):
    try:
        return STEPS[step["do"]](step, known)
    except OSError as error:
        return -(error.errno or errno.EIO), None


def perform_all(steps, known):
    """The steps of one operation, to the first that fails; those marked "always" are done all the same."""
    known, done, failed = dict(known), [], False
    for index, step in enumerate(steps):
        if failed and not step.get("always"):
            continue
        result, data = perform(step, known)
        # A later step of the same operation refers to this one by its position.
        known["#%d" % index] = (result, data or b"")
        done.append([index, str(result), None if data is None else data.hex()])
        failed = failed or result < 0
    return done


def answer_of(operation, known):
    try:
        return {"steps": perform_all(operation["steps"], known)}
    except Unknown as reference:
        return {"unknown": str(reference)}


def both(operations, known):
    """Two operations in two threads that start together; the foreign calls run without Python's lock."""
    answers, start = [None, None], threading.Barrier(2)

    def run(index):
        start.wait()
        answers[index] = answer_of(operations[index], known)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"pair": answers}


def remember(known, operation, answer):
    """Keeps what an operation returned, for those that refer to it: of its last step, or of the one it names; and of steps with names of their own."""
    if "pair" in answer:
        for part, result in zip(operation["together"], answer["pair"]):
            remember(known, part, result)
        return
    done = answer.get("steps") or []
    for step in done:
        name = operation["steps"][step[0]].get("as") if "steps" in operation else None
        if name:
            known[name] = result_of(step)
    if operation.get("name") and done:
        known[operation["name"]] = result_of(next((step for step in done if step[0] == operation.get("value")), done[-1]))


def result_of(step):
    _index, result, data = step
    return int(result), bytes.fromhex(data or "")


# ---- Devices and their drivers --------------------------------------------------------------------------------------

# "/", but for tests.
root = ""


def write_attribute(path, text):
    with open(path, "wb", 0) as attribute:
        attribute.write(text.encode())


class Device:
    """A PCI device as sysfs has it."""

    # Drivers of the host by device, as far as they are known.
    host_drivers = {}

    def __init__(self, address):
        self.address = address
        self.bus = root + "/sys/bus/pci"
        self.path = self.bus + "/devices/" + address

    def driver(self):
        try:
            return os.path.basename(os.readlink(self.path + "/driver"))
        except OSError:
            return ""

    def override(self):
        try:
            text = read_whole(self.path + "/driver_override").strip()
        except OSError:
            return ""
        return "" if text == "(null)" else text

    def is_there(self):
        return os.path.exists(self.path)

    def place(self):
        """Where it is: its folder, its group, its PE. Raises OSError where it is not there."""
        return os.path.realpath(self.path), os.readlink(self.path + "/iommu_group"), read_text("/sys/bus/pci/devices/" + self.address + "/eeh_pe_config_addr")

    def state(self):
        return self.driver(), self.override()

    def give(self, driver, override=""):
        """To a driver by name, to the "host"'s own, or to none (""). Raises OSError."""
        if driver == "host":
            driver = self.host_drivers.get(self.address, "") or "*"
        if driver == "vfio-pci":
            override = "vfio-pci"
        before = self.driver()
        if self.override() != override:
            write_attribute(self.path + "/driver_override", override + "\n")
        if before == driver or (driver == "*" and before not in ("", "vfio-pci")):
            return
        if before:
            write_attribute(self.path + "/driver/unbind", self.address)
        if driver == "*":
            write_attribute(self.bus + "/drivers_probe", self.address)
        elif driver:
            write_attribute(self.bus + "/drivers/" + driver + "/bind", self.address)


def disk_of(address, seconds):
    """The device node of a PCI device's disk, once its driver has found it."""
    end = time.monotonic() + seconds
    home = os.path.realpath(root + "/sys/bus/pci/devices/" + address) + "/"
    while True:
        for name in sorted(os.listdir(root + "/sys/block")):
            if os.path.realpath(root + "/sys/block/" + name).startswith(home) and os.path.exists("/dev/" + name):
                return "/dev/" + name
        # NVMe with several paths: the disk is nobody's child, and the device has nvme0c0n1, a path to nvme0n1.
        for folder, names, _files in os.walk(home + "nvme"):
            for path in filter(None, (re.match(r"(nvme\d+)c\d+(n\d+)$", name) for name in names)):
                if os.path.exists("/dev/" + path.group(1) + path.group(2)):
                    return "/dev/" + path.group(1) + path.group(2)
        if time.monotonic() > end:
            return None
        time.sleep(LOOK_EVERY)


class Lease:
    """
    Devices that belong to this session: a lock on each, and how it was found. What was found is in the lock's file, too,
    so that the next session puts back what one that was killed could not.
    """

    def __init__(self, boot):
        self.boot = boot
        self.locks = {}
        self.found = {}
        # How programs find the devices.
        self.usual = {}

    def take(self, addresses):
        """Locks the devices. Returns None, or {"device": ..., "pid": ...} of one that another session has."""
        for address in addresses:
            path = "%s/run/papr-conformance.%s.lock" % (root, address)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self.locks[address] = lock
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return {"device": address, "pid": self.record(lock).get("pid", 0)}
            self.note(address, lock)
        return None

    @staticmethod
    def record(lock):
        try:
            return json.loads(os.pread(lock, 4096, 0).decode())
        except ValueError:
            return {}

    def note(self, address, lock):
        left = self.record(lock)
        found = left["found"] if left.get("boot") == self.boot and "found" in left else Device(address).state()
        self.found[address] = tuple(found)
        self.usual[address] = Device(address).state()
        text = json.dumps({"pid": os.getpid(), "boot": self.boot, "found": found}).encode()
        os.ftruncate(lock, 0)
        os.pwrite(lock, text, 0)
        if found[0] not in ("", "vfio-pci"):
            Device.host_drivers[address] = found[0]

    def changes(self, wanted):
        """Steps that bring every device that is there into a wanted state (driver, override)."""
        return [
            {"do": "bind", "device": address, "driver": state[0], "override": state[1]}
            for address, state in wanted.items()
            if Device(address).state() != state and Device(address).is_there()
        ]

    def forget(self, addresses):
        """Devices that are none of this session's any more."""
        for address in addresses:
            for known in (self.found, self.usual):
                known.pop(address, None)
            os.close(self.locks.pop(address))

    def gone(self):
        """Devices that are not there any more: the kernel has given their PEs up."""
        return [address for address in self.usual if not Device(address).is_there()]

    def release(self, clean):
        """Unlocks; the note stays where the devices could not be put back."""
        for lock in self.locks.values():
            if clean:
                os.ftruncate(lock, 0)
            os.close(lock)
        self.locks = {}


def steps_of(operations, kind):
    """Every step of that kind, those of two operations at the same time included."""
    for operation in operations:
        yield from steps_of(operation.get("together", ()), kind)
        yield from (step for step in operation.get("steps", ()) if step["do"] == kind)


class Settings:
    """Settings of the kernel that the program changes, as they were found."""

    def __init__(self):
        self.found = {}

    def note(self, operations):
        for step in steps_of(operations, "setting"):
            path = root + step["path"]
            try:
                self.found.setdefault(path, read_whole(path).strip())
            except OSError:
                # Setting it will say so.
                pass

    def put_back(self):
        """Returns None, or what went wrong: the devices are to be put back all the same."""
        found, self.found = self.found, {}
        for path, text in found.items():
            try:
                write_attribute(path, text + "\n")
            except OSError as error:
                return "setting %s back to '%s' failed: %s" % (path, text, error.strerror)
        return None


def note_resets(operations):
    global resets_before
    if any(steps_of(operations, "resets")):
        resets_before = slot_resets()


# ---- The kernel log -------------------------------------------------------------------------------------------------


class KernelLog:
    def __init__(self):
        try:
            self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self.fd = None

    def mark(self):
        if self.fd is not None:
            os.lseek(self.fd, 0, os.SEEK_END)

    def lines(self):
        """[level, text] of what the kernel itself has logged since the mark or the last look."""
        found = []
        while self.fd is not None:
            try:
                record = os.read(self.fd, LOG_RECORD).decode("utf-8", "replace")
            except BlockingIOError:
                break
            except BrokenPipeError:
                found.append([4, "(the kernel has dropped lines before this one)"])
                continue
            head, _, text = record.partition(";")
            priority = int(head.split(",")[0])
            if priority < 8:
                found.append([priority, text.split("\n")[0]])
        return found


# ---- Test processes -------------------------------------------------------------------------------------------------


class Lines:
    """Lines that come in on a descriptor."""

    def __init__(self, fd):
        self.fd = fd
        self.partial = b""
        self.lines = []

    def read(self):
        """Takes what has come. False where nothing has, which of a descriptor that waits is the end of the input."""
        try:
            data = os.read(self.fd, 1 << 16)
        except (ConnectionError, BlockingIOError):
            data = b""
        *lines, self.partial = (self.partial + data).split(b"\n")
        self.lines += lines
        return data != b""

    def next(self):
        return json.loads(self.lines.pop(0).decode())


to_json = json.JSONEncoder(separators=(",", ":")).encode


def send(fd, message):
    data = (to_json(message) + "\n").encode()
    while data:
        data = data[os.write(fd, data) :]


# What every test process has besides its control socket.
BELL = "#bell"


def test_process(name, controls):
    """
    The life of a test process: it does what comes over its control socket, until that ends. The control process does not wake for
    each answer, which on an emulated machine costs more than most operations, but when the bell says that a batch is done.
    """
    lines = Lines(controls[name])
    while True:
        while not lines.lines:
            if not lines.read():
                os._exit(0)
        message = lines.next()
        if "exit" in message:
            os._exit(0)
        if "fork" in message:
            child = os.fork()
            if child == 0:
                name = message["fork"]
                lines = Lines(controls[name])
            else:
                send(controls[name], {"steps": [[0, str(child), None]]})
                os.write(controls[BELL], b".")
            continue
        known = {key: (int(result), bytes.fromhex(data)) for key, (result, data) in message["known"].items()}
        for operation in message["operations"]:
            parts = operation.get("together")
            answer = both(parts, known) if parts else answer_of(operation, known)
            remember(known, operation, answer)
            send(controls[name], answer)
        os.write(controls[BELL], b".")


def become_test_process(name, controls):
    """The rest of a forked process's life; it never returns."""
    try:
        test_process(name, leave_all_but(controls))
    except BaseException:
        # Standard error is nobody's any more: a fault of the agent shows as the death of the process.
        os._exit(70)


def leave_all_but(controls):
    """Leaves nothing of the control process but the control sockets: descriptors from 3 on are free."""
    gc.disable()
    for number_ in SIGNALS:
        signal.signal(number_, signal.SIG_DFL)
    c_prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    high = {key: fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, HIGH_DESCRIPTORS) for key, end in controls.items()}
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(nothing, fd)
    first = 3
    for fd in sorted(high.values()) + [MOST_DESCRIPTORS]:
        os.closerange(first, fd)
        first = fd + 1
    return high


def process_state(pid):
    """The letter of its state and its exit status; a process that is gone is like one that nobody has waited for."""
    try:
        fields = read_whole("/proc/%d/stat" % pid).rpartition(")")[2].split()
    except OSError:
        return "Z", 0
    return fields[0], int(fields[-1])


def has_ended(pid):
    return process_state(pid)[0] in "ZX"


def evidence(pid):
    """Where a process hangs, as far as the kernel tells."""
    found = {"state": process_state(pid)[0]}
    for task in sorted(os.listdir("/proc/%d/task" % pid)) if os.path.isdir("/proc/%d/task" % pid) else []:
        state = process_state(int(task))[0]
        if state == "D":
            found["state"] = "D"
        for name in ("wchan", "stack"):
            try:
                found[name] = read_whole("/proc/%s/%s" % (task, name))[:2000].strip()
            except OSError:
                pass
    return found


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


class Broken(Exception):
    """A process died or did not answer: the program cannot go on."""


class Process:
    """A test process, as the control process sees it."""

    def __init__(self, pid, control):
        self.pid = pid
        self.control = control
        self.lines = Lines(control)
        os.set_blocking(control, False)

    def tell(self, message):
        os.set_blocking(self.control, True)
        send(self.control, message)
        os.set_blocking(self.control, False)

    def hear(self):
        """Takes in what it has answered. True where there is an answer to be taken."""
        while not self.lines.lines and self.lines.read():
            pass
        return self.lines.lines != []

    def leave(self):
        os.close(self.control)


def control_socket():
    """Two ends: the control process's, and a test process's."""
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


# ---- A program ------------------------------------------------------------------------------------------------------


class Program:
    """One program: its processes, what they answered, and what later operations may refer to."""

    def __init__(self, agent, operations, stepwise=False):
        self.agent = agent
        self.operations = operations
        self.stepwise = stepwise
        self.processes = {}
        self.begun = set()
        self.ending = set()
        self.known = {}
        self.answers = []
        self.told = 0
        # Both ends of the control sockets of processes that others fork.
        self.ours = {}
        self.theirs = {}
        for name in filter(None, map(forked, operations)):
            self.ours[name], self.theirs[name] = control_socket()

    def run(self):
        """Returns None, or how the program was broken off; what was answered until then is in `answers`."""
        at = 0
        try:
            while at < len(self.operations):
                batch = self.batch(at)
                # One after another: those that are answered before another one breaks the program off are known.
                for answer in self.carry_out(batch):
                    self.answers.append(answer)
                    remember(self.known, self.operations[len(self.answers) - 1], answer)
                at += len(batch)
                if self.stepwise or "pause" in batch[-1]:
                    self.agent.pause(self)
        except Broken as reason:
            return reason.args[0]
        return None

    def untold(self):
        told, self.told = self.told, len(self.answers)
        return self.answers[told:]

    def batch(self, at):
        """The operation, with those after it that the same process does without anybody's help."""
        end = at + 1
        if not self.stepwise and is_plain(self.operations[at]):
            while end < len(self.operations) and is_plain(self.operations[end]) and self.operations[end]["by"] == self.operations[at]["by"]:
                end += 1
        return self.operations[at:end]

    def carry_out(self, batch):
        first = batch[0]
        if "pause" in first:
            return [{}]
        if "log" in first:
            return [{"log": self.agent.log.lines()}]
        if "together" in first:
            return [self.together(first)]
        return self.begin(batch)

    def begin(self, batch):
        """Has operations of one process begun when it returns; what it returns waits for the answers."""
        first = batch[0]
        process = self.process(first["by"])
        if process is None:
            return ({"gone": first["by"]} for _ in batch)
        if "end" in first:
            return self.end(first["by"], process, first["end"])
        if "fork" in first:
            process.tell({"fork": first["fork"]})
            return self.forked(process, first)
        known = {name: self.known[name] for name in references(batch, set()) if name in self.known} if self.known else {}
        shown = {name: [str(result), data.hex()] for name, (result, data) in known.items()}
        process.tell({"known": shown, "operations": batch})
        return (self.answer(process, operation) for operation in batch)

    def process(self, name):
        """The process of that name; the first ones begin when they are needed."""
        if name in ("main", "#host") and name not in self.begun:
            self.adopt(name, self.agent.begin(name, self.theirs))
        process = self.processes.get(name)
        if process is not None and has_ended(process.pid):
            return None
        return process

    def adopt(self, name, process):
        self.begun.add(name)
        self.processes[name] = process

    def forked(self, process, operation):
        answer = self.answer(process, operation)
        self.adopt(operation["fork"], Process(int(answer["steps"][0][1]), self.ours.pop(operation["fork"])))
        yield answer

    def end(self, name, process, how):
        self.ending.add(name)
        if how == "kill":
            kill(process.pid)
        else:
            process.tell({"exit": True})
        return self.ended(name, process)

    def ended(self, name, process):
        end = time.monotonic() + DEATH_LIMIT
        while not has_ended(process.pid):
            if time.monotonic() > end:
                raise Broken(dict(evidence(process.pid), hung=name))
            self.agent.turn(GONE_EVERY)
        self.processes.pop(name).leave()
        yield {"ended": True}

    def together(self, operation):
        left, right = operation["together"]
        if "pause" in left or "pause" in right:
            return self.beside(left, right)
        if is_plain(left) and is_plain(right) and left["by"] == right["by"]:
            return next(iter(self.begin([operation_of(operation)])))
        waits = [iter(self.begin([part])) for part in (left, right)]
        return {"pair": [next(wait) for wait in waits]}

    def beside(self, left, right):
        """One has begun when the other side is told to do its own."""
        wait = iter(self.begin([right if "pause" in left else left]))
        self.agent.pause(self, beside=True)
        return {"pair": [{} if "pause" in part else next(wait) for part in (left, right)]}

    def answer(self, process, operation):
        """What a process answers. Raises Broken where it dies, or takes longer than the operation may."""
        end = time.monotonic() + operation["limit"]
        while not process.hear():
            if self.agent.turn(LOOK_EVERY):
                continue
            if has_ended(process.pid):
                # It may have answered first.
                if process.hear():
                    break
                if operation["by"] not in self.ending:
                    raise Broken({"died": operation["by"], "status": process_state(process.pid)[1]})
                return {"ended": True}
            if time.monotonic() > end:
                raise Broken(dict(evidence(process.pid), hung=operation["by"]))
        return process.lines.next()

    def finish(self):
        """Ends every process. Returns the names of those that cannot be ended."""
        for process in self.processes.values():
            kill(process.pid)
        end = time.monotonic() + DEATH_LIMIT
        left = self.processes
        while left and time.monotonic() < end:
            left = {name: process for name, process in left.items() if not has_ended(process.pid)}
            if left:
                self.agent.turn(GONE_EVERY)
        for process in self.processes.values():
            process.leave()
        for fd in list(self.ours.values()) + list(self.theirs.values()):
            os.close(fd)
        reap()
        return sorted(left)


def forked(operation):
    return operation.get("fork")


def is_plain(operation):
    return "steps" in operation


def operation_of(together):
    """Two operations of one process as one operation of it."""
    return dict(together, by=together["together"][0]["by"])


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


# ---- The control process --------------------------------------------------------------------------------------------


class Stop(BaseException):
    """The session is over."""


class Agent:
    def __init__(self):
        self.boot = read_text("/proc/sys/kernel/random/boot_id").strip()
        self.input = Lines(0)
        self.inbox = []
        self.log = KernelLog()
        self.lease = Lease(self.boot)
        self.settings = Settings()
        self.silence = SILENCE
        self.poll = select.poll()
        self.bell = os.pipe()
        # The test process of the next program.
        self.next_main = None
        self.program = None
        self.going_on = False
        self.stopping = False
        for fd in self.input.fd, self.bell[0]:
            self.poll.register(fd, select.POLLIN)

    def begin(self, name, theirs):
        """Forks a test process, which has these control sockets for those that it will fork; or takes the one that waits."""
        if name == "main" and not theirs and self.next_main is not None:
            process, self.next_main = self.next_main, None
            if not has_ended(process.pid):
                return process
            process.leave()
        ours, own = control_socket()
        pid = os.fork()
        if pid == 0:
            become_test_process(name, dict(theirs, **{name: own, BELL: self.bell[1]}))
        os.close(own)
        return Process(pid, ours)

    def prepare(self):
        """Forks the test process of the next program while nobody waits for it."""
        if self.next_main is None:
            self.next_main = self.begin("main", {})

    def turn(self, seconds):
        """Takes in what has come, for so long at most; answers what cannot wait. True where something has come."""
        timeout = None if seconds is None else max(1, int(seconds * 1000)) if seconds else 0
        ready = self.poll.poll(timeout)
        for fd, _ in ready:
            if fd == self.bell[0]:
                os.read(fd, 4096)
            elif not self.input.read():
                raise Stop("the end of the input")
        while self.input.lines and not self.stopping:
            signal.setitimer(signal.ITIMER_REAL, self.silence)
            self.receive(self.input.next())
        return ready != []

    def receive(self, message):
        if message["do"] == "ping":
            self.reply(message, {})
        elif message["do"] == "next":
            self.going_on = True
        elif message["do"] == "quit":
            raise Stop("quit")
        else:
            self.inbox.append(message)

    def reply(self, message, answer):
        send(1, dict(answer, id=message["id"]))

    def serve(self):
        system = os.uname()
        hello = {"machine": system.machine, "release": system.release, "version": system.version, "boot": self.boot}
        hello.update(agent=VERSION, python=sys.version.split()[0], order=sys.byteorder, page=mmap.PAGESIZE, uid=os.geteuid(), pid=os.getpid())
        send(1, hello)
        while True:
            while self.inbox:
                message = self.inbox.pop(0)
                try:
                    self.reply(message, REQUESTS[message["do"]](self, message))
                except (OSError, KeyError) as error:
                    self.end_program()
                    self.reply(message, {"error": repr(error)})
                if message["do"] in ("session", "run"):
                    self.prepare()
            self.turn(None)

    def on_look(self, message):
        """Files: their text or bytes, the names in a folder, where a link leads, whether one may read and write."""
        return {"seen": [look(question) for question in message["at"]]}

    def on_session(self, message):
        """Takes devices. Ends the session before anything was changed where one is another's."""
        self.silence = message.get("silence", SILENCE)
        busy = self.lease.take(message["devices"])
        if busy:
            self.lease.release(False)
            return {"busy": busy}
        found = {address: list(state) for address, state in self.lease.found.items()}
        return {"found": found, "log": self.log.fd is not None}

    def on_forget(self, message):
        """Leaves devices as they are: they have been lost."""
        self.lease.forget(message["devices"])
        return {}

    def on_run(self, message):
        """Runs a program; "keep" makes the drivers as it leaves them those that later programs find."""
        self.log.mark()
        note_resets(message["operations"])
        self.settings.note(message["operations"])
        self.program = Program(self, message["operations"], message.get("stepwise", False))
        self.program.message = message
        broken = self.program.run()
        answer = {"answers": self.program.untold(), "broken": broken}
        if broken is not None:
            answer["log"] = self.log.lines()
        stuck = self.end_program()
        unset = self.settings.put_back()
        answer["gone"] = self.lease.gone()
        if message.get("keep"):
            self.lease.usual = {address: Device(address).state() for address in self.lease.usual}
        answer["after"] = ("the process %s cannot be ended" % stuck[0]) if stuck else self.put_back(self.lease.usual) or unset
        return answer

    def pause(self, program, beside=False):
        """Tells what is known so far and waits to be told to go on; "beside": with the operation after these under way."""
        self.going_on = False
        self.reply(program.message, {"paused": True, "beside": beside, "answers": program.untold()})
        while not self.going_on:
            self.turn(None)

    def end_program(self):
        program, self.program = self.program, None
        return program.finish() if program is not None else []

    def put_back(self, wanted):
        """Brings the devices back to the drivers they should have. Returns None, or what went wrong."""
        steps = self.lease.changes(wanted)
        if not steps:
            return None
        self.program = Program(self, [{"by": "#host", "steps": [step], "limit": DRIVER_LIMIT} for step in steps])
        broken, answers = self.program.run(), self.program.answers
        self.end_program()
        if broken is not None:
            return "giving %s back to its driver did not end" % steps[len(answers)]["device"]
        for step, answer in zip(steps, answers):
            result = int(answer["steps"][0][1])
            if result < 0:
                return "giving %s back to '%s' failed: %s" % (step["device"], step["driver"], os.strerror(-result))
        return None

    def stop(self):
        """Everything back as it was found."""
        self.stopping = True
        for name in SIGNALS:
            signal.signal(name, signal.SIG_IGN)
        self.poll.unregister(self.input.fd)
        if self.next_main is not None:
            kill(self.next_main.pid)
        self.end_program()
        unset = self.settings.put_back()
        gone = ", ".join(self.lease.gone())
        lost = gone + " is not there any more: its PE was given up" if gone else None
        trouble = self.put_back(self.lease.found) or unset or lost
        self.lease.release(trouble is None)
        return trouble


REQUESTS = {"look": Agent.on_look, "session": Agent.on_session, "forget": Agent.on_forget, "run": Agent.on_run}


def look(question):
    (kind, path), = question.items()
    path = root + path
    try:
        if kind == "text":
            with open(path, errors="replace") as file:
                return file.read(1 << 20)
        if kind == "bytes":
            with open(path, "rb") as file:
                return file.read(1 << 16).hex()
        if kind == "names":
            return sorted(os.listdir(path))
        if kind == "real":
            return os.path.realpath(path)[len(root) :] if os.path.exists(path) else None
        return os.access(path, os.R_OK | os.W_OK)
    except OSError:
        return None


def on_signal(number_, _frame):
    raise Stop("signal %d" % number_)


def main():
    """One session. The exit status is 0 where everything is as it was found."""
    for name in SIGNALS:
        signal.signal(name, on_signal)
    signal.setitimer(signal.ITIMER_REAL, SILENCE)
    # Processes whose parent has ended become this one's children, so that none is left over.
    c_prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    agent = Agent()
    trouble = None
    try:
        agent.serve()
    except (Stop, BrokenPipeError):
        pass
    finally:
        trouble = agent.stop()
        if trouble:
            sys.stderr.write("papr-agent: %s\n" % trouble)
    sys.exit(1 if trouble else 0)


if __name__ == "__main__":
    main()
